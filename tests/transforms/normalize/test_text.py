import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.normalize.text import html_remains, plain_line, plain_text, plain_text_with_repair

MARKUP = {
    "<p>One</p><p>Two<br>three</p>": "One\n\nTwo\nthree",
    "<ul><li>a</li><li><p>b</p></li></ul>tail": "– a\n– b\n\ntail",
    "<p>a</p>\n\n<p>&nbsp;</p>\n<p>b</p>": "a\n\nb",
    "<div>text <span>inline</span> <b>x</b>y</div>": "text inline xy",
    "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>": "a b\nc",
    "<h2>Goals</h2>Learn <em>fast</em>.": "Goals\n\nLearn fast.",
    "<script>alert(1)</script>ok<!-- note -->": "ok",
    "<![CDATA[<p>x</p>]]>": "x",
    "<o:p></o:p>Word": "Word",
    "<a href='https://example.org/?a=1&amp;b=2'>here</a>": "here",
    "<p>if a < b then <i>c</i></p>": "if a < b then c",
    '<em style="font: "Times New", serif">Oran</em>': "Oran",
    "R&amp;D": "R&D",
    "caf&eacute; &#233; &#xE9;": "café é é",
    "&lt;p&gt;Hi&lt;/p&gt;": "Hi",
    "&amp;lt;p&amp;gt;Hi&amp;amp;nbsp;there&amp;lt;/p&amp;gt;": "Hi there",
}
NO_MARKUP = [
    "a < b and c > d", "x<y and y>z", "a<b and c>d", "p<0.05 & q>1", "AT&T", "Learn the <table> element", "C++ <3 C#",
    "<https://example.org>", "<name@example.org>", "if (a<b)", "5 > 3", "&c; and &nosuchentity;",
]  # fmt: skip
UNTOUCHED = [
    "مقدمة في الجبر للمعلمين", "می\u200cخواهم", "ภาษาไทยสำหรับครู", "Привет, мир", "Ђорђе и Љиљана", "“Curly” ‘quotes’…",
    "ﬁ ＡＢＣ ①", "क्\u200dष", "日本語", "Ελληνικά", "naïve façade Ångström", "👩\u200d🏫", "L’été – déjà",
]  # fmt: skip
MOJIBAKE = {
    "cafÃ© Ã©tÃ©": "café été",
    "donâ€™t": "don’t",
    "РџСЂРёРІРµС‚ РјРёСЂ": "Привет мир",
    "Ñ\x80ÑƒÑ\x81Ñ\x81ÐºÐ¸Ð¹ Ñ\x8fÐ·Ñ‹Ðº": "русский язык",
    "ve\x9eba": "vežba",
    "&Atilde;&copy;t&Atilde;&copy;": "été",
}


@pytest.mark.parametrize(("written", "expected"), MARKUP.items())
def test_markup_becomes_paragraphs_lines_and_words(written: str, expected: str) -> None:
    assert plain_text(written) == expected
    assert html_remains(written)
    assert not html_remains(plain_text(written))


@pytest.mark.parametrize("written", NO_MARKUP)
def test_what_only_looks_like_markup_is_kept(written: str) -> None:
    assert plain_text(written) == written
    assert not html_remains(written)


@pytest.mark.parametrize("written", UNTOUCHED)
def test_right_text_of_any_script_is_left_alone(written: str) -> None:
    assert plain_text(written) == written
    assert not plain_text_with_repair(written)[1]


@pytest.mark.parametrize(("written", "expected"), MOJIBAKE.items())
def test_certain_mojibake_is_repaired(written: str, expected: str) -> None:
    assert plain_text(written) == expected
    assert plain_text_with_repair(written)[1]


@pytest.mark.parametrize("written", ["u?enik", "Ñ€ÑƒÑÑ", "\ufffdtext", "Ã", "SÃO PAULO", "Â"])
def test_uncertain_damage_is_left_as_said(written: str) -> None:
    assert plain_text(written) == written
    assert not plain_text_with_repair(written)[1]


def test_stray_characters_go_and_needed_joiners_stay() -> None:
    assert plain_text("\u200fمرحبا\u200e") == "مرحبا"
    assert plain_text("\u202eabc\u202c\x00\x07\ufeff so\u00adft a\u200bb") == "abc soft ab"
    assert plain_text("می\u200cخواهم\u200c") == "می\u200cخواهم"


def test_spaces_are_collapsed_and_paragraphs_kept() -> None:
    assert plain_text("  a \t b\u00a0c\r\n\r\n\r\n d \n   wrapped  ") == "a b c\n\nd wrapped"
    assert plain_text("Goals:\n- one\n- two") == "Goals:\n- one\n- two"
    assert plain_text("e\u0301") == "é"


def test_a_title_is_one_line() -> None:
    assert plain_line("<p>One</p><p>Two</p>\nThree") == "One Two Three"


def test_deep_and_long_markup_is_read() -> None:
    assert plain_text("<td>" * 50000) == "<td>" * 50000
    assert plain_text("<div>" * 3000 + "x" + "</div>" * 3000) == "x"
    assert plain_text("&" + "amp;" * 20000 + "lt;") == "<"
    assert len(plain_text("<p>word</p>" * 20000)) == len("word\n\n" * 20000) - 2


FRAGMENTS = [
    "<p>",
    "</p>",
    "<br>",
    "<b>",
    "</b>",
    "<li>",
    "<table>",
    "&lt;",
    "&amp;",
    "&gt;",
    "&nbsp;",
    "&#233;",
    "<",
    ">",
]
FRAGMENTS += [
    "&",
    ";",
    "amp;",
    "lt;",
    "a",
    "é",
    " ",
    "\n",
    "\u200c",
    "م",
    "ไ",
    "я",
    "Ã",
    "©",
    "\x80",
    "\u0301",
    "–",
    "\u202e",
]


@settings(deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join))
def test_plain_text_stays_as_it_is(written: str) -> None:
    once = plain_text(written)
    assert plain_text(once) == once
    assert not html_remains(once)
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n" for letter in once)
    assert plain_text_with_repair(written)[0] == once
