"""The mails to partners, in their language: what each says, and whether it went out."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from loaders.applications import Application
from schemas import one_line
from web.languages import LANGUAGES, marked, translations
from web.links import draft_link, public_url, sign_in_link
from web.mail import MailNotSent, send_mail
from web.settings import WebSettings

Kind = Literal["draft", "received", "accepted", "declined", "question"]
MAX_TITLE_CHARS = 120  # in a mail, which anybody can have sent to an address by registering with it
_GREETING = marked("Good day %(name)s,")
_GREETING_OF_NOBODY = marked("Good day,")
_LINK = marked("To sign in, within 30 minutes and once: %(link)s")
_LATER = marked("Later, ask for a new link here: %(page)s")
_ENDING = marked("The stewards of the E-library for Teachers")
_SUBJECTS: dict[Kind, str] = {
    "draft": marked("Your registration at the E-library for Teachers is kept"),
    "received": marked("Your application to the E-library for Teachers has been received"),
    "accepted": marked("Your source is accepted by the E-library for Teachers"),
    "declined": marked("Your application to the E-library for Teachers was declined"),
    "question": marked("A question about your application to the E-library for Teachers"),
}
_TEXTS: dict[Kind, str] = {
    "draft": marked("What you entered about %(title)s is kept for 30 days. Open it again here: %(draft)s"),
    "received": marked("We have received your application about %(title)s. A steward looks at it and writes to you."),
    "accepted": marked(
        "We have accepted %(title)s. It is read in the coming night; a steward looks through the first records before"
        " they are published."
    ),
    "declined": marked("We cannot take %(title)s. The reason: %(reason)s"),
    "question": marked("About %(title)s we would like to know: %(question)s"),
}


class Mail(NamedTuple):
    """What a mail says."""

    subject: str
    body: str


def mail_about(settings: WebSettings, application: Application, kind: Kind) -> Mail:
    """Return a mail about an application, in its partner's language, with a new link to sign in."""
    values = {
        "title": one_line(str(application.declaration.get("title") or application.partner))[:MAX_TITLE_CHARS],
        "reason": application.reason or "",
        "question": next((each.text for each in reversed(application.messages) if each.is_question), ""),
        "draft": draft_link(settings, application.id) if kind == "draft" else "",
    }
    paragraphs: list[tuple[str, dict[str, Any]]] = [_greeting(application), (_TEXTS[kind], values)]
    if kind != "draft":
        after = "/partners/feeds" if kind == "accepted" else f"/partners/applications/{application.id}"
        paragraphs += _links(settings, sign_in_link(settings, application.contact, after))
    return _mail(application.language, _SUBJECTS[kind], paragraphs)


def sign_in_mail(language: str, link: str) -> Mail:
    """Return the mail with a link that was asked for."""
    ignore = marked("If you did not ask for it, do nothing.")
    return _mail(language, marked("Sign in to the E-library for Teachers"), [(_LINK, {"link": link}), (ignore, {})])


def send_about(settings: WebSettings, application: Application, kind: Kind) -> str | None:
    """Send a mail about an application. Return why it did not go out; None when it did, "" without a mail server."""
    text = mail_about(settings, application, kind)
    try:
        return None if send_mail(settings, application.contact, text.subject, text.body) else ""
    except MailNotSent as error:
        return str(error)


def _greeting(application: Application) -> tuple[str, dict[str, Any]]:
    name = one_line(application.contact_name or "")[:MAX_TITLE_CHARS]
    return (_GREETING, {"name": name}) if name else (_GREETING_OF_NOBODY, {})


def _links(settings: WebSettings, link: str) -> list[tuple[str, dict[str, Any]]]:
    return [(_LINK, {"link": link}), (_LATER, {"page": f"{public_url(settings)}/partners/sign-in"})]


def _mail(language: str, subject: str, paragraphs: list[tuple[str, dict[str, Any]]]) -> Mail:
    texts = translations(language if language in LANGUAGES else "en")
    lines = [texts.gettext(text) % values for text, values in [*paragraphs, (_ENDING, {})]]
    return Mail(texts.gettext(subject), "\n\n".join(lines) + "\n")
