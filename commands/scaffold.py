"""Write the skeleton of a new format or a new feed into the checkout; the test suite passes right after.

`elib scaffold --format NAME [--json]` or `--feed NAME`, or `make scaffold FORMAT=name` or `FEED=name`.
"""

from __future__ import annotations

import keyword
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class CannotScaffold(ValueError):
    """A name that cannot be used, or files that already exist: what to do instead."""


_XML_MODULE = '''"""The format {name}. Say here whose it is, and give the address of its specification."""

from __future__ import annotations

from transforms.crosswalks.engine import Table, XmlFormat

ROWS = {{  # their path: our field
    "title": "title",
    "creator": "contributors:author",
    "language": "languages",
    "identifier": "identifiers url",
}}
IGNORED = {{"*/@id": "a mark inside the document"}}  # their path: why the library does not keep it
FORMAT = XmlFormat(frozenset({{"{name}"}}), Table(ROWS, IGNORED))
'''
_JSON_MODULE = '''"""The format {name}. Say here whose it is, and give the address of its specification."""

from __future__ import annotations

from transforms.crosswalks.engine import JsonFormat, Table

ROWS = {{  # their path: our field
    "title": "title",
    "creator": "contributors:author",
    "language": "languages",
    "identifier": "identifiers url",
}}
IGNORED = {{"internal_id": "the platform's own number"}}  # their path: why the library does not keep it
FORMAT = JsonFormat(Table(ROWS, IGNORED))
'''
_ADDRESS = "https://repository.example.org/1"
_XML_FIXTURES = {
    "all_fields": f"""<{{name}}>
  <title>Rain in the garden</title>
  <creator>Example, Ana</creator>
  <language>en</language>
  <identifier>{_ADDRESS}</identifier>
</{{name}}>
""",
    "missing_fields": "<{name}>\n  <title>Rain in the garden</title>\n</{name}>\n",
    "blank_fields": "<{name}>\n  <title> </title>\n  <language/>\n</{name}>\n",
    "variations": """<{name} id="a">
  <title>Rain in the garden</title>
  <language>eng</language>
  <unknown>a leaf without a row</unknown>
</{name}>
""",
}
_JSON_FIXTURES = {
    "all_fields": f"""{{{{
  "title": "Rain in the garden",
  "creator": "Example, Ana",
  "language": "en",
  "identifier": "{_ADDRESS}"
}}}}
""",
    "missing_fields": '{{"title": "Rain in the garden"}}\n',
    "blank_fields": '{{"title": " ", "language": null}}\n',
    "variations": """{{
  "internal_id": 1,
  "title": ["Rain in the garden"],
  "language": "eng",
  "unknown": "a leaf without a row"
}}
""",
}
_FEED = """title = "{name}"
partner = "Example Institution"
protocol = "oai_pmh"
url = "https://repository.example.org/oai"
format = "oai_dc"
status = "paused"
note = "Unconfirmed: title, partner and address are placeholders, and whether the partner agrees."
[request]
rate = 1
"""
_REPOSITORY = """path = "/oai"

[identify]
repositoryName = "Sample of {name}"
adminEmail = "repository@example.org"
earliestDatestamp = "2024-01-01T00:00:00Z"
deletedRecord = "persistent"
granularity = "YYYY-MM-DDThh:mm:ssZ"

[formats.oai_dc]
file = "records.xml"
schema = "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
namespace = "http://www.openarchives.org/OAI/2.0/oai_dc/"
"""
_RECORDS = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- Written for this project in the shape of the partner's feed; see samples/README.md. -->
<records xmlns="http://www.openarchives.org/OAI/2.0/" xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
 <record>
  <header><identifier>oai:repository.example.org:1</identifier><datestamp>2024-01-01T00:00:00Z</datestamp></header>
  <metadata>
   <oai_dc:dc>
    <dc:title>Rain in the garden</dc:title>
    <dc:identifier>{_ADDRESS}</dc:identifier>
    <dc:language>en</dc:language>
   </oai_dc:dc>
  </metadata>
 </record>
</records>
"""
_FEED_TEST = '''"""The feed {name} over its sample: what the library reads of records in the partner's shape."""

from __future__ import annotations

from pathlib import Path

from harvesters import harvest
from samples import ReplayServer
from schemas import ROOT, Ask, environment, read_feed
from transforms import transform


