"""Writes docs/crosswalks.md: what becomes of every path of every format, from the crosswalks' tables.

Run `python -m docs.generate.crosswalks > docs/crosswalks.md`.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any

from schemas import Resource
from transforms.crosswalks import ALIASES, CROSSWALKS, Crosswalk
from transforms.crosswalks.dialects import DIALECTS
from transforms.crosswalks.engine import USED, Reader, Table, XmlFormat

RECORD_FIELDS = frozenset(Resource.__struct_fields__) - {"key", "provenance", "terms", "unmapped"}
# fields that a partner's format can fill; the others are made of them
_PARTNERS_FIELDS = RECORD_FIELDS - {"issued_year", "url", "subjects"}
_FLATTENED = {  # what a format itself drops of what its repository knows
    "oai_dc": "Dates, identifiers and relations come without their kind, and people without their role: prefer dim,"
    " qdc, mods, lom or oai_openaire where the repository offers one.",
    "rss": "A feed holds the newest entries only, and shortened texts.",
    "atom": "A feed holds the newest entries only, and often shortened texts.",
    "oai_marc": "The kinds in field 008 are not read: prefer marcxml.",
    "unimarc": "The kinds in coded fields are not read, but for the leader's.",
    "edm": "What Europeana itself added to a record is not read, nor who handed the record on.",
    "marcxml": "Of a name that is catalogued in two scripts only the original one is kept.",
    "oai_openaire": "Access rights are no licence, and funding is not kept.",
    "schema_org": "What a page shows beside its JSON-LD or microdata is not read.",
}
_METHODS_WITH_PATHS = frozenset({"take", "first", "text", "groups"})  # of Group
_INTRODUCTION = """# Crosswalks

Written from the code by `python -m docs.generate.crosswalks > docs/crosswalks.md`; do not edit. A new format begins
with `make scaffold FORMAT=name`.

**Source paths** are lower-cased local names below the format's root element or object; `@name` is an attribute.
A `*` at the end stands for everything below, at the beginning for any element. The most exact path decides.

**Becomes** names fields of the shared record. Behind a colon is what else the source tells about the value: a role, a
scheme, a kind (`@name`: the text of that attribute). `field?` takes the value only when our list of that field has the
term.

**How**: *row*: the value is taken as it is. *reader*: a function of the format's module takes the values of one element
or object together. *read with its neighbour*: a scheme, a type or a part that qualifies another value. *ignored*: not
kept, for the reason given.

