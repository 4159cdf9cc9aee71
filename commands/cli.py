"""The command line `elib`. A command imports what it needs when it runs, so that `elib --help` answers at once."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer

from commands import (
    airflow_home,
    backup,
    check_record,
    downloads,
    erase,
    export,
    harvest_now,
    index,
    links,
    night,
    pipe,
    preview,
    publish,
    reprocess,
    review,
    scaffold,
    setup,
    up,
    upgrade,
    user,
    web,
)
from commands.app import add_command, new_app

_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # surrogates: bytes that are not UTF-8

app = new_app("Harvest, normalize, judge, deduplicate and publish the metadata of the E-library for Teachers.")
app.add_typer(review.app, name="review")
app.add_typer(user.app, name="user")
add_command(app, "harvest", pipe.harvest)
add_command(app, "transform", pipe.transform)
add_command(app, "load", pipe.load)
add_command(app, "preview", preview.preview)
add_command(app, "check-record", check_record.check_record)
add_command(app, "harvest-now", harvest_now.harvest_now)
add_command(app, "publish", publish.publish)
add_command(app, "index", index.index)
add_command(app, "links", links.links)
add_command(app, "reprocess", reprocess.reprocess)
add_command(app, "run", night.run)
add_command(app, "up", up.up)
add_command(app, "web", web.web)
add_command(app, "setup", setup.setup)
add_command(app, "upgrade", upgrade.upgrade)
add_command(app, "backup", backup.backup)
add_command(app, "restore", backup.restore)
add_command(app, "erase", erase.erase)
add_command(app, "export", export.export)
add_command(app, "downloads", downloads.downloads)
add_command(app, "airflow", airflow_home.airflow)
add_command(app, "dags-folder", airflow_home.dags_folder)
add_command(app, "scaffold", scaffold.scaffold)


def _print_version(wanted: bool) -> None:
    if wanted:
        from schemas import __version__

        print(f"elib {__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True, invoke_without_command=True)
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main(words: Sequence[str] | None = None) -> int:
    """Run one command, of sys.argv unless given; return its exit code, 2 for wrong arguments."""
    words = sys.argv[1:] if words is None else words
    if any(_CONTROL_CHARACTERS.search(word) for word in words):
        print("elib: arguments must be valid UTF-8 without control characters", file=sys.stderr)
        return 2
    if not _read_secrets():
        return 1
    try:
        with _work_of_the_web():
            app(list(words), prog_name="elib")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BrokenPipeError:  # the reader has enough, as head does
        pipe.discard_stdout()
    except Exception as error:
        sentence = _explain(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1
    return 0


def _read_secrets() -> bool:
    """Read the secrets that variables name files of; print what is wrong with a file, and return False."""
    # only then: the import takes a quarter of a second
    if any(name.startswith(("ELIB_", "AIRFLOW_", "AWS_")) and name.endswith("_FILE") for name in os.environ):
        from schemas import BadSecretFile, read_secret_files

        try:
            read_secret_files(os.environ)
        except BadSecretFile as error:
            print(error, file=sys.stderr)
            return False
    return True


def _work_of_the_web() -> AbstractContextManager[None]:
    """Return a context in which this process is seen to do the piece of work that the web has begun, if it has."""
    work_id = os.environ.pop("ELIB_WORK", "")  # of this process, not of those that it starts
    if not work_id:
        return nullcontext()
    from loaders.web_work import doing_work
    from schemas import environment

    return doing_work(environment(), work_id)


def _explain(error: Exception) -> str | None:
    """Return the sentence of an error of the installation's files; None for a defect, of which a trace is needed."""
    from loaders.store import storage_sentence
    from schemas import environment

    return storage_sentence(error, environment())


if __name__ == "__main__":
    sys.exit(main())
