"""A made-up multilingual catalog with known duplicates, for training and measuring the matcher.

Works have titles of made-up words in ten languages and their scripts; some are parts of a series, editions,
translations or bear a generic title, which must stay apart; a share of the works is described by two or three feeds,
each in its own words: accents lost, a typing slip, a subtitle added, names turned round or shortened, fields missing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from schemas import Concept, Contributor, Identifier, Language, Resource
from transforms.match import Live


class _Tongue(NamedTuple):
    """How a language's made-up words are made: by joining syllables."""

    tag: str
    syllables: list[str]
    spaced: bool = True


_TONGUES = [
    _Tongue(
        "en",
        [
            "ed",
            "u",
            "ca",
            "tion",
            "teach",
            "ing",
            "learn",
            "er",
            "sci",
            "ence",
            "math",
            "his",
            "to",
            "ry",
            "al",
            "ge",
            "bra",
            "lit",
            "er",
            "a",
            "cy",
            "model",
            "ing",
            "com",
            "pu",
            "ter",
        ],
    ),
    _Tongue(
        "fr",
        [
            "é",
            "du",
            "ca",
            "tion",
            "en",
            "sei",
            "gne",
            "ment",
            "scien",
            "ces",
            "his",
            "toi",
            "re",
            "lan",
            "gue",
            "cul",
            "tu",
            "re",
            "ma",
            "thé",
            "ma",
            "ti",
            "que",
            "élè",
            "ve",
        ],
    ),
    _Tongue(
        "es",
        [
            "e",
            "du",
            "ca",
            "ción",
            "en",
            "se",
            "ñan",
            "za",
            "cien",
            "cia",
            "his",
            "to",
            "ria",
            "len",
            "gua",
            "je",
            "cul",
            "tu",
            "ra",
            "ma",
            "te",
            "má",
            "ti",
            "ca",
            "niño",
        ],
    ),
    _Tongue(
        "ru",
        [
            "об",
            "ра",
            "зо",
            "ва",
            "ние",
            "у",
            "че",
            "ник",
            "шко",
            "ла",
            "ма",
            "те",
            "ма",
            "ти",
            "ка",
            "ис",
            "то",
            "рия",
            "на",
            "у",
            "ка",
            "язык",
            "куль",
            "ту",
            "ра",
            "дет",
            "ство",
        ],
    ),
    _Tongue(
        "sr",
        [
            "o",
            "bra",
            "zo",
            "va",
            "nje",
            "u",
            "če",
            "nik",
            "ško",
            "la",
            "ma",
            "te",
            "ma",
            "ti",
            "ka",
            "is",
            "to",
            "ri",
            "ja",
            "na",
            "u",
            "ka",
            "je",
            "zik",
            "kul",
            "tu",
            "ra",
            "đak",
        ],
    ),
    _Tongue(
        "ar",
        [
            "ال",
            "تع",
            "ليم",
            "مد",
            "رسه",
            "ريا",
            "ضيات",
            "علوم",
            "تا",
            "ريخ",
            "لغه",
            "ثقا",
            "فه",
            "طا",
            "لب",
            "مع",
            "لم",
            "كتا",
            "ب",
            "درس",
            "منه",
            "ج",
        ],
    ),
    _Tongue(
        "zh",
        [
            "教",
            "育",
            "学",
            "校",
            "数",
            "科",
            "历",
            "史",
            "语",
            "言",
            "文",
            "化",
            "教",
            "师",
            "生",
            "课",
            "程",
            "研",
            "究",
            "方",
            "法",
            "社",
            "会",
            "发",
            "展",
            "中",
            "国",
            "经",
            "济",
        ],
        spaced=False,
    ),
    _Tongue(
        "th",
        [
            "การ",
            "ศึกษา",
            "ครู",
            "นัก",
            "เรียน",
            "คณิต",
            "วิทยา",
            "ประวัติ",
            "ภาษา",
            "วัฒน",
            "ธรรม",
            "หลัก",
            "สูตร",
            "สอน",
            "ชั้น",
            "โรง",
            "ใหม่",
            "ไทย",
        ],
        spaced=False,
    ),
    _Tongue(
        "hi",
        [
            "शि",
            "क्षा",
            "वि",
            "द्या",
            "ल",
            "य",
            "ग",
            "णि",
            "त",
            "इ",
            "ति",
            "हा",
            "स",
            "भा",
            "षा",
            "सं",
            "स्कृ",
            "ति",
            "छा",
            "त्र",
            "पा",
            "ठ",
            "ज्ञान",
        ],
    ),
    _Tongue(
        "pt",
        [
            "e",
            "du",
            "ca",
            "ção",
            "en",
            "si",
            "no",
            "ciên",
            "cia",
            "his",
            "tó",
            "ria",
            "lín",
            "gua",
            "cul",
            "tu",
            "ra",
            "ma",
            "te",
            "má",
            "ti",
            "ca",
            "alu",
            "no",
        ],
    ),
]
GENERIC = {
    "en": ["Introduction", "Editorial", "Mathematics", "Lesson plan"],
    "fr": ["Introduction", "Éditorial", "Avant-propos"],
    "es": ["Introducción", "Prólogo"],
    "ru": ["Введение", "От редакции", "Математика"],
    "sr": ["Uvod", "Математика"],
    "ar": ["مقدمة", "الرياضيات"],
    "zh": ["绪论", "数学"],
    "th": ["บทนำ", "คณิตศาสตร์"],
    "hi": ["परिचय", "गणित"],
    "pt": ["Introdução", "Editorial"],
}
_PART = {"en": "Part", "fr": "Partie", "es": "Parte", "ru": "Модуль", "sr": "Modul", "ar": "الجزء", "pt": "Parte"}
_EDITION = {"en": "edition", "fr": "édition", "es": "edición", "ru": "издание", "sr": "izdanje", "pt": "edição"}
_TYPES = ["text", "course", "video", "lesson_plan", "simulation", "worksheet", "image"]
_WORDS = 4000  # of a language


