"""The names in one statement, each whole and in house form, with its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from schemas import read_vocabulary
from transforms.normalize.folding import fold
from transforms.normalize.people.corporate import BRACKETS, Kind, has_corporate_word, is_corporate, is_place, nobody

EMAIL = re.compile(r"(?:[<(\[]\s*+|(?<!\s)\s++)?(?:mailto:)?(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++\s*+[>)\]]?")
_ORCID_SAID = re.compile(
    r"(?:(?<![\s,;])[\s,;]++)?(?:[(\[<]\s*+)?(?:(?:https?://)?(?:www\.)?orcid\.org/|orcid\s*+(?:id\s*+)?(?::++\s*+)?)?"
    r"\d{4}-\d{4}-\d{4}-\d{3}[\dXx](?:\s*+[)\]>])?",
    re.I,
)
_YEARS = re.compile(
    r"(?:(?<![\s,])[\s,]++)?(?:[(\[]\s*+)?\b(?:(?:b\.|d\.|born|ca\.?|р\.|род\.)\s*+)?(?:1[0-9]|20)\d{2}"
    r"\s*+(?:[-–—]\s*+(?:\d{4}\s*+)?)?[)\]]?\.?$"
)
_ROLE_SUFFIX = re.compile(
    r"(?<![\s,])[\s,]++[(\[]?(?:author|editor|eds?|creator|aut|edt|illustrator|translator|автор|ред)\.?[)\]]?$", re.I
)
_ROLE_PART = re.compile(
    r"(?:(?<!\s)\s++)?,\s*+(?:author|editor|eds?|creator|illustrator|translator|автор|ред)\.?$", re.I
)
_INITIAL = re.compile(r"\b[^\W\d_]\.|^[^\W\d_]$")
_INITIALED = re.compile(r"[^\W\d_][\w'’-]+ (?:[^\W\d_]\.? ?){1,3}")  # "Smith J", "Иванов И. И."
_HEAD = re.compile(r"\b(?:ministr|minist[eè]r|universi|institut|department|faculty|bureau|office|cent(?:er|re))", re.I)
_LIST = re.compile(r"[;|]")
_DIGIT = re.compile(r"\d\d")
_COMMA = re.compile(r"(?:(?<!\s)\s++)?[,،]\s*+")
_BRACKET = re.compile(r"[()\[\]]")
_AND = re.compile(r"(?<!\s)\s++(?:and|&|et|y|und|и)\s++", re.I)
_LEADING_AND = re.compile(r"^(?:and|&|et|y|und|и)\s+", re.I)
_ONLY_INITIALS = re.compile(r"(?:[^\W\d_]\.[ -]?){1,4}|[^\W\d_]")  # "J.", "J. R.", "J.-P."
_BY = re.compile(r"^(?:(?:created|written|edited|made|developed) )?by (?=[^\W\d_a-z])")
_FIELDS = re.compile(r"\b\w+(?:al|ic|ive|ary|elle?|ico|ica|ivo|iva)$", re.I)  # "Educational, Scientific and"
_TIDY = re.compile(r"(?<!\s)\s++([,;])")
_ENDS_IN_A_WORD = re.compile(r"(?:[^\W\d_]{5}|[^\W\d_]{3}[aeiouyаеиоуыюя])\.$", re.IGNORECASE)


def names(said: str, given: Kind | None, *, joined: bool) -> Iterator[tuple[str, Kind]]:
    text = _ORCID_SAID.sub(" ", said) if "-" in said else said
    for part in _LIST.split(EMAIL.sub(" ", text) if "@" in text else text):
        name = _BY.sub("", tidy(part))
        if not fold(name) or fold(name) in nobody():
            continue
        if given == "organisation":
            yield name, given
        elif joined:
            yield from _joined(_at_commas(name))
        else:
            yield from _one_or_list(name, given)


def _at_commas(text: str) -> list[str]:
    """A statement's parts between the commas, those inside brackets aside."""
    if ")" not in text and "]" not in text:
        return _COMMA.split(text)
    parts: list[str] = []
    begin = 0
    bracket = _BRACKET.search(text)
    for comma in _COMMA.finditer(text):
        if bracket is not None and bracket.start() < comma.end():
            bracket = _BRACKET.search(text, comma.end())
        if bracket is None or bracket[0] in "([":
            parts.append(text[begin : comma.start()])
            begin = comma.end()
    return [*parts, text[begin:]]


