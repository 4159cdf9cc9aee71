"""python -m docs.generate.crosswalks > docs/crosswalks.md: what every format's paths become, from the tables."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator
from types import FunctionType

from schemas import Resource
from transforms.crosswalks.dialects import DIALECTS
from transforms.crosswalks.engine import USED, Reader, Table, XmlFormat
from transforms.crosswalks.formats import ALIASES, CROSSWALKS, Crosswalk

_INTRODUCTION = """# Crosswalks

Generated from the code by `python -m docs.generate.crosswalks > docs/crosswalks.md`; a test holds it current.

Paths are lower-cased local names below the format's root, `@` is an attribute; `*` is everything below, or any element.
A field is one of the shared record; behind a colon stands what the source says besides: a role, a scheme, a kind
(`@name`: as that attribute says). `field?` takes the value only when the library's list of that field knows it.
"Read together" means: a scheme, a type or a part that qualifies its neighbour. A leaf in none of the tables is listed
in the record's `unmapped`. Of every format a description that is DSpace's note on its own work ("Submitted by …",
"Made available in DSpace on …") is ignored: personal data.
"""
_UNMAPPED = "Every other leaf is listed as unmapped."


def document() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    shown: dict[int, str] = {}
    for name, crosswalk in sorted(CROSSWALKS.items()):
        parts.append("\n".join(_format(name, crosswalk, shown)))
    parts.append("\n".join(_dialects()))
    return "\n".join(parts)


def _format(name: str, crosswalk: Crosswalk, shown: dict[int, str]) -> Iterator[str]:
    yield f"## {name}\n"
    other = sorted(alias for alias, target in ALIASES.items() if target == name)
    if other:
        yield f"Also called {', '.join(f'`{alias}`' for alias in other)}.\n"
    if isinstance(crosswalk, XmlFormat):
        yield f"Root element: {', '.join(f'`{root}`' for root in sorted(crosswalk.roots))}.\n"
        if crosswalk.transparent:
            yield f"Wrappers without meaning: {', '.join(f'`{one}`' for one in sorted(crosswalk.transparent))}.\n"
        for key, inner in sorted(crosswalk.nested.items()):
            yield f"`{key}` is read as {_name(inner)}.\n"
    if id(crosswalk.table) in shown:
        yield f"The table of {shown[id(crosswalk.table)]}.\n"
        return
    shown[id(crosswalk.table)] = name
    yield from _table(crosswalk.table)


def _name(inner: XmlFormat) -> str:
    return next((name for name, one in CROSSWALKS.items() if isinstance(one, XmlFormat) and one is inner), "DataCite")


def _table(table: Table) -> Iterator[str]:
    yield "| source path | becomes | rule |"
    yield "|---|---|---|"
    for key, said in sorted(table.rows.items()):
        if said != USED:
            yield f"| `{key}` | {', '.join(f'`{word}`' for word in said.split())} | table |"
    for key, reader in sorted(table.readers.items()):
        fields = ", ".join(f"`{field}`" for field in _fields(reader))
        yield f"| `{key}` | {fields} | reader: {_promise(reader)} |"
    for key, said in sorted(table.rows.items()):
        if said == USED:
            yield f"| `{key}` | – | read together with its element |"
    for key, reason in sorted(table.ignored.items()):
        yield f"| `{key}` | – | ignored: {reason} |"
    yield f"\n{_UNMAPPED}\n"


FIELDS = frozenset(Resource.__struct_fields__) - {"key", "provenance", "terms", "unmapped"}


def _fields(reader: Reader) -> list[str]:
    """The fields that a reader can say: those it names itself, and those that its maker or a table of it gives."""
    return sorted(_said(reader, set()) & FIELDS)


def _said(function: Reader, seen: set[str]) -> set[str]:
    seen.add(function.__qualname__)
    words = _words(cell.cell_contents for cell in function.__closure__ or ())
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add":
            words |= {str(one.value) for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)}
        if isinstance(node, ast.Name):
            found = function.__globals__.get(node.id)
            words |= _words([found]) if isinstance(found, dict) else set()
            if isinstance(found, FunctionType) and found.__qualname__ not in seen:
                words |= _said(found, seen)
    return words


def _words(found: Iterable[object]) -> set[str]:
    words: set[str] = set()
    for one in found:
        if isinstance(one, str):
            words.add(one.partition(":")[0].rstrip("?"))
        elif isinstance(one, tuple | list):
            words |= _words(one)
        elif isinstance(one, dict):
            words |= _words(one.values())
    return words


def _promise(reader: Reader) -> str:
    """The first line of what a reader, or the function that made it, promises."""
    text = reader.__doc__
    if not text:
        maker = sys.modules[reader.__module__].__dict__[reader.__qualname__.partition(".")[0]]
        text = maker.__doc__ or ""
    return text.strip().splitlines()[0].removeprefix("A reader of ").replace("|", "\\|")


def _dialects() -> Iterator[str]:
    yield "## Dialects\n"
    yield 'A feed file names one (`dialect = "rcub"`); its rows come before those of the format.\n'
    yield "| dialect | format | source path | becomes |"
    yield "|---|---|---|---|"
    for name, dialect in sorted(DIALECTS.items()):
        for key, said in sorted(dialect.rows.items()):
            yield f"| {name} | {dialect.format} | `{key}` | {', '.join(f'`{word}`' for word in said.split())} |"
        for key, reader in sorted(dialect.readers.items()):
            fields = ", ".join(f"`{field}`" for field in _fields(reader))
            yield f"| {name} | {dialect.format} | `{key}` | {fields}: {_promise(reader)} |"
        for key, reason in sorted(dialect.ignored.items()):
            yield f"| {name} | {dialect.format} | `{key}` | ignored: {reason} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(document())
