"""A text is found however it is written: case, marks, script, article, and scripts without spaces."""

from __future__ import annotations

import pytest

from transforms.search_words import indexed_words, mark, query_words, search_words

FOUND = [  # what is typed, what is found by it
    ("تعليم", "التَّعْلِيمُ"),
    ("التعليم", "تعليم"),
    ("وبالمدرسة", "مدرسه"),
    ("للمعلمين", "المعلمين"),
    ("کتاب", "كتاب"),
    ("ادارة", "إدارة"),
    ("شلمي", "شلمى"),
    ("djak", "đak"),
    ("ђак", "đak"),
    ("dak", "ђак"),
    ("љубав", "Ljubav"),
    ("schueler", "Schüler"),
    ("schuler", "Schüler"),
    ("STRASSE", "Straße"),
    ("shkola", "школа"),
    ("skola", "школа"),
    ("елка", "ёлка"),
    ("yolka", "ёлка"),
    ("numerique", "numérique"),
    ("ecole", "l’école"),
    ("１２３", "123"),
    ("٣", "3"),
    ("kg", "㎏"),
]


@pytest.mark.parametrize(("typed", "text"), FOUND)
def test_a_word_is_found_however_it_is_written(typed: str, text: str) -> None:
    (word,) = query_words(typed)
    assert set(word.spellings) & set(indexed_words(text))


@pytest.mark.parametrize(("typed", "text"), [("وطن", "طن"), ("النا", "نا"), ("adjust", "adust"), ("术教", "教育技术")])
def test_other_words_stay_other_words(typed: str, text: str) -> None:
    (word,) = query_words(typed)
    assert not set(word.spellings or word.pairs) & set(indexed_words(text))


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("教育技术", "教育 育技 技术"),
        ("한국어를", "한국 국어 어를"),
        ("ガラス", "ガラ ラス"),
        ("ครูไทย", "คร รู ูไ ไท ทย"),
    ],
)
def test_a_run_without_spaces_is_its_pairs(text: str, pairs: str) -> None:
    assert search_words(text) == pairs.split()


def test_one_letter_of_such_a_script_begins_words() -> None:
    (word,) = query_words("数")
    assert word.is_beginning
    assert any(each.startswith("数") for each in indexed_words("数学"))
    assert any(each.startswith("学") for each in indexed_words("数学"))  # the last letter of a run too


def test_a_star_is_the_beginning_of_a_word() -> None:
    assert [word.is_beginning for word in query_words("photo* class")] == [True, False]


@pytest.mark.parametrize("text", ["", "?!…", "\x00\x01", "\ud800", "\u200b\u202e", "_ - _"])
def test_what_has_no_letter_has_no_word(text: str) -> None:
    assert query_words(text) == [] and indexed_words(text) == []


@pytest.mark.parametrize(
    ("text", "typed", "marked"),
    [
        ("Le “Photosynthèse”, pour l’école", "photosynt ecole", "l’école"),
        ("Le “Photosynthèse”, pour l’école", "ecole photosynt", "Photosynthèse l’école"),
        ("教育技术与课堂教学", "术与课", "术与课"),
        ("في المَدْرَسَةِ.", "مدرسة", "المَدْرَسَةِ"),
        ("㎏ kg", "kg", "㎏ kg"),
        ("nothing of it", "zebra", ""),
        ("any text", "?", ""),
    ],
)
def test_what_was_searched_is_marked(text: str, typed: str, marked: str) -> None:
    pieces = mark(text, query_words(typed))
    assert "".join(piece.text for piece in pieces) == text
    assert " ".join(piece.text for piece in pieces if piece.is_marked) == marked