def _one_or_list(name: str, given: Kind | None) -> Iterator[tuple[str, Kind]]:
    name = _ROLE_PART.sub("", name)
    parts = [part for part in _at_commas(name) if part]
    if len(parts) == 1:
        yield from _single(parts[0], given)
        return
    corporate = _which_corporate(parts)
    many_words = not all(map(_is_name_part, parts)) and not any(corporate) and not _AND.search(name)
    if given is None and (all(corporate) or many_words):
        yield name, "organisation"
    elif given is None and any(corporate):
        yield from _mixed(name, parts, corporate)
    else:
        yield from _persons(name, parts)


def _which_corporate(parts: list[str]) -> list[bool]:
    """For each part whether it is an organisation; capitals of "PANTEL, Klaus" and "Perera, GAC" are no acronym, and
    with initials ("Press, William H.") a single word is a family name.
    """
    if len(parts) == 2:
        if " " not in parts[0] and _INITIAL.search(parts[1]):
            return [False, False]
        return [is_corporate(part) and (not part.isupper() or has_corporate_word(part)) for part in parts]
    return [is_corporate(part) for part in parts]


def _mixed(name: str, parts: list[str], corporate: list[bool]) -> Iterator[tuple[str, Kind]]:
    """Organisations among what may be persons: a list only where that is certain.

    That is where a whole "Last, First" stands before or between organisations, or has initials; after the last
    organisation it could be its place ("Harvard University, Cambridge, Massachusetts").
    """
    runs = _runs(parts, corporate)
    persons = [run for is_one, run in runs if not is_one]
    pairs = all(len(run) % 2 == 0 and all(map(_is_name_part, run)) for run in persons)
    inside = corporate[-1] or bool(_INITIAL.search(parts[-1]))
    if pairs and inside and len(parts) > 2 and not _goes_on(parts[0]):
        yield from _joined(parts)
    else:
        yield name, "organisation"


def _joined(parts: list[str]) -> Iterator[tuple[str, Kind]]:
    """A comma-joined list of corporate names and "Last, First": each name whole, in order.

    What follows an organisation and is no whole person goes with it: "World Heritage Committee, 44th session".
    """
    parts = [part for part in parts if part]
    at = 0
    while at < len(parts):
        if is_corporate(parts[at]):
            end = at + 1
            while end < len(parts) and (_belongs(parts, at, end) or not _starts_a_name(parts, end)):
                end += 1
            if end == at + 1 and _HEAD.search(parts[at]) and _is_odd(parts, end):
                end += 1  # "University of California, Los Angeles, Smith, John"
            yield ", ".join(parts[at:end]), "organisation"
        elif _starts_a_name(parts, at):
            end = at + 2
            yield from _persons(", ".join(parts[at:end]), parts[at:end])
        else:
            end = at + 1
            yield parts[at], "person" if _is_name_part(parts[at]) and len(parts[at].split()) <= 3 else "organisation"
        at = end


def _is_odd(parts: list[str], at: int) -> bool:
    """Whether up to the next organisation stands one part more than whole "Last, First" need."""
    run = next((end for end in range(at, len(parts)) if is_corporate(parts[end])), len(parts)) - at
    return run % 2 == 1


def _starts_a_name(parts: list[str], at: int) -> bool:
    """Whether an organisation or a whole "Last, First" begins with this part."""
    if is_corporate(parts[at]):
        return True
    pair = parts[at : at + 2]
    return (
        len(pair) == 2 and all(map(_is_name_part, pair)) and not any(map(is_place, pair)) and not is_corporate(pair[1])
    )


def _belongs(parts: list[str], start: int, at: int) -> bool:
    """Whether a part goes on with a corporate name: "Ministry of Education, Science and Technology"."""
    if _FIELDS.search(parts[at - 1]) and (_FIELDS.search(parts[at]) or _FIELDS.search(_AND.split(parts[at])[0])):
        return True  # "Educational, Cultural and Scientific Organization"
    if parts[at][:1].islower() and _AND.search(parts[at]):
        return True  # "pour l'éducation, la science et la culture"
    return bool(_goes_on(parts[start]) and _AND.search(parts[at]) and not _HEAD.search(parts[at]))


def _goes_on(part: str) -> bool:
    """Whether a corporate name is of the sort that lists its fields after a comma."""
    return bool(re.search(r"\b(?:ministr|minist[eè]r|department|faculty|committee|council)\w*\b", part, re.I))


def _runs(parts: list[str], corporate: list[bool]) -> list[tuple[bool, list[str]]]:
    runs: list[tuple[bool, list[str]]] = []
    for part, is_one in zip(parts, corporate, strict=True):
        if runs and runs[-1][0] == is_one:
            runs[-1][1].append(part)
        else:
            runs.append((is_one, [part]))
    return runs


