"""A made-up multilingual catalog with known duplicates, for training and measuring the matcher.

Works have titles of made-up words in ten languages and their scripts. Some are parts of a series, editions or
translations, or bear a generic title: they must stay apart. A share of the works is described by two or three feeds,
each in its own words: a typing slip, another case, a subtitle added, names turned round or shortened, fields missing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from schemas import Concept, Contributor, Identifier, Language, Resource
from transforms.match import Live

_SYLLABLES = {  # of each language, by which its words are made
    "en": "ed u ca tion teach ing learn er sci ence math his to ry al ge bra lit er a cy model ing com pu ter",
    "fr": "é du ca tion en sei gne ment scien ces his toi re lan gue cul tu re ma thé ma ti que élè ve",
    "es": "e du ca ción en se ñan za cien cia his to ria len gua je cul tu ra ma te má ti ca niño",
    "ru": "об ра зо ва ние у че ник шко ла ма те ма ти ка ис то рия на у ка язык куль ту ра дет ство",
    "sr": "o bra zo va nje u če nik ško la ma te ma ti ka is to ri ja na u ka je zik kul tu ra đak",
    "ar": "ال تع ليم مد رسه ريا ضيات علوم تا ريخ لغه ثقا فه طا لب مع لم كتا ب درس منه ج",
    "zh": "教 育 学 校 数 科 历 史 语 言 文 化 教 师 生 课 程 研 究 方 法 社 会 发 展 中 国 经 济",
    "th": "การ ศึกษา ครู นัก เรียน คณิต วิทยา ประวัติ ภาษา วัฒน ธรรม หลัก สูตร สอน ชั้น โรง ใหม่ ไทย",
    "hi": "शि क्षा वि द्या ल य ग णि त इ ति हा स भा षा सं स्कृ ति छा त्र पा ठ ज्ञान",
    "pt": "e du ca ção en si no ciên cia his tó ria lín gua cul tu ra ma te má ti ca alu no",
}
_UNSPACED_LANGUAGES = {"zh", "th"}
_LANGUAGES = list(_SYLLABLES)
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
_LEVELS = "123567"
_WORDS_PER_LANGUAGE = 4000
_PUBLISHERS = 3000


class _Work(NamedTuple):
    """A work as one feed describes it; two records with the same number are duplicates, others never."""

    number: int
    language: str
    title: str
    people: list[str]
    publisher: str  # here and below, "" or None: not stated
    year: int | None
    description: str
    doi: str | None
    level: str
    type: str
    states_language: bool = True


class MadeCatalog:
    """A generator of a catalog; the same seed gives the same catalog."""

    def __init__(self, seed: int, duplicated: float = 0.2) -> None:
        self.chance = random.Random(seed)
        self.duplicated = duplicated
        self.words = {language: self._words(language) for language in _LANGUAGES}
        self.publishers = [
            self._phrase(_LANGUAGES[number % len(_LANGUAGES)], 2).title() for number in range(_PUBLISHERS)
        ]

    def records(self, count: int) -> Iterator[tuple[Live, int]]:
        """Yield `count` live records, each with the number of the work that it describes."""
        made = 0
        for work in self._works():
            copies = 1
            if self._happens(self.duplicated):
                copies = self.chance.choice((2, 2, 2, 3))
            feeds = self.chance.sample(range(12), copies)
            for copy, feed in enumerate(feeds):
                if made == count:
                    return
                described = self._in_other_words(work) if copy > 0 else work
                yield Live(f"feed{feed}", "", _record(described, f"feed{feed}")), work.number
                made += 1

    def _works(self) -> Iterator[_Work]:
        number = 0
        while True:
            for work in self._family(self._work()):
                yield work._replace(number=number)
                number += 1

    def _family(self, work: _Work) -> list[_Work]:
        """Return a work alone, or with others that must stay apart from it."""
        kind = self.chance.random()
        for below, applies, make in (
            (0.05, work.language in _PART, self._series),
            (0.08, work.language in _EDITION, self._two_editions),
            (0.10, True, self._namesakes),
            (0.12, True, self._generic),
            (0.15, True, self._with_translation),
        ):
            if kind < below and applies:
                return make(work)
        return [work]

    def _series(self, work: _Work) -> list[_Work]:
        return [
            work._replace(title=f"{work.title}. {_PART[work.language]} {part}", doi=self._doi())
            for part in range(1, self.chance.randint(3, 6))
        ]

    def _two_editions(self, work: _Work) -> list[_Work]:
        title = f"{work.title}, 2. {_EDITION[work.language]}"
        return [work, work._replace(title=title, year=self._later(work, 1, 4), doi=self._doi())]

    def _namesakes(self, work: _Work) -> list[_Work]:
        """Return two works of one title: another year, identifier and description."""
        year, doi = self._later(work, 2, 6), self._doi()
        return [work, work._replace(year=year, doi=doi, description=self._text(work.language))]

    def _generic(self, work: _Work) -> list[_Work]:
        return [work._replace(title=self.chance.choice(GENERIC[work.language]))]

    def _with_translation(self, work: _Work) -> list[_Work]:
        language = self.chance.choice([language for language in _LANGUAGES if language != work.language])
        title, description = self._title(language), self._text(language)
        return [work, work._replace(language=language, title=title, description=description, doi=self._doi())]

    def _work(self) -> _Work:
        chance = self.chance
        language = chance.choice(_LANGUAGES)
        return _Work(
            number=0,
            language=language,
            title=self._title(language),
            people=[self._name(language) for _ in range(chance.choice((0, 1, 1, 1, 2, 3)))],
            publisher=chance.choice(self.publishers),
            year=chance.randint(1995, 2025),
            description=self._text(language) if self._happens(0.8) else "",
            doi=self._doi() if self._happens(0.2) else None,
            level=chance.choice(_LEVELS),
            type=chance.choice(_TYPES),
        )

    def _happens(self, share: float) -> bool:
        return self.chance.random() < share

    def _later(self, work: _Work, least: int, most: int) -> int:
        return (work.year or 0) + self.chance.randint(least, most)

    def _doi(self) -> str:
        return f"10.{self.chance.randint(20000, 20400)}/{self.chance.getrandbits(48):x}"

    def _in_other_words(self, work: _Work) -> _Work:
        """Describe a work as a second feed does: each field is kept, changed or left out, by chance.

        The order of the fields is part of what a seed gives: each takes its own numbers from the generator.
        """
        return work._replace(
            title=self._retell(work.title, work.language) if self._happens(0.45) else work.title,
            year=None if self._happens(0.1) else work.year,
            people=self._retell_people(work),
            doi=None if self._happens(0.4) else work.doi,
            description=self._vary(work.description, 0.25, 0.15, lambda: self._text(work.language)),
            states_language=not self._happens(0.1),
            publisher=self._vary(work.publisher, 0.3, 0.15, lambda: self.chance.choice(self.publishers)),
            level=self._vary(work.level, 0.4, 0.2, lambda: self.chance.choice(_LEVELS)),
            type=self._vary(work.type, 0.3, 0.3, lambda: self.chance.choice(_TYPES)),
        )

    def _vary(self, value: str, lost: float, changed: float, other: Callable[[], str]) -> str:
        """Return "" in a share of cases, another value in a share of the rest, else the value."""
        if self._happens(lost):
            return ""
        return other() if self._happens(changed) else value

    def _retell_people(self, work: _Work) -> list[str]:
        """Return the names as another feed has them: none, some turned round, one only, or another one added."""
        people = [] if self._happens(0.08) else [_turn(name) if self._happens(0.3) else name for name in work.people]
        if self._happens(0.1):
            return people[:1]
        return [*people[-2:], self._name(work.language)] if self._happens(0.06) else people

    def _retell(self, title: str, language: str) -> str:
        """Return a title as another feed has it: a slip, another case, a subtitle, another punctuation."""
        way = self.chance.randrange(5)
        if way == 0:
            place = self.chance.randrange(len(title))
            return title if len(title) < 5 or title[place].isdigit() else title[:place] + title[place + 1 :]
        if way == 1:
            return title.upper()
        if way == 2:
            return f"{title}: {self._phrase(language, 2)}"
        if way == 3:
            return title.replace(" ", " - ", 1) + "."
        return f"“{title}”"

    def _words(self, language: str) -> list[str]:
        syllables = _SYLLABLES[language].split()
        lengths = (self.chance.choice((2, 2, 3, 3, 4)) for _ in range(_WORDS_PER_LANGUAGE))
        return sorted({"".join(self.chance.choices(syllables, k=length)) for length in lengths})

    def _phrase(self, language: str, count: int, *, spaced: bool = False) -> str:
        """Join words, common ones more often; in languages without spaces only where `spaced` asks for them."""
        words = self.words[language]
        chosen = (words[int(len(words) * self.chance.random() ** 2)] for _ in range(count))
        return (" " if spaced or language not in _UNSPACED_LANGUAGES else "").join(chosen)

    def _title(self, language: str) -> str:
        return self._phrase(language, self.chance.choice((3, 4, 5, 6, 7))).capitalize()

    def _text(self, language: str) -> str:
        return self._phrase(language, 14).capitalize() + "."

    def _name(self, language: str) -> str:
        return self._phrase(language, 2, spaced=True).title()


def _record(work: _Work, feed: str) -> Resource:
    """Make a feed's record of a work as it describes it."""
    return Resource(
        key=f"{feed}:{work.number}",
        title={work.language: work.title},
        description={work.language: work.description} if work.description else {},
        languages=(Language(tag=work.language, origin="declared", confidence=1.0),) if work.states_language else (),
        contributors=tuple(Contributor(name=name, role="author", kind="person") for name in work.people),
        publishers=(work.publisher,) if work.publisher else (),
        issued_year=work.year,
        identifiers=(Identifier(scheme="doi", value=work.doi),) if work.doi else (),
        url=f"https://{feed}.made.test/works/{work.number}",
        levels=(work.level,) if work.level else (),
        resource_types=(Concept(code=work.type, label=work.type, source=work.type),) if work.type else (),
    )


def _turn(name: str) -> str:
    """Put the family name first, or shorten the given name to a letter."""
    given, _, family = name.partition(" ")
    return f"{family}, {given}" if len(given) % 2 else f"{given[:1]}. {family}"
