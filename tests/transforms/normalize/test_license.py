"""Licence statements as repositories write them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import read_vocabulary
from transforms.normalize.license import contradictory, license_of

CC = "https://creativecommons.org/licenses/"
ZERO = "https://creativecommons.org/publicdomain/zero/1.0/"
SHARED = Path(__file__).parents[4] / "shared"

WITH_URI = [
    ("http://creativecommons.org/licenses/by/4.0", CC + "by/4.0/", "CC-BY-4.0", True),
    ("https://creativecommons.org/licenses/by/4.0/deed.ar", CC + "by/4.0/", "CC-BY-4.0", True),
    ("https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode", CC + "by-nc-sa/4.0/", "CC-BY-NC-SA-4.0", False),
    ("http://creativecommons.org/licenses/by-nc-nd/3.0/rs/legalcode", CC + "by-nc-nd/3.0/rs/", None, False),
    ("CREATIVECOMMONS.ORG/LICENSES/BY-ND/2.5/", CC + "by-nd/2.5/", "CC-BY-ND-2.5", False),
    (
        '<a href="https://creativecommons.org/licenses/by-sa/3.0/igo/" title="this or a similar license">CC BY-SA</a>',
        CC + "by-sa/3.0/igo/",
        "CC-BY-SA-3.0-IGO",
        True,
    ),
    ("CC BY-SA 3.0 IGO", CC + "by-sa/3.0/igo/", "CC-BY-SA-3.0-IGO", True),
    ("CC BY-SA 3.0 Serbia", CC + "by-sa/3.0/rs/", None, True),
    ("Atribución-NoComercial-SinDerivadas 2.5 Argentina", CC + "by-nc-nd/2.5/ar/", None, False),
    ("CC BY 3.0 مصر", CC + "by/3.0/eg/", None, True),
    ("知识共享署名-非商业性使用-相同方式共享 4.0 国际许可协议", CC + "by-nc-sa/4.0/", "CC-BY-NC-SA-4.0", False),
    (
        "GNU General Public License, version 2 or (at your option) any later version",
        "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
        "GPL-2.0-or-later",
        True,
    ),
    (
        "GNU GPL version 2",
        "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
        "GPL-2.0-only",
        True,
    ),
    ("CC BY IGO 3.0", CC + "by/3.0/igo/", "CC-BY-3.0-IGO", True),
    ("Creative Commons BY 3.0", CC + "by/3.0/", "CC-BY-3.0", True),
    ("Creative Commons Attribution 4.0 International (CC BY)", CC + "by/4.0/", "CC-BY-4.0", True),
    ("cc-mark", "https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0", True),
    ("CCBY4.0", CC + "by/4.0/", "CC-BY-4.0", True),
    ("cc-by-sa-3.0-de", CC + "by-sa/3.0/de/", "CC-BY-SA-3.0-DE", True),
    ("CC BY 4", CC + "by/4.0/", "CC-BY-4.0", True),
    ("Creative Commons Attribution 4.0 International", CC + "by/4.0/", "CC-BY-4.0", True),
    ("Attribution-NonCommercial-NoDerivs 3.0 United States", CC + "by-nc-nd/3.0/us/", None, False),
    (
        "Licence Creative Commons Attribution - Pas d’Utilisation Commerciale 4.0",
        CC + "by-nc/4.0/",
        "CC-BY-NC-4.0",
        False,
    ),
    (
        "Лицензия Creative Commons «Атрибуция — Некоммерческое использование» 4.0",
        CC + "by-nc/4.0/",
        "CC-BY-NC-4.0",
        False,
    ),
    ("رخصة المشاع الإبداعي: نسب المُصنَّف - غير تجاري 4.0 دولي", CC + "by-nc/4.0/", "CC-BY-NC-4.0", False),
    ("Ауторство – Некомерцијално – Делити под истим условима 4.0", CC + "by-nc-sa/4.0/", "CC-BY-NC-SA-4.0", False),
    ("Creative Commons Autorstvo-Nekomercijalno-Bez prerada 3.0 Srbija", CC + "by-nc-nd/3.0/rs/", None, False),
    ("สัญญาอนุญาตครีเอทีฟคอมมอนส์แบบ แสดงที่มา-ไม่ใช้เพื่อการค้า 3.0 ประเทศไทย", CC + "by-nc/3.0/th/", None, False),
    ("Creative Commons Reconocimiento-CompartirIgual 4.0", CC + "by-sa/4.0/", "CC-BY-SA-4.0", True),
    ("Creative Commons Atribuição-NãoComercial 4.0", CC + "by-nc/4.0/", "CC-BY-NC-4.0", False),
    (
        "Creative Commons Namensnennung - Weitergabe unter gleichen Bedingungen 4.0",
        CC + "by-sa/4.0/",
        "CC-BY-SA-4.0",
        True,
    ),
    ("CC0 Waiver", ZERO, "CC0-1.0", True),
    ("Creative Commons - CC0 1.0 Universal - Public Domain Dedication", ZERO, "CC0-1.0", True),
    ("MIT License", "https://opensource.org/licenses/MIT", "MIT", True),
    ("http://www.apache.org/licenses/LICENSE-2.0", "https://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0", True),
    ("GPLv3", "https://www.gnu.org/licenses/gpl-3.0.html", "GPL-3.0-only", True),
    (
        "GNU General Public License v2 or later",
        "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
        "GPL-2.0-or-later",
        True,
    ),
    ("BSD 3-Clause Clear License", "https://spdx.org/licenses/BSD-3-Clause-Clear.html", "BSD-3-Clause-Clear", True),
    (
        "http://rightsstatements.org/page/InC-EDU/1.0/?language=en",
        "http://rightsstatements.org/vocab/InC-EDU/1.0/",
        None,
        False,
    ),
    ("In Copyright - Educational Use Permitted", "http://rightsstatements.org/vocab/InC-EDU/1.0/", None, False),
]
WITHOUT_URI = [
    ("Creative Commons Attribution (CC BY)", "CC BY", True),
    ("Creative Commons Attribution-NonCommercial-ShareAlike (CC BY-NC-SA)", "CC BY-NC-SA", False),
    ("cc-by", "CC BY", True),
    ("by-nc-sa", "CC BY-NC-SA", False),
    ("https://creativecommons.org/licenses/by-sa/", "CC BY-SA", True),
    ("https://creativecommons.org/licenses/by/4.0/igo/", "CC BY", True),
    ("https://creativecommons.org/licenses/by/7.0/", "CC BY", True),
    ("CC BY 2", "CC BY", True),
    ("GNU Free Documentation License", "GNU FDL", True),
    ("Open Government Licence", "Open Government Licence", True),
    ("Tous droits réservés", "All rights reserved", False),
    ("Все права защищены", "All rights reserved", False),
    ("جميع الحقوق محفوظة", "All rights reserved", False),
    ("Сва права задржана", "All rights reserved", False),
    ("domaine public", "Public domain", True),
    ("การเรียนรู้ สงวนลิขสิทธิ์", "All rights reserved", False),
]
NO_LICENCE = [
    "© 2022 The Author(s). Published by an institute",
    "Copyright MIT",
    "Creator: by the sea",
    "info:eu-repo/semantics/restrictedAccess",
    "Right no URI",
    "This book is not in the public domain",
    "Other (Not Open)",
]


@pytest.mark.parametrize(("written", "uri", "spdx", "is_open"), WITH_URI)
def test_a_statement_that_names_a_licence_has_its_uri(written: str, uri: str, spdx: str | None, is_open: bool) -> None:
    result = license_of([written])
    assert result is not None
    assert (result.uri, result.spdx, result.open, result.statement) == (uri, spdx, is_open, written)


@pytest.mark.parametrize(("written", "label", "is_open"), WITHOUT_URI)
def test_no_version_is_invented(written: str, label: str, is_open: bool) -> None:
    result = license_of([written])
    assert result is not None
    assert (result.uri, result.spdx, result.label, result.open) == (None, None, label, is_open)


@pytest.mark.parametrize("written", NO_LICENCE)
def test_no_licence_is_invented(written: str) -> None:
    result = license_of([written], default="CC BY 4.0")
    assert result is not None
    assert (result.uri, result.label, result.open, result.origin, result.statement) == (
        None,
        None,
        None,
        "record",
        written,
    )


@pytest.mark.parametrize(
    "written",
    [
        "Not licensed under CC BY",
        "This text is not available under a https://creativecommons.org/licenses/by/4.0/ licence",
        "The images are no longer published under CC BY-SA 4.0.",
        "Cette œuvre n’est pas sous licence CC BY 4.0",
        "Este recurso no está bajo una licencia CC BY-SA 4.0",
        "Este recurso não está sob licença CC BY 4.0",
        "Das Werk steht nicht unter CC BY 4.0",
        "Материал не лицензирован по CC BY 4.0",
        "Delo nije pod licencom CC BY 4.0",
        "Дело није под лиценцом CC BY 4.0",
        "هذا العمل غير مرخص بموجب CC BY 4.0",
        "ผลงานนี้ไม่ได้อยู่ภายใต้ CC BY 4.0",
        "Not CC BY",
        "This is not a CC BY-SA 4.0 licence",
        "No Creative Commons licence",
        "Keine CC BY 4.0 Lizenz",
        "Pas sous licence Creative Commons Attribution",
        "Не CC BY 4.0",
    ],
)
def test_a_licence_that_is_denied_is_not_named(written: str) -> None:
    result = license_of([written])
    assert result is not None and (result.uri, result.label, result.statement) == (None, None, written)


@pytest.mark.parametrize(
    "written",
    [
        "Namensnennung, nicht kommerziell, Weitergabe unter gleichen Bedingungen 4.0: CC BY-NC-SA 4.0",
        "CC BY 4.0. This does not apply to the logos.",
        "CC BY 4.0; not for sale",
        "Лицензия CC BY 4.0 не распространяется на логотипы",
        "CC BY-NC 4.0: no está permitido el uso comercial",
        "No derivatives, CC BY-ND 4.0",
        "If not stated otherwise, CC BY 4.0",
        "Non-commercial use: CC BY-NC 4.0",
    ],
)
def test_a_no_about_something_else_denies_no_licence(written: str) -> None:
    result = license_of([written])
    assert result is not None and result.uri is not None


def test_the_default_counts_only_where_the_record_says_nothing() -> None:
    for silent in ([], [" "], ["info:eu-repo/semantics/openAccess"]):
        result = license_of(silent, default="https://creativecommons.org/licenses/by-sa/4.0/")
        assert result is not None
        assert (result.origin, result.spdx) == ("feed_default", "CC-BY-SA-4.0")
    own = license_of(["CC BY-NC 3.0"], default="CC BY-SA 4.0")
    assert own is not None
    assert (own.origin, own.spdx) == ("record", "CC-BY-NC-3.0")
    assert license_of([]) is None


def test_the_most_specific_statement_wins_and_the_stricter_of_equals() -> None:
    result = license_of(["openAccess", "Creative Commons Attribution", CC + "by/4.0/"])
    assert result is not None
    assert (result.uri, result.statement) == (CC + "by/4.0/", CC + "by/4.0/")
    strict = license_of([CC + "by/4.0/", CC + "by-nc/4.0/"])
    assert strict is not None
    assert strict.open is False


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["CC BY 4.0", "CC BY-NC 4.0"], True),
        (["CC BY 4.0", "CC BY 3.0"], True),
        (["All rights reserved", "CC BY"], True),
        (["CC BY", "https://creativecommons.org/licenses/by/4.0/"], False),
        (["openAccess", "CC BY 4.0"], False),
        (["http://rightsstatements.org/vocab/InC/1.0/", "Alle Rechte vorbehalten"], False),
        ([], False),
    ],
)
def test_contradictions(statements: list[str], expected: bool) -> None:
    assert contradictory(statements) is expected


def test_every_pattern_of_the_table_is_a_regular_expression_with_a_known_label() -> None:
    for row in read_vocabulary("licenses")["known"]:
        assert row["label"]
        assert all(re.compile(pattern) for pattern in row["patterns"])


@pytest.mark.skipif(not SHARED.exists(), reason="the shared vocabularies are not here")
def test_every_canonical_creative_commons_uri_is_itself() -> None:
    lines = (SHARED / "vocabularies" / "cc_license_uris.txt").read_text(encoding="utf-8").split()
    software = {"BSD", "GPL", "LGPL", "MIT"}
    wrong = {}
    for uri in lines:
        result = license_of([uri])
        old_name = uri.replace("by-nd-nc/2.0", "by-nc-nd/2.0")  # two addresses of one Japanese licence
        if uri.split("/")[4] not in software and (result is None or result.uri not in (uri, old_name)):
            wrong[uri] = result and result.uri
    assert not wrong


@given(st.lists(st.text(), max_size=4), st.none() | st.text())
def test_any_statements_have_an_answer(statements: list[str], default: str | None) -> None:
    result = license_of(statements, default)
    contradictory(statements)
    assert result is None or result.statement in {*statements, default}


@given(st.sampled_from([written for written, uri, *_ in WITH_URI if "gnu.org" not in uri]))
def test_a_licence_uri_stays_itself(written: str) -> None:
    first = license_of([written])
    assert first is not None
    assert first.uri is not None
    again = license_of([first.uri])
    assert again is not None
    assert (again.uri, again.label, again.open) == (first.uri, first.label, first.open)


CASES = Path(__file__).parents[2] / "cases" / "licences"


def _rows(name: str) -> list[tuple[str, str]]:
    lines = (CASES / name).read_text(encoding="utf-8").splitlines()[1:]
    return [(statement, expected) for statement, expected in (line.split("\t") for line in lines)]


@pytest.mark.parametrize(("statement", "expected"), _rows("forms.tsv"))
def test_a_form_names_its_licence_or_none(statement: str, expected: str) -> None:
    result = license_of([statement])
    assert result is not None
    names = {result.uri or ("-" if result.label is None else f"kind:{result.label}")}
    if result.label == "All rights reserved":
        names.add("reserved")
    assert names & set(expected.split("|")), result


@pytest.mark.parametrize(("statements", "expected"), _rows("several.tsv"))
def test_of_several_statements_the_least_permissive_holds(statements: str, expected: str) -> None:
    result = license_of(statements.split(" || "))
    assert result is not None and result.label is not None
    assert result.open is False
    if expected == "reserved":
        assert result.label in {"All rights reserved", "In Copyright"}
    else:
        assert result.label.removeprefix("CC ").split()[0].lower() == expected


@pytest.mark.parametrize(
    ("statements", "label", "is_open"),
    [
        (["CC BY-NC-ND", ZERO], "CC BY-NC-ND", False),
        (["All rights reserved", CC + "by/4.0/"], "All rights reserved", False),
        (["Tous droits réservés", CC + "by-sa/4.0/"], "All rights reserved", False),
        ([CC + "by/4.0/", CC + "by-sa/4.0/"], "CC BY-SA 4.0", False),
        (["MIT", "GPL v3"], "GNU GPL 3.0", False),
        (["openAccess", "CC BY 4.0"], "CC BY 4.0", True),
        (["restricted access", "CC BY 4.0", "© 2019 Example"], "CC BY 4.0", True),
        (["Creative Commons", "CC BY 4.0"], "CC BY 4.0", True),
        (["CC BY 3.0", "CC BY 4.0"], "CC BY 3.0", True),
        (["CC0 1.0", "Public domain"], "CC0 1.0", True),
        (["Metadata: CC0", "CC BY 4.0"], "CC BY 4.0", True),
    ],
)
def test_what_disagrees_is_not_open(statements: list[str], label: str, is_open: bool) -> None:
    for order in (statements, statements[::-1]):
        result = license_of(order)
        assert result is not None and result.label is not None
        assert result.open is is_open
        assert result.label in ({"CC BY 3.0", "CC BY 4.0"} if label == "CC BY 3.0" else {label})


def test_a_licence_of_the_metadata_leaves_the_feeds_default() -> None:
    result = license_of(["Metadata: CC0"], "CC BY-SA 4.0")
    assert result is not None and (result.label, result.origin) == ("CC BY-SA 4.0", "feed_default")


@pytest.mark.parametrize(
    "statement",
    [
        "Formerly CC BY 4.0", "Anciennement sous licence CC BY 4.0", "Ранее под лицензией CC BY 4.0",
        "Früher unter CC BY 4.0 lizenziert", "Anteriormente bajo licencia CC BY 4.0", "Раније под лиценцом CC BY 4.0",
        "سابقا بموجب رخصة CC BY 4.0", "เดิมอยู่ภายใต้ CC BY 4.0", "原先采用CC BY 4.0",
        "Compatible with CC BY-SA 4.0", "Compatible avec la licence CC BY 4.0", "Совместимо с CC BY 4.0",
        "متوافق مع رخصة CC BY 4.0", "Under a licence other than CC BY 4.0", "Similar to the GFDL",
        "Pas dans le domaine public", "ليس في الملكية العامة", "Nicht gemeinfrei", "No es de dominio público",
        "Није у јавном домену", "ไม่ใช่สาธารณสมบัติ", "Не в общественном достоянии", "Não está em domínio público",
        "This is not GFDL", "Not released under the GNU GPL 3.0", "Not under the Open Government Licence",
        "CC BY 4.0 lisansı altında değildir", "これはCC BY 4.0ではありません", "不是CC BY 4.0", "Бул эмгек CC BY эмес",
        "Images: CC BY 4.0", "Certaines images sont sous CC BY 4.0", "Частично CC BY 4.0",
        "Some chapters are CC BY 4.0",
        "Will be released under CC BY 4.0 after the embargo", "The CC BY licence does not apply to this work",
        "Les métadonnées sont sous CC0", "Метаданные: CC0", "البيانات الوصفية: CC0", "Lizenz der Metadaten: CC0",
    ],
)  # fmt: skip
def test_a_denied_former_partial_or_comparable_licence_is_not_open(statement: str) -> None:
    result = license_of([statement])
    assert result is not None and (result.uri, result.open) == (None, None)


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        ("Unless otherwise noted, this work is licensed under CC BY 4.0", "by/4.0/"),
        ("Sofern nicht anders angegeben, steht dieses Werk unter CC BY 4.0", "by/4.0/"),
        ("Если не указано иное, материалы доступны по лицензии CC BY 4.0", "by/4.0/"),
        ("ما لم يذكر خلاف ذلك، CC BY 4.0", "by/4.0/"),
        ("Disponível no repositório sob a licença CC BY 4.0", "by/4.0/"),
        ("Content: CC BY-NC 4.0, metadata: CC0", "by-nc/4.0/"),
        ("Content and metadata: CC BY 4.0", "by/4.0/"),
        ("Text and images CC BY 4.0", "by/4.0/"),
        ("CC BY 3.0 NO modifications allowed", "by/3.0/"),
        ("CC BY 3.0 IT Department", "by/3.0/"),
        ("CC BY 4.0 US", "by/4.0/"),
        ("CC BY-SA 3.0 DE", "by-sa/3.0/de/"),
        ("cc_by_sa_30", "by-sa/3.0/"),
        ("ccby40", "by/4.0/"),
        ("Some rights reserved (CC BY 4.0)", "by/4.0/"),
        ("Certains droits réservés : CC BY 4.0", "by/4.0/"),
        ("This image is licensed under CC BY 4.0", "by/4.0/"),
        ("This dataset is available under CC BY 4.0", "by/4.0/"),
        ("Creative Commons Atıf-AynıLisanslaPaylaş 4.0", "by-sa/4.0/"),
    ],
)
def test_words_around_a_licence_do_not_take_it_away(statement: str, path: str) -> None:
    result = license_of([statement])
    assert result is not None and result.uri == CC + path
    assert not contradictory([statement])
