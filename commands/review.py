"""What needs a person: held runs, quarantined records, pairs to review; and the decisions on them.

python -m loaders.review [held] | show RUN | quarantined | pairs | curations
python -m loaders.review release RUN | refuse RUN | undo RUN-or-CURATION | accept KEY | same A B | different A B
    | correct KEY-or-RESOURCE PATH VALUE | withdraw KEY-or-RESOURCE     each with --by NAME --reason WHY
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy.exc import ArgumentError, OperationalError

from loaders.catalog import Unsigned, is_refusal, refuse, release, revoke_refusal, undo, undo_notes
from loaders.curation import (
    NotThere,
    accept,
    correct,
    curations,
    funnel_line,
    held,
    judge,
    pairs,
    quarantined,
    shown,
    undo_curation,
    withdraw,
)
from loaders.migrations import migrate
from loaders.store import FeedBusy, NotRunning, read_run
from schemas import ROOT, Environment, environment

_Publish = Callable[[Environment], str]
PUBLISH_LATER = "Effective at the next publication: `airflow dags trigger catalog` starts one now."
PUBLISHER = "commands.publish"
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # bytes that are not UTF-8, control characters
_NUMBER = re.compile("[0-9]{1,18}")  # of a curation


class _NotPublished(Exception):
    """A decision was made, and what should have published it failed."""


_LISTS = {
    "held": ("every held run, with its reasons and what it would delete and change", held),
    "quarantined": ("every record with a version that waits", quarantined),
    "pairs": ("every pair that a steward should look at", pairs),
    "curations": ("every correction, withdrawal and accepted version", curations),
}


def main(arguments: Sequence[str] | None = None, publish: _Publish | None = None) -> int:
    """Run one command; 0 when it did what it says, 1 with a sentence on stderr when it could not.

    `publish` is called by --publish after a decision.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    said = parser.parse_args(words or ["held"])
    if any(_NO_TEXT.search(word) for word in words):
        parser.error("a word holds signs that are no text: write it as UTF-8, without control characters")
    env = environment()
    try:
        migrate(env)
        for line in _answer(env, said):
            print(line)
        if said.command in _DECISIONS:
            now = said.publish and publish is not None
            print(publish(env) if now and publish else PUBLISH_LATER)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads us has read enough: `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (Unsigned, NotRunning, NotThere, FeedBusy, _NotPublished) as error:
        print(error, file=sys.stderr)
        return 1
    except (OperationalError, ArgumentError) as error:
        why = str(error).partition("\n")[0]
        print(f"The catalog cannot be used: {why}; see that ELIB_CATALOG_URL is right", file=sys.stderr)
        return 1
    return 0


def _answer(env: Environment, said: argparse.Namespace) -> Iterator[str]:
    if said.command in _LISTS:
        return _LISTS[said.command][1](env, said.feed)
    if said.command == "show":
        return shown(env, said.run)
    return iter([_DECISIONS[said.command][2](env, said)])


def _release(env: Environment, said: argparse.Namespace) -> str:
    counts = release(env, said.run, by=said.by, reason=said.reason)
    return f"{said.run} loaded: {funnel_line(counts)}"


def _refuse(env: Environment, said: argparse.Namespace) -> str:
    refused = refuse(env, said.run, by=said.by, reason=said.reason)
    return f"{said.run} refused: {refused} versions stay out until their payload changes"


def _undo(env: Environment, said: argparse.Namespace) -> str:
    if _NUMBER.fullmatch(said.what):
        undo_curation(env, int(said.what), by=said.by, reason=said.reason)
        return f"curation {said.what} undone"
    run = read_run(env, said.what)
    if is_refusal(run):
        again = revoke_refusal(env, said.what, by=said.by, reason=said.reason)
        return f"{said.what} undone: {again} versions may come again; `make reprocess FEED={run.feed}` stages them now"
    undoing = undo(env, said.what, by=said.by, reason=said.reason)
    return "; ".join([f"{said.what} undone by {undoing}", *undo_notes(env, undoing)])


def _accept(env: Environment, said: argparse.Namespace) -> str:
    number = accept(env, said.key, by=said.by, reason=said.reason, version=said.version)
    return f"curation {number}: {said.key} accepted"


def _correct(env: Environment, said: argparse.Namespace) -> str:
    number = correct(env, said.target, said.path, said.value, by=said.by, reason=said.reason)
    return f"curation {number}: {said.path} of {said.target} set"


def _withdraw(env: Environment, said: argparse.Namespace) -> str:
    return f"curation {withdraw(env, said.target, by=said.by, reason=said.reason)}: {said.target} withdrawn"


def _judge(env: Environment, said: argparse.Namespace) -> str:
    number = judge(env, said.command, said.one, said.other, by=said.by, reason=said.reason)
    return f"judgement {number}: {said.one} and {said.other} are {said.command}"


_DECISIONS: dict[str, tuple[str, tuple[str, ...], Callable[[Environment, argparse.Namespace], str]]] = {
    "release": ("load a held run", ("run",), _release),
    "refuse": ("refuse a held run, until what it brings changes", ("run",), _refuse),
    "undo": (
        "undo the newest loaded run of a feed, a refusal, an undo, or a curation by its number",
        ("what",),
        _undo,
    ),
    "accept": ("accept a quarantined version as it is", ("key",), _accept),
    "same": ("two records are one work", ("one", "other"), _judge),
    "different": ("two records are different works", ("one", "other"), _judge),
    "correct": ("set a field of a record or resource", ("target", "path", "value"), _correct),
    "withdraw": ("withdraw a record or resource from publication", ("target",), _withdraw),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loaders.review", description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", help="without one: held")
    for name, (explained, _) in _LISTS.items():
        commands.add_parser(name, help=explained).add_argument("--feed", help="of this feed only")
    commands.add_parser("show", help="what one staged run would do, record by record").add_argument("run")
    for name, (explained, words, _) in _DECISIONS.items():
        command = commands.add_parser(name, help=explained)
        for word in words:
            command.add_argument(word)
        if name == "accept":
            command.add_argument("--version", default="", help="only if this version (see quarantined) still waits")
        command.add_argument("--by", required=True, help="who decides")
        command.add_argument("--reason", required=True, help="why")
        command.add_argument("--publish", action="store_true", help="publish at once, where the command can")
    return parser


def publish_now(env: Environment) -> str:
    """Match and publish in a process of its own, since loaders know no matcher; what it said, or why it failed.

    Raises NotPublished with the last line of its errors; the decision itself stands.
    """
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "ELIB_HOME": str(env.home),
        "ELIB_CATALOG_URL": env.catalog_url,
    }
    ran = subprocess.run([sys.executable, "-m", PUBLISHER], env=variables, capture_output=True, text=True, check=False)
    if ran.returncode:
        why = (ran.stderr.strip() or ran.stdout.strip() or f"exit code {ran.returncode}").splitlines()[-1]
        raise _NotPublished(f"The decision stands, but the publication failed: {why}. {PUBLISH_LATER}")
    return ran.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main(publish=publish_now))
