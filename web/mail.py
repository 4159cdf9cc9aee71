"""Send mail to partners through the server that the web's settings name."""

from __future__ import annotations

from pipeline.mail import MAX_MAIL_CHARS, MailNotSent, mail_address
from pipeline.mail import send_mail as send_by_server
from web.settings import WebSettings

__all__ = ["MAX_MAIL_CHARS", "MailNotSent", "mail_address", "send_mail"]


def send_mail(settings: WebSettings, to: str, subject: str, body: str) -> bool:
    """Send a plain text and return True; return False without ELIB_MAIL_URL. Raises MailNotSent."""
    return send_by_server(settings.mail_url, to, subject, body)