def test_the_records_of_{name}_are_read(tmp_path: Path) -> None:
    feed = read_feed(ROOT / "feeds" / "{name}.toml")
    env = environment({{"ELIB_HOME": str(tmp_path), "ELIB_ALLOW_PRIVATE": "127.0.0.1"}})
    with ReplayServer(ROOT / "samples" / "{name}") as server:
        sample = feed.model_copy(update={{"url": f"{{server.url}}/oai"}})
        records = [record for page in harvest(sample, Ask(), env) for record in page.records]
    resources = [transform(record, sample).resource for record in records]
    assert [resource.title for resource in resources if resource] == [{{"en": "Rain in the garden"}}]
'''


def scaffold_format(name: str, *, is_json: bool = False, root: Path = ROOT) -> list[Path]:
    """Write the module of a format, its row, fixtures with their goldens, and its documentation; return the files.

    Raises CannotScaffold when the name cannot be used.
    """
    formats = root / "transforms" / "crosswalks" / "formats.py"
    rows = formats.read_text(encoding="utf-8")
    module = formats.parent / f"{name}.py"
    fixtures = root / "tests" / "fixtures" / name
    _require_new(name, module, formats.parent / name, fixtures)
    if f'"{name}"' in rows:
        raise CannotScaffold(f"{formats.name} already has a format or alias {name}; choose another name")
    suffix = "json" if is_json else "xml"
    texts = {module: (_JSON_MODULE if is_json else _XML_MODULE).format(name=name), formats: _with_row(rows, name)}
    for kind, text in (_JSON_FIXTURES if is_json else _XML_FIXTURES).items():
        texts[fixtures / f"{kind}.{suffix}"] = text.format(name=name)
    _write(texts)
    _python(root, "-m", "tests.fixtures.regenerate", name)
    page = root / "docs" / "crosswalks.md"
    page.write_text(_python(root, "-m", "docs.generate.crosswalks"), encoding="utf-8")
    return sorted({*texts, *fixtures.glob("*.golden.json"), page})


def scaffold_feed(name: str, *, root: Path = ROOT) -> list[Path]:
    """Write a paused feed, a sample of its source and a test that harvests the sample; return the files.

    Raises CannotScaffold when the name cannot be used.
    """
    sample = root / "samples" / name
    texts = {
        root / "feeds" / f"{name}.toml": _FEED.format(name=name),
        sample / "oai.toml": _REPOSITORY.format(name=name),
        sample / "records.xml": _RECORDS,
        root / "tests" / "feeds" / f"test_feed_{name}.py": _FEED_TEST.format(name=name),
    }
    _require_new(name, sample, *texts)
    _write(texts)
    return sorted(texts)


def _require_new(name: str, *paths: Path) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise CannotScaffold(f"{name!r} cannot be used; begin with a letter a-z and go on with a-z, 0-9 and _")
    for path in paths:
        if path.exists():
            raise CannotScaffold(f"{path} already exists; choose another name, or delete it first")


def _with_row(formats: str, name: str) -> str:
    """Return the text of formats.py with the module imported and its row at the end of CROSSWALKS."""
    before, opening, rest = formats.partition("from transforms.crosswalks import (\n")
    imports, closing, rest = rest.partition(")\n")
    table, end, after = rest.partition("\n}\n\n# formats that")
    if not (opening and closing and end):
        raise CannotScaffold("the imports or CROSSWALKS in formats.py have another form; add the row by hand")
    names = "".join(sorted([*imports.splitlines(keepends=True), f"    {name},\n"]))
    return f'{before}{opening}{names}{closing}{table}\n    "{name}": {name}.FORMAT,{end}{after}'


def _write(texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _python(root: Path, *arguments: str) -> str:
    """Run a module of the checkout in a new process, which sees the new files; return what it prints."""
    variables = {**os.environ, "PYTHONPATH": str(root), "PYTHONUTF8": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=variables, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def scaffold(
    format_name: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="A crosswalk: module, row, fixtures, documentation.")
    ] = None,
    feed_name: Annotated[
        str | None, typer.Option("--feed", metavar="NAME", help="A feed file, a sample of its source, a test.")
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="The format is JSON; XML unless given.")] = False,
) -> int:
    """Write the skeleton of a format or a feed. Only in a checkout; exits with 2 when the name cannot be used."""
    if (format_name is None) == (feed_name is None):
        raise typer.BadParameter("give either --format NAME or --feed NAME")
    try:
        paths = (
            scaffold_format(format_name, is_json=is_json) if format_name is not None else scaffold_feed(feed_name or "")
        )
    except CannotScaffold as error:
        print(f"scaffold: {error}", file=sys.stderr)
        return 2
    for path in paths:
        print(path.relative_to(ROOT))
    return 0
