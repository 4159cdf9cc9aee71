"""Split a statement into names, each whole, in the form "First Last" and with its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from schemas import read_vocabulary
from transforms.normalize.folding import fold
from transforms.normalize.people.corporate import (
    BRACKETS,
    Kind,
    has_corporate_word,
    is_corporate,
    is_place_name,
    placeholder_names,
)

EMAIL = re.compile(r"(?:[<(\[]\s*+|(?<!\s)\s++)?(?:mailto:)?(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+\s*+[>)\]]?")
_ORCID = re.compile(
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
_HEAD_WORD = re.compile(
    r"\b(?:ministr|minist[eè]r|universi|institut|department|faculty|bureau|office|cent(?:er|re))", re.I
)
_LIST = re.compile(r"[;|；、]")
_DIGIT = re.compile(r"\d\d")
_COMMA = re.compile(r"(?:(?<!\s)\s++)?[,،]\s*+")
_PATRONYMIC = re.compile(r"(?:вич|вна|ична|улы|оглы|кызы|qizi|o['ʻ]g['ʻ]li|vich|vna)$", re.I)
_BRACKET = re.compile(r"[()\[\]]")
_AND_WORDS = f"(?:{'|'.join(map(re.escape, read_vocabulary('corporate')['and']))})"
_AND_OR_NAME = "|".join(read_vocabulary("corporate")["and_or_name"])
_AND = re.compile(rf"(?<!\s)\s++{_AND_WORDS}\s++", re.I)
_BETWEEN_PERSONS = re.compile(rf"(?<!\s)\s++(?:{_AND_WORDS}|{_AND_OR_NAME})\s++", re.I)  # "Costa e Silva" is one name
_LEADING_AND = re.compile(rf"^{_AND_WORDS}\s+", re.I)
_ONLY_INITIALS = re.compile(r"(?:[^\W\d_]\.[ -]?){1,4}|[^\W\d_]")  # "J.", "J. R.", "J.-P."
_CHARACTERS_OF_NAME = re.compile(r"[\u4e00-\u9fff\uac00-\ud7a3]{2,4}")
_ROLE_PHRASES = "|".join(map(re.escape, read_vocabulary("corporate")["role_phrases"]))
_ROLE_PHRASE = re.compile(rf"^((?i:{_ROLE_PHRASES})) (?=[^\W\d_a-z])")
_BY = re.compile(rf"^(?:(?:(?:created|written|made|developed) )?by|(?i:{_ROLE_PHRASES})) (?=[^\W\d_a-z])")
_FIELD_ADJECTIVE = re.compile(r"\b\w+(?:al|ic|ive|ary|elle?|ico|ica|ivo|iva)$", re.I)  # "Educational, Scientific and"
_SYLLABLES = re.compile(r"[aeiouаеиоуыэюя][^\W\d_aeiouаеиоуыэюя]+[aeiouаеиоуыэюя]")  # two of a word
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_NAMES_AS_COUNTRIES = ("jordan", "georgia", "chad", "israel", "india", "kenya", "cuba", "ireland")
_SPACE_BEFORE_COMMA = re.compile(r"(?<!\s)\s++([,;])")
_ENDS_IN_A_WORD = re.compile(r"(?:[^\W\d_]{5}|[^\W\d_]{3}[aeiouyаеиоуыюя])\.$", re.IGNORECASE)


def split_names(statement: str, given: Kind | None, *, joined: bool) -> Iterator[tuple[str, Kind]]:
    """Yield each name of a statement with its kind; `given` and `joined` are as in `read_contributors`."""
    text = _ORCID.sub(" ", statement) if "-" in statement else statement
    for number, part in enumerate(_LIST.split(EMAIL.sub(" ", text) if "@" in text else text)):
        name = _BY.sub("", clean_name(part))
        if _names_nobody(name):
            continue
        if given == "organisation" or (number and _is_place(name)):
            yield name, "organisation"
        elif joined:
            yield from _read_joined(_split_at_commas(name))
        else:
            yield from _read_one_or_list(name, given)


def _is_place(name: str) -> bool:
    """Whether a part of a list is where an author works: "Oslo, Norway"; "Smith, Georgia" is a person."""
    country = _COMMA.split(name)[-1]
    return is_place_name(country) and fold(country) not in {*_given_names(), *_NAMES_AS_COUNTRIES}


def _names_nobody(name: str) -> bool:
    """Whether a part of a statement is empty, a placeholder or only a degree."""
    return not fold(name) or fold(name) in placeholder_names() or _is_degree(name)


def _is_degree(name: str) -> bool:
    """Whether a part of a list is only what follows a name: "PhD"; "V" or "Jr" alone may be somebody's."""
    key = fold(name).replace(" ", "")
    return len(key) > 2 and key in read_vocabulary("corporate")["suffixes"]