def _persons(name: str, parts: list[str]) -> Iterator[tuple[str, Kind]]:
    suffixes = set(read_vocabulary("corporate")["suffixes"])
    titles = [
        part
        for number, part in enumerate(parts[1:])
        if fold(part).replace(" ", "") in suffixes and (number or not _ONLY_INITIALS.fullmatch(part))  # "Silva, J. R."
    ]
    core = [part for part in parts if part not in titles]
    several = _several(name, core) if len(core) > 1 and not titles else []
    if several:
        for one in several:
            yield from _persons(", ".join(one), one)
    elif len(core) == 2:
        forename, (title, surname) = _unstopped(_plain(core[1])), _titled(_plain(core[0]))
        yield tidy(f"{title} {forename} {surname}" + "".join(f", {title}" for title in titles)), "person"
    elif len(core) == 3 and not titles:
        yield tidy(" ".join([*core[1:], core[0]])), "person"
    else:
        yield name if len(core) > 1 or titles else _plain(name), "person"


def _titled(surname: str) -> tuple[str, str]:
    """The titles before a family name ("Prof. Dr. Müller"), and the name alone."""
    words = surname.split()
    count = next((at for at, word in enumerate(words[:-1]) if fold(word) not in _titles()), len(words) - 1)
    return " ".join(words[:count]), " ".join(words[count:])


def _unstopped(name: str) -> str:
    """A forename without the full stop that ends a MARC statement ("Joseph."); "J.", "Wm." and "Chas." keep theirs."""
    return name[:-1] if _ENDS_IN_A_WORD.search(name) else name


def _several(name: str, core: list[str]) -> list[list[str]]:
    """The parts of each person's name, where a statement is certainly a list of persons; else empty."""
    alternating = [piece for part in core for piece in _AND.split(_LEADING_AND.sub("", part))]
    if len(alternating) >= 4 and _alternate(alternating):
        return [alternating[at : at + 2] for at in range(0, len(alternating), 2)]
    pairs = [[part for part in _at_commas(pair) if part] for pair in _AND.split(name)]
    if len(pairs) > 1 and all(len(pair) == 2 for pair in pairs):
        return pairs
    if all(map(_INITIALED.fullmatch, core)) or _is_list_of_full_names(name):
        return [[piece] for part in core for piece in map(tidy, _AND.split(_LEADING_AND.sub("", part))) if piece]
    if len(core) >= 3 and all(len(part.split()) > 1 for part in core):
        return [[_LEADING_AND.sub("", part)] for part in core]
    if len(core) >= 4 and len(core) % 2 == 0:
        return [core[at : at + 2] for at in range(0, len(core), 2)]
    return []


def _alternate(parts: list[str]) -> bool:
    """Whether family names and initials alternate: "Smith", "J.", "Brown", "A."."""
    return len(parts) % 2 == 0 and all(
        bool(_ONLY_INITIALS.fullmatch(part)) == bool(number % 2) for number, part in enumerate(parts)
    )


def _is_list_of_full_names(name: str) -> bool:
    """Whether a name is like "A. Smith, B. Jones and C. Brown"."""
    pieces = [piece for part in _at_commas(name) for piece in _AND.split(part)]
    return len(pieces) > 2 and bool(_AND.search(name)) and all(len(piece.split()) > 1 for piece in pieces)


def _single(name: str, given: Kind | None) -> Iterator[tuple[str, Kind]]:
    person = _plain(name)
    parts = _AND.split(person)
    whole = len(parts) > 1 and all(2 <= len(part.split()) <= 4 for part in parts)
    if whole and (given == "person" or all(_INITIAL.match(part) for part in parts)):
        for part in parts:
            yield part, "person"
    elif given is None and "&" in name and len(parts) > 1 and not whole:
        yield name, "organisation"  # "Johnson & Johnson"
    elif given == "person" or not is_corporate(name):
        yield person or name, "person"
    else:
        yield name, "organisation"


def _is_name_part(part: str) -> bool:
    return len(part.split()) <= 5 and not _AND.search(part) and not re.search(r"[\d:=]", part)


def _plain(name: str) -> str:
    """A person's name without years of life, a fuller form or affiliation in brackets, and a role."""
    core = BRACKETS.sub("", _without_years(name)) if "(" in name or "[" in name else name
    return tidy(_ROLE_SUFFIX.sub("", core)) or name


def _without_years(name: str) -> str:
    return _YEARS.sub("", name) if _DIGIT.search(name) else name


@lru_cache(maxsize=1)
def _titles() -> frozenset[str]:
    return frozenset(read_vocabulary("corporate")["titles"])


def tidy(name: str) -> str:
    return _TIDY.sub(r"\1", " ".join(_without_years(name).split())).strip(" ,;:،-–/").strip()
