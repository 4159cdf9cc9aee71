"""The partner's fix-it list as files: CSV in each language and JSON, written while the findings are read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import msgspec
from more_itertools import chunked

from loaders.reports.fix import Finding
from loaders.reports.page import Rules, rule_text, suffix
from loaders.store import whole_file

_COLUMNS = ("identifier", "severity", "rule", "path", "value", "wrong", "why", "suggestion", "since")
BATCH = 1_000  # findings held in memory
_STARTS_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")


class FixList:
    """<feed>.fix.csv in the first language, <feed>.fix.<language>.csv in the others, and <feed>.fix.json.

    To be used in a `with`; the files are there when it ends well. CSV is UTF-8 with its mark, so that spreadsheets
    read it.
    """

    def __init__(self, folder: Path, feed: str, rules: Rules, languages: Sequence[str]) -> None:
        self._csv = {one: folder / f"{feed}.fix{suffix(one, languages)}.csv" for one in languages}
        self._json = folder / f"{feed}.fix.json"
        self._rules = rules
        self._said: dict[tuple[str, str], str] = {}  # what is said of a rule, as cells, by language and rule
        self._files = ExitStack()
        self._written = 0
        self.paths = [*self._csv.values(), self._json]

    def __enter__(self) -> FixList:
        with ExitStack() as files:  # closed again when one of them cannot be opened
            self._tables = {one: _opened(files, path, "utf-8-sig") for one, path in self._csv.items()}
            self._objects = _opened(files, self._json, "utf-8")
            self._files = files.pop_all()
        for table in self._tables.values():
            table.write(f"{_cells(_COLUMNS)}\r\n")
        self._objects.write("[")
        return self

    def __exit__(self, *ended: object) -> None:
        if ended[0] is None:
            self._objects.write("\n]\n")
        self._files.__exit__(*ended)  # type: ignore[arg-type]

    def keep(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The same findings; each is in the list when it is given on."""
        for batch in chunked(findings, BATCH):
            self._write(batch)
            yield from batch

    def _write(self, batch: Sequence[Finding]) -> None:
        own = [(one.rule, _cells(one[:5]), _cells((one.since,))) for one in batch]
        for language, table in self._tables.items():
            said = {rule: self._texts(language, rule) for rule in {one.rule for one in batch}}
            lines = (f"{first},{said[rule]},{since}\r\n" for rule, first, since in own)
            table.write("".join(lines))
        objects = [msgspec.json.encode(self._told(one)).decode() for one in batch]
        self._objects.write((",\n" if self._written else "\n") + ",\n".join(objects))
        self._written += len(batch)

    def _texts(self, language: str, rule: str) -> str:
        """What is wrong, why and how to mend it as cells, in the partner's language as far as there are words."""
        known = self._said.get((language, rule))
        if known is None:
            wrong, mend = (rule_text(self._rules, rule, what, language)[0] for what in ("wrong", "mend"))
            known = _cells((wrong, self._rules.get(rule, {}).get("why", ""), mend))
            self._said[language, rule] = known
        return known

    def _told(self, one: Finding) -> dict[str, str]:
        said = self._rules.get(one.rule, {})
        return {
            "identifier": one.identifier,
            "severity": one.severity,
            "rule": one.rule,
            "path": one.path,
            "value": one.value,
            "wrong": said.get("wrong", ""),
            "why": said.get("why", ""),
            "suggestion": said.get("mend", ""),
            "since": one.since,
            "fixed": one.fixed,
        }


def _opened(files: ExitStack, path: Path, encoding: str) -> TextIO:
    """A file to write to, which is there when it is whole."""
    beside = files.enter_context(whole_file(path))
    return files.enter_context(beside.open("w", encoding=encoding, newline=""))


class _Line:
    """A file for csv.writer, whose writerow then returns what it would have written."""

    def write(self, text: str) -> str:
        return text


_ROW = csv.writer(_Line())


def _cells(texts: Iterable[str]) -> str:
    """Texts as harmless cells of CSV, parted by commas: what is the same in each language is written once."""
    return str(_ROW.writerow([harmless(text) for text in texts])).removesuffix("\r\n")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection."""
    return f"'{cell}" if _STARTS_FORMULA.match(cell) else cell
