"""Answer the readers who reported a problem and left an address: what the mail says, and to whom it went."""

from __future__ import annotations

from loaders.curation import Unanswered, unanswered_readers
from loaders.reader_reports import note_answer
from pipeline.mail import AddressRefused
from schemas import Environment, one_line
from web.languages import LANGUAGES, marked, translations
from web.links import public_url
from web.mail import MailNotSent, send_mail
from web.partners import Mail
from web.settings import WebSettings

MAX_MAILS = 50  # of one decision; the page shows the other answers to send
_MAX_TITLE_CHARS = 200
_SUBJECT = marked("Your report to the E-library for Teachers")
_GREETING = marked("Good day,")
_ABOUT = marked("You reported a problem with “%(title)s” (%(address)s). Our answer:")
_ENDING = marked("The stewards of the E-library for Teachers")


def answer_mail(settings: WebSettings, language: str, title: str, resource_id: str, answer: str) -> Mail:
    """Return the mail to a reader, in the language of the page on which the report was written."""
    texts = translations(language if language in LANGUAGES else "en")
    address = f"{public_url(settings)}/resources/{resource_id}"
    about = texts.gettext(_ABOUT) % {"title": one_line(title)[:_MAX_TITLE_CHARS], "address": address}
    paragraphs = (texts.gettext(_GREETING), about, answer, texts.gettext(_ENDING))
    return Mail(texts.gettext(_SUBJECT), "\n\n".join(paragraphs) + "\n")


def answer_readers(env: Environment, settings: WebSettings, batch_id: str, answer: str) -> int:
    """Send the answer of a decision to each reader who left an address; return how many it did not go to.

    Who has sent several reports about a resource gets one mail. Each mail is noted when it went out.
    """
    unanswered = unanswered_readers(env, batch_id)
    by_reader: dict[tuple[str, str], list[Unanswered]] = {}
    for each in unanswered:
        by_reader.setdefault((each.message.contact, each.resource_id), []).append(each)
    left = len(by_reader)
    for (contact, resource_id), reports in list(by_reader.items())[:MAX_MAILS]:
        mail = answer_mail(settings, reports[0].message.language, reports[0].title, resource_id, answer)
        try:
            is_sent = send_mail(settings, contact, mail.subject, mail.body)
        except AddressRefused:
            continue
        except MailNotSent:  # the others would fail too; the log says why, and the page shows what is left to send
            break
        if not is_sent:
            break
        left -= 1
        for each in reports:
            note_answer(env, each.report, each.message.id)
    return left