Every other leaf of a record is listed in its `unmapped`. `python -m bench.coverage --leaves FILES` lists the leaves of
stored records that no row names, with those that a `*` ignores. In every format a description that is DSpace's note on
its own work ("Submitted by …", "Made available in DSpace on …") is ignored: personal data.
"""


def document() -> str:
    """Return the whole page."""
    chapters = [_INTRODUCTION]
    format_by_table: dict[int, str] = {}
    for name, crosswalk in sorted(CROSSWALKS.items()):
        chapters.append("\n".join(_format(name, crosswalk, format_by_table)))
    chapters.append("\n".join(_dialects()))
    return "\n".join(chapters)


def _format(name: str, crosswalk: Crosswalk, format_by_table: dict[int, str]) -> Iterator[str]:
    yield f"## {name}\n"
    if aliases := sorted(alias for alias, target in ALIASES.items() if target == name):
        yield f"Also called {_listed(aliases)}.\n"
    if isinstance(crosswalk, XmlFormat):
        yield from _xml_structure(crosswalk)
    if references := crosswalk.references:
        yield f"References are followed at {_listed(sorted(references.keys))}.\n"
    table = crosswalk.table
    shared = format_by_table.setdefault(id(table), name)
    if shared != name:
        yield f"The table is that of {shared}.\n"
        return
    yield from _losses(table)
    if name in _FLATTENED:
        yield f"{_FLATTENED[name]}\n"
    yield "| source path | becomes | how |"
    yield "|---|---|---|"
    for key, becomes, how in _rows(table.rows, table.readers, table.ignored):
        yield f"| `{key}` | {becomes} | {how} |"
    yield ""


def _losses(table: Table) -> Iterator[str]:
    """Yield what a format loses: the fields that nothing in it fills, and what is not kept of it."""
    filled = _field_names(row for row in table.rows.values() if row != USED)
    filled |= {field for reader in table.readers.values() for field in fields_of(reader)}
    if never := sorted(_PARTNERS_FIELDS - filled):
        yield f"**What it loses.** No record in it says {_listed(never)}."
    else:
        yield "**What it loses.** It can fill every field."
    reasons = sorted(set(table.ignored.values()))
    yield f"Not kept: {'; '.join(reasons)}.\n" if reasons else ""


def _xml_structure(crosswalk: XmlFormat) -> Iterator[str]:
    yield f"Root element: {_listed(sorted(crosswalk.roots))}.\n"
    if crosswalk.transparent:
        yield f"Wrappers that are not in paths: {_listed(sorted(crosswalk.transparent))}.\n"
    for key, nested in sorted(crosswalk.nested.items()):
        name = next((name for name, other in CROSSWALKS.items() if other is nested), "the same table")
        yield f"`{key}` is read as {name}.\n"


def _dialects() -> Iterator[str]:
    yield "## Dialects\n"
    yield 'A feed file names one (`dialect = "rcub"`); its rows come before those of the format.\n'
    yield "| dialect | format | source path | becomes | how |"
    yield "|---|---|---|---|---|"
    for name, dialect in sorted(DIALECTS.items()):
        for key, becomes, how in _rows(dialect.rows, dialect.readers, dialect.ignored):
            yield f"| {name} | {dialect.format} | `{key}` | {becomes} | {how} |"
    yield ""


def _rows(
    rows: Mapping[str, str], readers: Mapping[str, Reader], ignored: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield each source path, what it becomes, and how."""
    for key, row in sorted(rows.items()):
        if row != USED:
            yield key, _listed(row.split()), "row"
    for key, reader in sorted(readers.items()):
        yield key, _listed(fields_of(reader)), f"reader: {_summary(reader)}"
    for key, row in sorted(rows.items()):
        if row == USED:
            yield key, "–", "read with its neighbour"
    for key, reason in sorted(ignored.items()):
        yield key, "–", f"ignored: {reason}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _summary(reader: Reader) -> str:
    """Return the first line of a reader's docstring, or of the function that made it."""
    text = reader.__doc__
    if not text:
        maker = sys.modules[reader.__module__].__dict__[reader.__qualname__.partition(".")[0]]
        text = maker.__doc__ or ""
    line = text.strip().splitlines()[0].removeprefix("Return a reader of ").replace("|", "\\|")
    return line[:1].lower() + line[1:] if line[1:2].islower() else line


def fields_of(reader: Reader) -> list[str]:
    """Return the fields of the record that a reader's code, or a table that it uses, names."""
    return sorted(_names_in(reader, set()) & RECORD_FIELDS)


def _names_in(function: Any, visited: set[str]) -> set[str]:
    """Return every field name in a function, in the functions that it calls, and in what its maker gave it."""
    visited.add(function.__qualname__)
    names = _field_names(cell.cell_contents for cell in function.__closure__ or ())
    for node in _nodes(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Constant):
            names |= _field_names([node.value])
        elif isinstance(node, ast.Name):
            used = function.__globals__.get(node.id)
            if isinstance(used, dict):
                names |= _field_names([used])
            elif isinstance(used, FunctionType) and used.__qualname__ not in visited:
                names |= _names_in(used, visited)
    return names


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it, without docstrings and without calls that name source paths."""
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        called = child.func if isinstance(child, ast.Call) else None
        names_paths = isinstance(called, ast.Attribute) and called.attr in _METHODS_WITH_PATHS
        if not is_docstring and not names_paths:
            yield child
            yield from _nodes(child)


def _field_names(values: Iterable[object]) -> set[str]:
    """Return the names in texts that may be rows, such as `levels contexts?`, also inside collections."""
    names: set[str] = set()
    for value in values:
        if isinstance(value, str):
            names |= {word.partition(":")[0].rstrip("?") for word in value.split()}
        elif isinstance(value, dict):
            names |= _field_names(value.values())
    return names


if __name__ == "__main__":
    sys.stdout.write(document())