def role_phrase(statement: str) -> str | None:
    """Return what stands before a name and says its role: "edited by"."""
    match = _ROLE_PHRASE.match(statement)
    return match[1] if match else None


def _split_at_commas(text: str) -> list[str]:
    """Split at commas outside brackets."""
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


def _read_one_or_list(name: str, given: Kind | None) -> Iterator[tuple[str, Kind]]:
    """Read a statement of one name, or of several with commas between or inside them."""
    name = _ROLE_PART.sub("", name)
    parts = [part for part in _split_at_commas(name) if part]
    if len(parts) == 1:
        yield from _read_single(parts[0], given)
    else:
        yield from _read_parts(name, parts, given)


def _read_parts(name: str, parts: list[str], given: Kind | None) -> Iterator[tuple[str, Kind]]:
    """Read the parts between commas as an organisation, as organisations among persons, or as persons."""
    corporate = _corporate_parts(parts)
    many_words = not all(map(_is_name_part, parts)) and not any(corporate) and not _AND.search(name)
    if given is None and (all(corporate) or many_words):
        yield name, "organisation"
    elif given is None and any(corporate):
        yield from _read_mixed(name, parts, corporate)
    else:
        yield from _read_persons(name, parts)


def _corporate_parts(parts: list[str]) -> list[bool]:
    """Return for each part whether it is an organisation.

    Capitals of "PANTEL, Klaus" and "Perera, GAC" are not an acronym, and a single word before initials ("Press,
    William H.") is a family name.
    """
    if len(parts) == 2:
        if " " not in parts[0] and _INITIAL.search(parts[1]):
            return [False, False]
        return [is_corporate(part) and (not part.isupper() or has_corporate_word(part)) for part in parts]
    return [is_corporate(part) for part in parts]


def _read_mixed(name: str, parts: list[str], corporate: list[bool]) -> Iterator[tuple[str, Kind]]:
    """Read organisations among what may be persons: as a list only where that is certain, else as one organisation.

    It is certain where a whole "Last, First" comes before or between organisations, or has initials; after the last
    organisation it could be its place ("Harvard University, Cambridge, Massachusetts").
    """
    ends_surely = corporate[-1] or bool(_INITIAL.search(parts[-1]))
    if corporate == [False, True] and _begins_as_person(parts[0]) and 2 <= len(parts[0].split()) <= 4:
        yield from _read_single(parts[0], "person")
        yield parts[1], "organisation"
    elif ends_surely and len(parts) > 2 and not _lists_fields(parts[0]) and _persons_are_whole(parts, corporate):
        yield from _read_joined(parts)
    else:
        yield name, "organisation"


def _persons_are_whole(parts: list[str], corporate: list[bool]) -> bool:
    """Whether all parts between organisations can be pairs of "Last, First"."""
    groups = groupby(zip(parts, corporate, strict=True), key=itemgetter(1))
    persons = [[part for part, _ in group] for is_organisation, group in groups if not is_organisation]
    return all(len(group) % 2 == 0 and all(map(_is_name_part, group)) for group in persons)


