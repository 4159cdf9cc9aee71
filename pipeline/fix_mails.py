"""The weekly mail to partners who asked for it: what is new to fix, or has come back, since the last one."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from schemas import Environment

if TYPE_CHECKING:
    from loaders.browse import FixGroup
    from loaders.fix_mails import FixMail

log = logging.getLogger("elib.mail")
_MAX_LINES = 15  # rules that a mail names
MAIL_URL_VARIABLE = "ELIB_MAIL_URL"


class MailsFailed(Exception):
    """Some of the mails could not be sent; they are tried again. The message says how many, and why."""


class _Text(NamedTuple):
    subject: str
    body: str


def send_fix_mails(env: Environment, mail_url: str, web_url: str, at: datetime | None = None) -> str:
    """Send the mails that are due and have something new to tell; return a sentence on what was done.

    Nobody gets two mails about a feed within seven days, also when a process is killed in between: then that week's
    mail may be missing, and the next one tells the same. An address that the server refuses is tried again after a
    week, and named in the log. Raises MailsFailed after all were tried, when the server failed for another reason.
    """
    from loaders.fix_mails import chosen_mails
    from pipeline.mail import AddressRefused, MailNotSent

    wishes = chosen_mails(env)
    if not mail_url:
        return _logged(f"no mail was sent to partners: {MAIL_URL_VARIABLE} names no mail server")
    at = at or datetime.now(UTC)
    sent, refused, failures = 0, 0, list[str]()
    for wish in wishes:
        try:
            sent += _send_one(env, wish, mail_url, web_url, at)
        except AddressRefused as error:
            refused += 1
            log.warning("%s: the weekly mail to %s was refused: %s", wish.feed, wish.account, error)
        except MailNotSent as error:
            failures.append(f"{wish.feed}: {error}")
    if failures:
        raise MailsFailed(f"{len(failures)} of the weekly mails to partners were not sent: {'; '.join(failures[:5])}")
    what = f"weekly mails to partners: {sent} sent, {len(wishes)} wanted"
    return _logged(f"{what}, {refused} refused by the mail server" if refused else what)


def _send_one(env: Environment, wish: FixMail, mail_url: str, web_url: str, at: datetime) -> bool:
    """Send one mail when it is due and has something to tell; return whether it was sent. Raises MailNotSent."""
    from loaders.browse import fix_groups, nights_after
    from loaders.fix_mails import begin_mail, confirm_mail, take_mail_back
    from loaders.store import read_transaction
    from pipeline.mail import AddressRefused, send_mail

    if not _may_be_told(env, wish) or not wish.is_due(at):
        return False
    with read_transaction(env) as connection:
        nights = nights_after(connection, wish.feed, wish.told_run_id)
        groups = [group for group in fix_groups(connection, wish.feed, nights) if group.new + group.back]
    if nights is None or not groups or not begin_mail(env, wish, at):
        return False
    try:
        text = _text(env, wish, groups, web_url)
        send_mail(mail_url, wish.account, text.subject, text.body)
    except AddressRefused:
        raise  # the week's mail is spent: every night would be refused
    except Exception:
        take_mail_back(env, wish, at)
        raise
    confirm_mail(env, wish, at, nights.last)
    return True


def _may_be_told(env: Environment, wish: FixMail) -> bool:
    """Return whether the account may still see the feed; the wish of one that may not is ended."""
    from loaders.accounts import account_by_name
    from loaders.fix_mails import end_mail

    account = account_by_name(env, wish.account)
    if account is not None and not account.disabled_at and wish.feed in account.feeds:
        return True
    end_mail(env, wish.feed, wish.account)
    return False


def _text(env: Environment, wish: FixMail, groups: list[FixGroup], web_url: str) -> _Text:
    from loaders.declarations import feeds_in_use
    from loaders.reports import fix_mail_messages

    words = fix_mail_messages(wish.language)
    title = next((feed.title for feed in feeds_in_use(env).feeds if feed.name == wish.feed), wish.feed)
    count = sum(group.new + group.back for group in groups)
    lines = [f"- {_line(group, wish.language)}" for group in groups[:_MAX_LINES]]
    if len(groups) > _MAX_LINES:
        lines.append(f"- {words['more'].format(count=len(groups) - _MAX_LINES)}")
    page = f"{web_url.rstrip('/')}/partners/feeds/{wish.feed}"
    paragraphs = [
        words["greeting"],
        words["intro"].format(title=title),
        "\n".join(lines),
        *([words["open"].format(link=f"{page}/fixes?lang={wish.language}")] if web_url else []),
        *([words["stop"].format(link=f"{page}?lang={wish.language}")] if web_url else []),
        words["sender"],
    ]
    return _Text(words["subject"].format(title=title, count=count), "\n\n".join(paragraphs) + "\n")


def _line(group: FixGroup, language: str) -> str:
    from loaders.reports import UNREADABLE, fix_mail_messages, unreadable_texts
    from transforms.rules import rule_texts

    texts = unreadable_texts() if group.rule == UNREADABLE else rule_texts().get(group.rule, {})
    wrong, mend = (texts.get(f"{part}.{language}") or texts.get(part, "") for part in ("wrong", "mend"))
    line = fix_mail_messages(language)["line"]
    return line.format(wrong=wrong or group.rule, mend=mend, new=group.new, back=group.back)


def _logged(sentence: str) -> str:
    log.info("%s", sentence)
    return sentence
