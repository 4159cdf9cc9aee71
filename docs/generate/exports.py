"""Writes docs/exports.md: every format that the library gives its records out in, and what each cannot carry.

Run `python -m docs.generate.exports > docs/exports.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from transforms.exports import EXPORTS, Export

_INTRODUCTION = """# Exports

Written from the code by `python -m docs.generate.exports > docs/exports.md`; do not edit.

The library gives its published resources out in the formats below. Each is one module of `transforms/exports/`, the
counterpart of the crosswalk that reads the same format: a resource that is exported and read back with our own
crosswalk has the same values, but for what the format's table says. Tests try that with every sample record and with
every stored record of real repositories.

```sh
elib export oai_dc --out library.xml                         # everything that is published
elib export json --since 2026-03-01                          # what changed since then, and what was withdrawn
elib export json --since publish-20260301T020000000000        # the same, after the cursor of an earlier export
elib export marcxml --filter language=fr --filter type=video # several filters must all fit
elib export lom --filter level=1 --filter level=2            # values of one filter are alternatives
```

The command reads the catalog as it is at one moment, record by record, so that memory does not grow with it. It writes
to standard output or, with `--out`, a file that is there as a whole or not at all.

- **Filters** are those of the search, with the same values: `language` (a tag, or its language alone: `sr` fits
  `sr-Latn`), `level` (ISCED 2011), `type` (a code of the library's list), `subject` (`isced-f:0541`, `unesco:…`),
  `competency` (`ict-cft.3.2`), `license` (its name), `partner` (its name) and `open` (`yes`, and here `no` and
  `unknown` too); and `feed`.
- **The cursor** that an export ends with on standard error is that of [/api/v1/changes](api.md#keep-a-copy). `--since`
  with it writes exactly what publications changed since: nothing twice, and nothing is missed. A cursor that the
  catalog does not know, as after a restored backup, ends with 1 and what to do.
- **Withdrawn resources** are left out without `--since`. With it they are deletions where the format has a form for
  them, and counted on standard error where it has none. After a cursor they are
  written whatever the filters are. A resource that no longer fits the filter is not told: fetch a filtered export as a
  whole from time to time.
- `ELIB_WEB_URL` is what the addresses of the library's own pages begin with.

## What is the same in all of them

- **The datestamp** is since when a resource can be read in this form (`visible_at`), in UTC and whole seconds.
- **The licence of the metadata** has the conditions of all the feeds that a record is merged from
  ([decision 087](decisions/087-licence-of-the-metadata.md)); what may not be passed on is left out. It stands in
  `json`, `lrmi` and `amb`; the other formats have no place for it inside a record.
- **Labels of the UNESCO Thesaurus** (© UNESCO, CC BY-SA 3.0 IGO) have that attribution beside them, in every format.
- **Texts** are cleaned of control characters, surrogates and noncharacters, which no XML document may hold, and
  escaped. A text of an unknown language has no language in the export.
- **Relations to other resources of the library** lead to their pages there.

## What no export brings back

| part of the record | why |
|---|---|
| `key`, `provenance`, `terms`, `unmapped` | they are about the partner's record |
| `resource_types.source` | the partner's word; the export has the library's |
| `languages.origin`, `languages.confidence` | a language that was detected is declared from then on |
| the language of a text without one | reading gives such a text the record's, and joins it with the others of that |
| a keyword that reads as a list | reading parts "reading, writing, arithmetic", as it does with partners' records |
| a name that reads as two, or ends in a role | reading parts "Ana Example and Ivo Sample", and leaves out "(editor)" |
| subjects only as many as there were | reading adds those that keywords and labels mean in other lists |
"""


def document() -> str:
    """Return the whole page."""
    return "\n".join([_INTRODUCTION, *("\n".join(_chapter(export)) for export in EXPORTS.values())])


def _chapter(export: Export) -> Iterator[str]:
    yield f"## {export.title}: `{export.name}`\n"
    yield f"Media type `{export.media_type}`; a file of many records is `{export.file.suffix}`."
    if export.oai is not None:
        schema = export.oai.schema or "served by the library itself, for no other host has one"
        yield f"OAI-PMH: prefix `{export.oai.prefix}`, namespace `{export.oai.namespace}`, schema {schema}."
    gone = "deletions are part of it" if export.file.deletion else "it has no form for a deletion"
    yield f"Withdrawn resources: {gone}.\n"
    if export.crosswalk is None:
        yield "It is the record itself, and carries everything.\n"
        return
    yield f"Read back by the crosswalk [{export.crosswalk}](crosswalks.md#{export.crosswalk}).\n"
    yield "| cannot carry | why |"
    yield "|---|---|"
    for part, reason in export.cannot_carry.items():
        yield f"| {part} | {reason} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(document())