def _read_joined(parts: list[str]) -> Iterator[tuple[str, Kind]]:
    """Split a comma-joined list of corporate names and "Last, First": each name whole, in order.

    Parts after an organisation that are not a whole person belong to it: "World Heritage Committee, 44th session".
    """
    parts = [part for part in parts if part]
    at = 0
    while at < len(parts):
        if is_corporate(parts[at]):
            end = _end_of_corporate_name(parts, at)
            yield ", ".join(parts[at:end]), "organisation"
        elif _starts_a_name(parts, at):
            end = at + 2
            yield from _read_persons(", ".join(parts[at:end]), parts[at:end])
        else:
            end = at + 1
            yield parts[at], "person" if _is_name_part(parts[at]) and len(parts[at].split()) <= 3 else "organisation"
        at = end


def _end_of_corporate_name(parts: list[str], start: int) -> int:
    """Return the index after the last part of the corporate name that begins at `start`."""
    end = start + 1
    while end < len(parts) and (_continues_corporate_name(parts, start, end) or not _starts_a_name(parts, end)):
        end += 1
    if end == start + 1 and _HEAD_WORD.search(parts[start]) and _has_odd_length(parts, end):
        end += 1  # "University of California, Los Angeles, Smith, John"
    return end


def _has_odd_length(parts: list[str], at: int) -> bool:
    """Whether the number of parts up to the next organisation is odd, so that they are not all whole "Last, First"."""
    next_organisation = next((end for end in range(at, len(parts)) if is_corporate(parts[end])), len(parts))
    return (next_organisation - at) % 2 == 1


def _starts_a_name(parts: list[str], at: int) -> bool:
    """Whether an organisation or a whole "Last, First" begins with this part."""
    if is_corporate(parts[at]):
        return True
    pair = parts[at : at + 2]
    return (
        len(pair) == 2
        and all(map(_is_name_part, pair))
        and not any(map(is_place_name, pair))
        and not is_corporate(pair[1])
    )


def _continues_corporate_name(parts: list[str], start: int, at: int) -> bool:
    """Whether a part continues a corporate name: "Ministry of Education, Science and Technology"."""
    if _FIELD_ADJECTIVE.search(parts[at - 1]) and (
        _FIELD_ADJECTIVE.search(parts[at]) or _FIELD_ADJECTIVE.search(_AND.split(parts[at])[0])
    ):
        return True  # "Educational, Cultural and Scientific Organization"
    if parts[at][:1].islower() and _AND.search(parts[at]):
        return True  # "pour l'éducation, la science et la culture"
    return bool(_lists_fields(parts[start]) and _AND.search(parts[at]) and not _HEAD_WORD.search(parts[at]))


def _lists_fields(part: str) -> bool:
    """Whether a corporate name is of a kind that lists its fields of work after a comma."""
    return bool(re.search(r"\b(?:ministr|minist[eè]r|department|faculty|committee|council)\w*\b", part, re.I))


def _read_persons(name: str, parts: list[str]) -> Iterator[tuple[str, Kind]]:
    """Read one person, or several where the statement is certainly a list of persons."""
    suffixes = _suffixes(parts)
    core = [part for part in parts if part not in suffixes]
    persons = _split_persons(name, core) if len(core) > 1 and not suffixes else []
    for person in persons:
        yield from _read_persons(", ".join(person), person)
    if not persons:
        yield _first_last(name, core, suffixes), "person"


def _suffixes(parts: list[str]) -> list[str]:
    """Return the parts that are suffixes ("Jr.", "PhD"); "J. R." after a family name are initials."""
    known = read_vocabulary("corporate")["suffixes"]
    return [
        part
        for number, part in enumerate(parts[1:])
        if fold(part).replace(" ", "") in known
        and (number or not _ONLY_INITIALS.fullmatch(part) or _is_full_name(parts[0]))
    ]


def _is_full_name(part: str) -> bool:
    """Whether a part before a comma is a whole name: "Jane Doe, M.D."."""
    return " " in part and _begins_as_person(part)


