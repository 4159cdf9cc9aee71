"""Partners register a source by themselves, and stewards decide on it: the pages, over HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from loaders.accounts import account_by_name, add_account
from loaders.applications import (
    Application,
    create_draft,
    keep_test,
    list_applications,
    read_application,
    save_draft,
    submit_application,
)
from schemas import Environment, read_feed
from tests.loaders.test_applications import KEYS, MAIL
from tests.pipeline.mail_server import MailServer
from tests.web.conftest import PASSWORD, PASSWORD_HASH, STEWARD, Browser
from tests.web.test_mail import text_of
from web import create_app
from web.links import draft_link, preview_link, sign_in_link
from web.settings import WebSettings

SETTINGS = WebSettings(secret="s" * 40)


def path_of(link: str) -> str:
    return link.removeprefix("http://127.0.0.1:8081")


def submitted(env: Environment, name: str = "novigrad", **more: Any) -> Application:
    facts = {"partner": "University of Novi Grad", "contact": MAIL, "declaration": KEYS, **more}
    draft = save_draft(env, create_draft(env, **facts), name=None if "feed" in more else name)
    return submit_application(env, keep_test(env, draft, {"state": "done", "lines": []}))


def signed_in_partner(visitor: Browser, mail: str = MAIL) -> Response:
    link = path_of(sign_in_link(SETTINGS, mail))
    return visitor.submit(link, link)


def test_a_link_signs_in_once_and_opening_it_does_not_use_it(visitor: Browser, env: Environment) -> None:
    submitted(env)
    link = path_of(sign_in_link(SETTINGS, MAIL))
    assert MAIL in visitor.get(link).text
    answer = visitor.submit(link, link)
    assert answer.url.path == "/partners/feeds"
    assert "Repository of the University of Novi Grad" in answer.text
    again = visitor.submit(link, link)
    assert again.url.path == "/partners/sign-in"
    assert "used already" in again.text
    changed = link[:-3] + ("aaa" if not link.endswith("aaa") else "bbb")
    assert "not complete, or not from us" in visitor.get(changed).text
    assert visitor.get("/console").status_code == 403


def test_a_signed_in_partner_sees_own_feeds_and_no_others(visitor: Browser, env: Environment) -> None:
    other = submitted(env, "other", contact="b@other.example", declaration=KEYS | {"title": "Somebody else's"})
    mine = submitted(env)
    signed_in_partner(visitor)
    assert "Repository of the University" in visitor.get(f"/partners/applications/{mine.id}").text
    assert visitor.get(f"/partners/applications/{other.id}").status_code == 404
    assert "Somebody else" not in visitor.get("/partners/feeds").text
    for path in ("", "/test", "/submit"):
        with TestClient(visitor.app, base_url="http://127.0.0.1:8081") as stranger:
            assert stranger.get(f"/partners/applications/{mine.id}{path}").status_code == 404


def test_a_stewards_address_gets_no_session_by_link(visitor: Browser, env: Environment) -> None:
    add_account(env, MAIL, "steward", password="hash")
    answer = signed_in_partner(visitor)
    assert "not that of a partner" in answer.text
    assert visitor.get("/partners/feeds").url.path == "/partners/sign-in"


def test_asking_for_a_link_answers_alike_for_everybody(visitor: Browser, env: Environment) -> None:
    submitted(env)
    texts = []
    for mail in (MAIL, "nobody@nowhere.example"):
        answer = visitor.submit("/partners/sign-in", "/partners/sign-in", mail=mail)
        texts.append((answer.status_code, re.sub(r'value="[^"]+"', "", answer.text)))
    assert texts[0] == texts[1]
    assert visitor.submit("/partners/sign-in", "/partners/sign-in", mail="no address").status_code == 422
    answers = [visitor.submit("/partners/sign-in", "/partners/sign-in", mail=MAIL).status_code for _ in range(9)]
    assert 429 in answers


def test_a_draft_is_opened_again_by_its_link_in_another_browser(visitor: Browser, env: Environment) -> None:
    draft = create_draft(env, partner="P", contact=MAIL, declaration=KEYS)
    assert visitor.get(f"/partners/applications/{draft.id}").status_code == 404
    answer = visitor.get(path_of(draft_link(SETTINGS, draft.id)))
    assert answer.url.path == f"/partners/applications/{draft.id}"
    assert "Novi Grad" in answer.text
    assert visitor.get(path_of(preview_link(SETTINGS, draft.id)).replace("previews", "drafts")).url.path == "/partners"


def test_what_the_form_says_is_kept_also_with_mistakes(visitor: Browser, env: Environment) -> None:
    draft = save_draft(env, create_draft(env, partner="P", contact=MAIL, declaration=KEYS), name="novigrad")
    visitor.get(path_of(draft_link(SETTINGS, draft.id)))
    page = f"/partners/applications/{draft.id}"
    answer = visitor.submit(
        page,
        page,
        version=str(draft.version),
        title="Textbooks <script>alert(1)</script>",
        name="Novi-Grad",
        default_language="klingonisch",
        default_license="",
        sets="theses  books theses",
        action="save",
    )
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "is not a language tag" in answer.text
    assert "letters a to z" in answer.text
    kept = read_application(env, draft.id)
    assert kept is not None
    assert kept.declaration["sets"] == ["theses", "books"]
    assert (kept.declaration["default_language"], kept.name) == ("klingonisch", "Novi-Grad")
    assert kept.declaration["request"] == KEYS["request"]
    stale = visitor.submit(page, page, version=str(draft.version), title="Older", name="novigrad", action="save")
    assert "was changed meanwhile" in stale.text


def test_a_field_mapping_is_corrected_in_a_form(visitor: Browser, env: Environment) -> None:
    fields = [{"path": "Titel", "examples": ["Vulkane", "<b>Brüche</b>"], "target": "title"}, {"path": "Thema"}]
    declaration = {
        "title": "Table",
        "partner": "P",
        "protocol": "csv",
        "url": "https://table.example/records.csv",
        "identifier": ["Nr"],
        "map": {"title": "Titel", "license": {"constant": "CC0-1.0"}, "contributors:editor": "Redaktion"},
    }
    proposal = {
        "declaration": declaration,
        "protocol": "csv",
        "recognised": {"text": "A table"},
        "fields": fields,
    }
    detection = {"result": {"address": "https://table.example", "proposals": [proposal]}, "chosen": 0, "upload": ""}
    draft = create_draft(env, partner="P", contact=MAIL, declaration=declaration, detection=detection)
    visitor.get(path_of(draft_link(SETTINGS, draft.id)))
    page = f"/partners/applications/{draft.id}"
    text = visitor.get(page).text
    assert '<option value="Titel" selected>Titel — Vulkane</option>' in text
    assert "&lt;b&gt;Brüche&lt;/b&gt;" in text
    mapped = {"map:title": "Titel", "map:subjects": "Thema", "split:subjects": ";", "map:contributors:editor": ""}
    visitor.submit(page, page, version="1", title="Table", name="table", identifier=["Nr", ""], **mapped)
    kept = read_application(env, draft.id)
    assert kept is not None
    assert kept.declaration["map"] == {
        "title": "Titel",
        "license": {"constant": "CC0-1.0"},
        "subjects": {"path": "Thema", "split": ";"},
    }
    assert kept.declaration["identifier"] == ["Nr"]


def submit_form(visitor: Browser, application: Application, **more: str) -> Response:
    path = f"/partners/applications/{application.id}/submit"
    fields = {"begins": "08:00", "ends": "18:00", "zone": "Europe/Belgrade", "rate": "0.5", "mail": MAIL}
    fields |= {"metadata_license": "CC-BY-4.0", "language": "ar", "consent": "yes", "version": str(application.version)}
    return visitor.submit(path, path, **{**fields, **more})


def test_an_application_is_submitted_with_hours_licence_and_language(visitor: Browser, env: Environment) -> None:
    draft = save_draft(env, create_draft(env, partner="P", contact=MAIL, declaration=KEYS), name="novigrad")
    visitor.get(path_of(draft_link(SETTINGS, draft.id)))
    assert "Test the source and look at the preview first" in submit_form(visitor, draft).text
    tested = keep_test(env, draft, {"lines": []})
    for wrong, words in (
        ({"consent": "no"}, "consent"),
        ({"mail": "a\nBcc: b@c.example"}, "mail"),
        ({"zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"rate": "0"}, "the rate is"),
        ({"rate": "nan"}, "the rate is"),
        ({"rate": "1e-320"}, "the rate is"),
        ({"rate": "1000"}, "the rate is"),
        ({"metadata_license": "all mine"}, "metadata_license"),
    ):
        answer = submit_form(visitor, tested, **wrong)
        assert (answer.status_code, words in answer.text) == (422, True), (
            wrong,
            answer.text.partition("alert")[2][:300],
        )
    answer = submit_form(visitor, tested)
    assert 'role="alert"' not in answer.text, answer.text.partition('role="alert"')[2][:300]
    assert answer.url.path == f"/partners/applications/{draft.id}"
    (kept,) = list_applications(env, "submitted")
    assert kept.declaration["request"] == {"rate": 0.5, "quiet_hours": ["08:00-18:00 Europe/Belgrade"]}
    assert (kept.declaration["metadata_license"], kept.language) == ("CC-BY-4.0", "ar")
    assert kept.test == {"lines": []}
    assert submit_form(visitor, tested).url.path == f"/partners/applications/{draft.id}"


def decide(steward: Browser, application: Application, **fields: str) -> Response:
    page = f"/console/applications/{application.id}"
    return steward.submit(page, page, version=str(application.version), **fields)


def test_a_steward_accepts_and_is_shown_the_mail_to_send(steward: Browser, env: Environment) -> None:
    application = submitted(env, language="fr")
    assert "Applications of partners" in steward.get("/console").text
    assert "University of Novi Grad" in steward.get("/console/applications").text
    answer = decide(steward, application, action="accept", name="novi_grad", reason="good records")
    assert answer.status_code == 200
    assert "Accepted." in answer.text
    assert "no mail server is set up" in answer.text
    assert "Votre source" in answer.text
    link = re.search(r"http://127\.0\.0\.1:8081(/partners/sign-in/[\w.-]+)", answer.text)
    assert link
    assert read_feed(env.registered_feeds / "novi_grad.toml").partner == "University of Novi Grad"
    with Browser(steward.app, base_url="http://127.0.0.1:8081") as partner:
        assert partner.submit(link[1], link[1]).url.path == "/partners/feeds"
        assert "novi_grad" in partner.get("/partners/feeds").text
    late = decide(steward, application, action="decline", reason="no")
    assert "is accepted meanwhile" in late.text


def test_a_steward_asks_the_partner_answers_and_is_declined(steward: Browser, env: Environment) -> None:
    application = submitted(env)
    assert "needs a text" in decide(steward, application, action="ask", reason=" ").text
    decide(steward, application, action="ask", reason="Which set <b>has</b> the textbooks?")
    with Browser(steward.app, base_url="http://127.0.0.1:8081") as partner:
        signed_in_partner(partner)
        page = f"/partners/applications/{application.id}"
        assert "Which set &lt;b&gt;has&lt;/b&gt;" in partner.get(page).text
        asked = read_application(env, application.id)
        assert asked is not None
        partner.submit(page, f"{page}/answer", answer="theses", version=str(asked.version))
    answered = read_application(env, application.id)
    assert answered is not None
    assert "theses" in steward.get(f"/console/applications/{application.id}").text
    assert "reason is missing" in decide(steward, answered, action="decline", reason="").text
    decide(steward, answered, action="decline", reason="not about teaching")
    with Browser(steward.app, base_url="http://127.0.0.1:8081") as partner:
        signed_in_partner(partner)
        assert "not about teaching" in partner.get(f"/partners/applications/{application.id}").text
    assert account_by_name(env, MAIL) is not None
    assert not list(env.registered_feeds.glob("*.toml"))


def test_a_change_of_a_feed_is_compared_key_by_key(steward: Browser, env: Environment) -> None:
    decide(steward, submitted(env), action="accept")
    moved = KEYS | {"url": "https://new.novigrad.example/oai"}
    change = submitted(env, feed="novigrad", declaration=moved)
    page = f"/console/applications/{change.id}"
    text = steward.get(page).text
    rows = re.findall(r'<tr class="differs"><th scope="row"><bdi dir="ltr">([\w.]+)', text)
    assert rows == ["url"]
    digest = re.search(r'name="file_sha256" value="(\w+)"', text)
    assert digest
    decide(steward, change, action="accept", file_sha256=digest[1])
    assert read_feed(env.registered_feeds / "novigrad.toml").url == "https://new.novigrad.example/oai"


def test_only_stewards_decide(visitor: Browser, env: Environment) -> None:
    application = submitted(env)
    signed_in_partner(visitor)
    page = f"/console/applications/{application.id}"
    assert visitor.get(page).status_code == 403
    own = f"/partners/applications/{application.id}"
    answer = visitor.submit(own, page, action="accept", version=str(application.version))
    assert answer.status_code == 403
    assert visitor.post(page, data={"action": "accept"}).status_code == 403
    left = read_application(env, application.id)
    assert left is not None
    assert left.status == "submitted"


def test_mails_go_out_in_the_partners_language_and_their_links_work(env: Environment) -> None:
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
    with MailServer() as server:
        url = f"smtp://127.0.0.1:{server.server_address[1]}/?from=elib@library.example.org"
        app = create_app(env, WebSettings(secret="s" * 40, mail_url=url, url="http://library.example.org"))
        with Browser(app, base_url="http://127.0.0.1:8081") as browser:
            draft = save_draft(
                env, create_draft(env, partner="P", contact=MAIL, declaration=KEYS, language="ar"), name="novigrad"
            )
            browser.get(draft_link(SETTINGS, draft.id).removeprefix("http://127.0.0.1:8081"))
            tested = keep_test(env, draft, {"lines": []})
            assert "could be sent" not in submit_form(browser, tested).text
            browser.submit("/partners/sign-in", "/partners/sign-in", mail=MAIL)
            browser.submit("/partners/sign-in", "/partners/sign-in", mail="nobody@nowhere.example")
            browser.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
            (waiting,) = list_applications(env, "submitted")
            assert "The partner gets a mail." in decide(browser, waiting, action="ask", reason="Why?").text
            asked = read_application(env, waiting.id)
            assert asked is not None
            decide(browser, asked, action="accept")
            link = re.search(
                r"http://library\.example\.org(/partners/sign-in/[\w.-]+)", text_of(server.mails[-1].message)
            )
            assert link
        with Browser(app, base_url="http://127.0.0.1:8081") as partner:
            assert partner.submit(link[1], link[1]).url.path == "/partners/feeds"
    assert [mail.receivers for mail in server.mails] == [[MAIL]] * 4
    subjects = [str(mail.message["Subject"]) for mail in server.mails]
    assert ["استُلم" in subjects[0], "سؤال" in subjects[2], "قُبل" in subjects[3]] == [True] * 3
    assert subjects[1] == "Sign in to the E-library for Teachers"


def test_a_mail_that_does_not_go_out_is_told_and_the_decision_stands(env: Environment) -> None:
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
    application = submitted(env)
    settings = WebSettings(secret="s" * 40, mail_url="smtp://127.0.0.1:9/?from=elib@library.example.org")
    with Browser(create_app(env, settings), base_url="http://127.0.0.1:8081") as steward:
        steward.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
        answer = decide(steward, application, action="accept")
    assert "the mail server 127.0.0.1:9 did not take it" in answer.text
    assert "/partners/sign-in/" in answer.text
    assert [each.status for each in list_applications(env)] == ["accepted"]


@pytest.mark.parametrize("path", ["/partners", "/partners/register", "/partners/sign-in"])
def test_the_public_pages_have_the_headers_of_all_pages(visitor: Browser, path: str) -> None:
    answer = visitor.get(path, headers={"accept-language": "ar"})
    assert answer.status_code == 200
    assert 'dir="rtl"' in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text


def test_what_a_server_says_keeps_its_own_direction_in_an_arabic_sentence(visitor: Browser, env: Environment) -> None:
    recognised = {"text": "RSS or Atom feed “%(name)s”", "values": {"name": "2026-01-31 lessons"}}
    keys = {"protocol": "rss", "url": "https://x.example/feed", "format": "rss"}
    proposal = {"declaration": keys, "protocol": "rss", "recognised": recognised}
    detection = {"result": {"address": "https://x.example", "proposals": [proposal]}, "chosen": 0, "upload": ""}
    draft = create_draft(env, partner="P", contact="ana@novigrad.example", declaration=keys, detection=detection)
    page = visitor.get(path_of(draft_link(SETTINGS, draft.id)))
    assert "“2026-01-31 lessons”" in page.text
    assert "\u20682026-01-31 lessons\u2069" in visitor.get(f"{page.url.path}?lang=ar").text
