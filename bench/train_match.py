"""Train the match model on a made catalog and write transforms/match/model.json.

    python bench/train_match.py [RECORDS]

The share of random pairs (u) of each level is estimated from random pairs, that of true pairs (m) from the known
duplicates of the made catalog; levels that bench/match_model.py sets by policy stay as they are. No record of a
corpus that the matcher is measured on is read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import msgspec  # noqa: E402  (the checkout is put on the path first)

from bench.made_catalog import GENERIC, MadeCatalog  # noqa: E402
from bench.match_model import BOUNDS, COMPARISONS, DOUBTFUL, GUARDS  # noqa: E402
from bench.match_training import train  # noqa: E402
from transforms.match import (  # noqa: E402
    MODEL_PATH,
    MODEL_VERSION,
    Live,
    features,
    fold,
)

_SEED = 20_000_003
_PRIOR = 2e-6  # probability that two records of the catalog are one work
_GENERIC_SHARE = 0.002
_MORE_GENERIC = [
    "Preface", "Foreword", "Index", "Contents", "Test", "Untitled", "Physics", "Chemistry", "Biology", "History",
    "Geography", "Algebra", "Geometry", "English", "Science", "Worksheet", "Homework", "Quiz", "Exercises", "Lecture",
    "Activity", "Teacher guide", "Syllabus", "Course outline", "Presentation", "Glossary", "Bibliography", "News",
    "Mathématiques", "Physique", "Chimie", "Histoire", "Géographie", "Préface", "Exercices", "Cours",
    "Matemáticas", "Historia", "Ejercicios", "Prefacio", "Física", "Química", "Matemática", "Exercícios",
    "Физика", "Химия", "История", "География", "Предисловие", "Урок", "Тест", "Алгебра", "Геометрия", "Биология",
    "Fizika", "Hemija", "Istorija", "Geografija", "Predgovor", "Vežbe", "Biologija",
    "الفيزياء", "الكيمياء", "التاريخ", "تمهيد", "العلوم", "物理", "化学", "前言",
    "历史", "ฟิสิกส์", "เคมี", "คำนำ", "भौतिकी", "इतिहास",
]  # fmt: skip


def main(count: int) -> None:
    """Train on a made catalog of `count` records."""
    work_of: dict[str, int] = {}

    def lives() -> Iterator[Live]:
        for live, work in MadeCatalog(_SEED).records(count):
            work_of[live.record.key] = work
            yield live

    settings = train(features(lives()), work_of, COMPARISONS, _PRIOR)
    generic = [title for titles in GENERIC.values() for title in titles] + _MORE_GENERIC
    model = {
        "version": MODEL_VERSION,
        "trained": f"a made catalog of {count} records, seed {_SEED}",
        "same": 0.9,
        "review": 0.3,
        "guards": GUARDS,
        "doubtful": DOUBTFUL,
        "frequencies": dict.fromkeys(sorted({fold(title) for title in generic}), _GENERIC_SHARE),
        "bounds": msgspec.to_builtins(BOUNDS),
        "settings": settings,
    }
    MODEL_PATH.write_text(json.dumps(model, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