def _first_last(name: str, core: list[str], suffixes: list[str]) -> str:
    """Write "Last, First" as "First Last", with titles before it and suffixes after it."""
    if len(core) == 2 and not suffixes and _counts_two(*core) is None:
        return name  # perhaps two people: a finding says so
    if len(core) == 2:
        return clean_name(", ".join([_turned(*core), *suffixes]))
    if len(core) == 3 and not suffixes:
        return clean_name(" ".join([*core[1:], core[0]]))
    return name if len(core) > 1 or suffixes else _without_additions(name)


def _turned(last: str, first: str) -> str:
    """Return "First Last"; a given or a family name that both parts hold, once: "Jane Doe, Jane", "Doe, Jane Doe"."""
    forename = " ".join(_undoubled(_without_full_stop(_without_additions(first)).split()))
    title, surname = _split_titles(_without_additions(last))
    if surname.startswith(f"{forename} "):
        forename = ""
    elif forename.endswith(f" {surname}"):
        surname = ""
    return f"{title} {forename} {surname}"


def _undoubled(words: list[str]) -> list[str]:
    """Return the words of a name without given names repeated at once: "Maria Maria"; "Bing Bing" is a name."""
    count = next((count for count in (1, 2, 3) if words[:count] == words[count : 2 * count]), 0)
    return words[count:] if count and all(map(_is_said_once, words[:count])) else words


def _is_said_once(word: str) -> bool:
    """Whether a given name is no syllable that may be doubled, nor one that father and child may have."""
    if fold(word) in read_vocabulary("given_names")["doubled"]:
        return False
    return bool(_SYLLABLES.search(fold(word))) or (fold(word) in _given_names() and not _ARABIC.match(word))


def _split_titles(surname: str) -> tuple[str, str]:
    """Return the titles before a family name ("Prof. Dr. Müller"), and the name alone."""
    words = surname.split()
    count = next((at for at, word in enumerate(words[:-1]) if fold(word) not in _titles()), len(words) - 1)
    return " ".join(words[:count]), " ".join(words[count:])


def _without_full_stop(name: str) -> str:
    """Remove the full stop that ends a MARC statement ("Joseph."); "J.", "Wm." and "Chas." keep theirs."""
    return name[:-1] if _ENDS_IN_A_WORD.search(name) else name


def _split_persons(name: str, core: list[str]) -> list[list[str]]:
    """Return the parts of each person's name, where a statement is certainly a list of persons; else nothing."""
    for split in _SPLITTERS:
        if persons := split(name, core):
            return persons
    return []


def _split_initials(_: str, core: list[str]) -> list[list[str]]:
    """Split "Smith, J., Brown, A. and Green, B."."""
    pieces = [piece for part in core for piece in _AND.split(_LEADING_AND.sub("", part))]
    return _in_pairs(pieces) if len(pieces) >= 4 and _names_and_initials_alternate(pieces) else []


def _split_pairs_at_and(name: str, _: list[str]) -> list[list[str]]:
    """Split "Smith, John and Brown, Anna"."""
    pairs = [[part for part in _split_at_commas(pair) if part] for pair in _AND.split(name)]
    return pairs if len(pairs) > 1 and all(len(pair) == 2 for pair in pairs) else []


def _split_full_names(name: str, core: list[str]) -> list[list[str]]:
    """Split "Smith J, Brown A" and "A. Smith, B. Jones and C. Brown"."""
    is_initialed = all(map(_is_initialed, core))
    if not is_initialed and not _is_list_of_full_names(name):
        return []
    pieces = [piece for part in core for piece in _AND.split(_LEADING_AND.sub("", part))]
    return [[cleaned] for piece in pieces if (cleaned := clean_name(piece))]


def _is_initialed(part: str) -> bool:
    """Whether a name is like "Smith J"; "CARTER JR" and "Li Wei" are not."""
    initials = part.partition(" ")[2]
    is_suffix = fold(initials).replace(" ", "") in read_vocabulary("corporate")["suffixes"]
    return bool(_INITIALED.fullmatch(part)) and initials.isupper() and not is_suffix