class _Work(NamedTuple):
    """What is described: two records of one work are duplicates, of two works never."""

    number: int
    tongue: _Tongue
    title: str
    people: list[str]
    publisher: str
    year: int
    description: str
    doi: str | None
    level: str
    type: str


class Made:
    """A generator of a catalog; the same seed gives the same catalog."""

    def __init__(self, seed: int, duplicated: float = 0.2) -> None:
        self.chance = random.Random(seed)
        self.duplicated = duplicated
        self.words = {tongue.tag: self._words(tongue) for tongue in _TONGUES}
        self.publishers = [self._phrase(_TONGUES[number % 10], 2).title() for number in range(3000)]

    def records(self, count: int) -> Iterator[tuple[Live, int]]:
        """`count` live records, each with the number of the work that it describes."""
        made = 0
        for work in self._works():
            copies = 1
            if self.chance.random() < self.duplicated:
                copies = self.chance.choice((2, 2, 2, 3))
            feeds = self.chance.sample(range(12), copies)
            for copy, feed in enumerate(feeds):
                if made == count:
                    return
                record = self._describe(work, f"feed{feed}:{work.number}", changed=copy > 0)
                yield Live(f"feed{feed}", "", record), work.number
                made += 1

    def _works(self) -> Iterator[_Work]:
        number = 0
        while True:
            for work in self._family(self._work()):
                yield work._replace(number=number)
                number += 1

    def _family(self, work: _Work) -> list[_Work]:
        """A work alone, or with others that must stay apart from it."""
        chance, tag = self.chance, work.tongue.tag
        kind = chance.random()
        if kind < 0.05 and tag in _PART:
            return [
                work._replace(title=f"{work.title}. {_PART[tag]} {part}", doi=self._doi())
                for part in range(1, chance.randint(3, 6))
            ]
        if kind < 0.08 and tag in _EDITION:
            later = work._replace(
                title=f"{work.title}, 2. {_EDITION[tag]}", year=work.year + chance.randint(1, 4), doi=self._doi()
            )
            return [work, later]
        if kind < 0.10:
            return [
                work,
                work._replace(
                    year=work.year + chance.randint(2, 6), doi=self._doi(), description=self._text(work.tongue)
                ),
            ]
        if kind < 0.12:
            title = chance.choice(GENERIC[tag])
            return [work._replace(title=title)]
        if kind < 0.15:
            other = chance.choice([tongue for tongue in _TONGUES if tongue is not work.tongue])
            translated = work._replace(
                tongue=other, title=self._title(other), description=self._text(other), doi=self._doi()
            )
            return [work, translated]
        return [work]

    def _work(self) -> _Work:
        chance = self.chance
        tongue = chance.choice(_TONGUES)
        return _Work(
            number=0,
            tongue=tongue,
            title=self._title(tongue),
            people=[self._name(tongue) for _ in range(chance.choice((0, 1, 1, 1, 2, 3)))],
            publisher=chance.choice(self.publishers),
            year=chance.randint(1995, 2025),
            description=self._text(tongue) if chance.random() < 0.8 else "",
            doi=self._doi() if chance.random() < 0.2 else None,
            level=chance.choice("123567"),
            type=chance.choice(_TYPES),
        )

    def _doi(self) -> str:
        return f"10.{self.chance.randint(20000, 20400)}/{self.chance.getrandbits(48):x}"

    def _describe(self, work: _Work, key: str, changed: bool) -> Resource:
        """One feed's record of a work; of a second feed in other words."""
        chance = self.chance
        lose = (lambda share: chance.random() < share) if changed else (lambda share: False)
        title = self._retell(work.title, work.tongue) if lose(0.45) else work.title
        year = None if lose(0.1) else work.year
        people = [] if lose(0.08) else [_turned(name) if lose(0.3) else name for name in work.people]
        people = people[:1] if lose(0.1) else [*people[-2:], self._name(work.tongue)] if lose(0.06) else people
        doi = None if lose(0.4) else work.doi
        description = "" if lose(0.25) else self._text(work.tongue) if lose(0.15) else work.description
        return Resource(
            key=key,
            title={work.tongue.tag: title},
            description={work.tongue.tag: description} if description else {},
            languages=() if lose(0.1) else (Language(tag=work.tongue.tag, origin="declared", confidence=1.0),),
            contributors=tuple(Contributor(name=name, role="author", kind="person") for name in people),
            publishers=() if lose(0.3) else (chance.choice(self.publishers),) if lose(0.15) else (work.publisher,),
            issued_year=year,
            identifiers=(Identifier(scheme="doi", value=doi),) if doi else (),
            url=f"https://{key.split(':', maxsplit=1)[0]}.made.test/works/{key.split(':')[1]}",
            levels=() if lose(0.4) else (chance.choice("123567"),) if lose(0.2) else (work.level,),
            resource_types=() if lose(0.3) else (_type(chance.choice(_TYPES) if lose(0.3) else work.type),),
        )

    def _retell(self, title: str, tongue: _Tongue) -> str:
        """The title as another feed has it: a slip, another case, a subtitle, another punctuation."""
        way = self.chance.randrange(5)
        if way == 0:
            place = self.chance.randrange(len(title))
            return title if len(title) < 5 or title[place].isdigit() else title[:place] + title[place + 1 :]
        if way == 1:
            return title.upper()
        if way == 2:
            return f"{title}: {self._phrase(tongue, 2)}"
        if way == 3:
            return title.replace(" ", " - ", 1) + "."
        return f"“{title}”"

    def _words(self, tongue: _Tongue) -> list[str]:
        made = {
            "".join(self.chance.choices(tongue.syllables, k=self.chance.choice((2, 2, 3, 3, 4)))) for _ in range(_WORDS)
        }
        return sorted(made)

    def _phrase(self, tongue: _Tongue, count: int) -> str:
        words = self.words[tongue.tag]
        chosen = (words[int(len(words) * self.chance.random() ** 2)] for _ in range(count))
        return (" " if tongue.spaced else "").join(chosen)

    def _title(self, tongue: _Tongue) -> str:
        return self._phrase(tongue, self.chance.choice((3, 4, 5, 6, 7))).capitalize()

    def _text(self, tongue: _Tongue) -> str:
        return self._phrase(tongue, 14).capitalize() + "."

    def _name(self, tongue: _Tongue) -> str:
        return self._phrase(tongue._replace(spaced=True), 2).title()


def _type(code: str) -> Concept:
    return Concept(code=code, label=code, source=code)


def _turned(name: str) -> str:
    """A name with the family name first, or the given name as a letter."""
    given, _, family = name.partition(" ")
    return f"{family}, {given}" if len(given) % 2 else f"{given[:1]}. {family}"