def _split_two_full_names(_: str, core: list[str]) -> list[list[str]]:
    """Split "Ana Silva, Rui Costa"."""
    return [[part] for part in core] if len(core) == 2 and _counts_two(*core) else []


def _counts_two(first: str, second: str) -> bool | None:
    """Return whether two parts are two people, or one written "Last, First"; None where nothing tells.

    Where one of them has a single word, they are one person, unless the second begins with a title.
    """
    title, given = _split_titles(second)
    words, further = _split_titles(first)[1].split(), given.split()
    if title and len(words) > 1:
        return True
    if _are_whole_in_characters(first, second) or _hold_only_given_names(words, further):
        return None
    if len(words) < 2 or len(further) < 2 or _is_family_name(words) or _is_given(further, second):
        return False
    return _counts_two_by_words(words, further, are_thai=_is_thai(first) and _is_thai(second))


def _counts_two_by_words(words: list[str], further: list[str], *, are_thai: bool) -> bool | None:
    if are_thai or any(map(_ONLY_INITIALS.fullmatch, words[:-1])):
        return True  # "Ann B. Lee, Carl D. Moe", "B. Martin, K. Ziegler"
    return _counts_two_by_given_names(fold(words[0]), fold(further[0]))


def _hold_only_given_names(*parts: list[str]) -> bool:
    """Whether each part has several words, all given names: "أحمد علي، محمد حسن" does not tell the family's."""
    return all(len(words) > 1 and all(fold(word) in _given_names() for word in words) for words in parts)


def _are_whole_in_characters(first: str, second: str) -> bool:
    """Whether two names in Chinese or Korean characters each begin with a common family name: "王伟, 李娜"."""
    families = read_vocabulary("given_names")["family_characters"]
    return all(_CHARACTERS_OF_NAME.fullmatch(name) and name[0] in families for name in (first, second))


def _counts_two_by_given_names(first: str, second: str) -> bool | None:
    if second not in _given_names() or first in _also_family_names():
        return None
    return first in _given_names()


def _is_family_name(words: list[str]) -> bool:
    """Whether words are certainly a family name: "van der Berg", "Pereira Filho"."""
    return fold(words[0]) in _particles() or fold(words[-1]) in read_vocabulary("corporate")["suffixes"]


def _is_given(words: list[str], text: str) -> bool:
    """Whether words are certainly given names: "Gabriel José", "Кузьма Сергеевич", "Boaventura de"."""
    return _is_given_names(words) or bool(_PATRONYMIC.search(text)) or fold(words[-1]) in _particles()


def _is_given_names(words: list[str]) -> bool:
    """Whether words are given names or initials to the last: "Gabriel José", "John A."."""
    return bool(_ONLY_INITIALS.fullmatch(words[-1])) or all(fold(word) in _given_names() for word in words)


def _is_thai(name: str) -> bool:
    return "\u0e01" <= name[:1] <= "\u0e4f"


def _begins_as_person(name: str) -> bool:
    """Whether a name begins with an initial, a title or a given name."""
    word = fold(name.split(maxsplit=1)[0])
    return bool(_INITIAL.match(name)) or word in _titles() or word in _given_names()


def _split_at_each_comma(_: str, core: list[str]) -> list[list[str]]:
    """Split "Anna Brown, John Smith, Mary Jones"."""
    if len(core) < 3 or any(len(part.split()) < 2 for part in core):
        return []
    return [[_LEADING_AND.sub("", part)] for part in core]


def _split_into_pairs(_: str, core: list[str]) -> list[list[str]]:
    """Split "Smith, John, Brown, Anna"."""
    return _in_pairs(core) if len(core) >= 4 and len(core) % 2 == 0 else []


_SPLITTERS = (
    _split_initials,
    _split_pairs_at_and,
    _split_full_names,
    _split_two_full_names,
    _split_at_each_comma,
    _split_into_pairs,
)


def _in_pairs(parts: list[str]) -> list[list[str]]:
    return [parts[at : at + 2] for at in range(0, len(parts), 2)]


def _names_and_initials_alternate(parts: list[str]) -> bool:
    """Whether family names and initials alternate: "Smith", "J.", "Brown", "A."."""
    return len(parts) % 2 == 0 and all(
        bool(_ONLY_INITIALS.fullmatch(part)) == bool(number % 2) for number, part in enumerate(parts)
    )


def _is_list_of_full_names(name: str) -> bool:
    """Whether a name is like "A. Smith, B. Jones and C. Brown"."""
    pieces = [piece for part in _split_at_commas(name) for piece in _AND.split(part)]
    return len(pieces) > 2 and bool(_AND.search(name)) and all(len(piece.split()) > 1 for piece in pieces)


def _read_single(name: str, given: Kind | None) -> Iterator[tuple[str, Kind]]:
    """Read a statement without commas: a person, two joined by "and", or an organisation."""
    person = _without_additions(name)
    parts = _BETWEEN_PERSONS.split(person)
    may_be_persons = _may_be_persons(parts)
    if may_be_persons and _are_persons(parts, given):
        for part in parts:
            yield part, "person"
    elif given is None and (is_corporate(name) or _is_firm(name, parts, may_be_persons)):
        yield name, "organisation"
    else:
        yield _without_repetition(person or name), "person"


def _without_repetition(name: str) -> str:
    """Return "Maria Rossi" for "Maria Maria Rossi"; a name of two equal words stays."""
    words = name.split()
    once = _undoubled(words)
    return name if once is words or len(once) == len(words) - len(once) else " ".join(once)


def _are_persons(parts: list[str], given: Kind | None) -> bool:
    """Whether names joined by "and" are certainly persons': by their first words, or because the source says so."""
    if given == "person" or all(map(_INITIAL.match, parts)):
        return True
    if any(map(is_corporate, parts)) or any(word[0].islower() for part in parts for word in part.split()):
        return False
    return any(map(_begins_as_person, parts)) or all(map(_is_thai, parts))


def _may_be_persons(parts: list[str]) -> bool:
    """Whether two or more names joined by "and" are each as long as a person's."""
    return len(parts) > 1 and all(2 <= len(part.split()) <= 4 for part in parts)


def _is_firm(name: str, parts: list[str], may_be_persons: bool) -> bool:
    """Whether a name is like "Johnson & Johnson"."""
    return "&" in name and len(parts) > 1 and not may_be_persons


def _is_name_part(part: str) -> bool:
    return len(part.split()) <= 5 and not _AND.search(part) and not re.search(r"[\d:=]", part)


def _without_additions(name: str) -> str:
    """Remove years of life, a fuller form or affiliation in brackets, and a role from a person's name."""
    core = BRACKETS.sub("", _without_years(name)) if "(" in name or "[" in name else name
    return clean_name(_ROLE_SUFFIX.sub("", core)) or name


def _without_years(name: str) -> str:
    return _YEARS.sub("", name) if _DIGIT.search(name) else name


@lru_cache(maxsize=1)
def _titles() -> frozenset[str]:
    return frozenset(read_vocabulary("corporate")["titles"])


@lru_cache(maxsize=1)
def _given_names() -> frozenset[str]:
    return frozenset(map(fold, read_vocabulary("given_names")["names"]))


@lru_cache(maxsize=1)
def _also_family_names() -> frozenset[str]:
    return frozenset(map(fold, read_vocabulary("given_names")["also_family_names"]))


@lru_cache(maxsize=1)
def _particles() -> frozenset[str]:
    return frozenset(read_vocabulary("given_names")["particles"])


def clean_name(name: str) -> str:
    """Return a name without years of life, stray spaces and punctuation around it."""
    return _SPACE_BEFORE_COMMA.sub(r"\1", " ".join(_without_years(name).split())).strip(" ,;:،-–/").strip()
