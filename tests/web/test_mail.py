"""Mails to partners go out through a real server, cannot be bent by what partners write, and failures are told."""

from __future__ import annotations

import logging
import ssl
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme

from tests.pipeline.mail_server import MailServer
from web.mail import MailNotSent, mail_address, send_mail
from web.settings import WebSettings

BODY = "مرحبًا\n.\nA line that begins with a dot\n"


def settings(server: MailServer, scheme: str = "smtp", user: str = "") -> WebSettings:
    host, port = "localhost" if scheme == "smtps" or user else "127.0.0.1", server.server_address[1]
    url = f"{scheme}://{user}{host}:{port}/?from=elib@library.example.org"
    return WebSettings(secret="s" * 40, mail_url=url)


def text_of(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")


def test_without_a_mail_server_nothing_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    assert send_mail(WebSettings(secret="s" * 40), "ana@example.org", "Hello", BODY) is False


def test_a_mail_arrives_as_it_was_written() -> None:
    with MailServer() as server:
        assert send_mail(settings(server), "Ana@Example.org", "Привет", BODY)
    (mail,) = server.mails
    assert (mail.sender, mail.receivers) == ("elib@library.example.org", ["ana@example.org"])
    assert mail.message["Subject"] == "Привет"
    assert text_of(mail.message) == BODY


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("ana@example.org", "Hello\nBcc: eve@example.org"),
        ("ana@example.org", "Hello\r\n\r\nNew body"),
        ("ana@example.org", "Hello\x85\u2028Bcc: eve@example.org"),
    ],
)
def test_a_subject_adds_no_header(to: str, subject: str) -> None:
    with MailServer() as server:
        send_mail(settings(server), to, subject, "body")
    (mail,) = server.mails
    assert mail.receivers == ["ana@example.org"]
    assert mail.message["Bcc"] is None
    assert text_of(mail.message) == "body\n"


@pytest.mark.parametrize(
    "to", ["ana@example.org\nBcc: eve@example.org", "ana@example.org, eve@example.org", "<ana@example.org>", "ana", ""]
)
def test_an_address_is_one_address(to: str) -> None:
    with MailServer() as server, pytest.raises(MailNotSent):
        send_mail(settings(server), to, "Hello", "body")
    assert server.mails == []


def test_addresses_are_compared_as_they_are_kept() -> None:
    assert mail_address("  Ana.K@Example.ORG ") == "ana.k@example.org"


def test_a_server_that_does_not_answer_is_told_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    with MailServer() as server:
        gone = settings(server, user="elib:s3cret@")
    with caplog.at_level(logging.WARNING), pytest.raises(MailNotSent, match="did not take it") as error:
        send_mail(gone, "ana@example.org", "Hello", BODY)
    assert "s3cret" not in f"{error.value}{caplog.text}"


@pytest.mark.parametrize(
    "url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://h:port", "smtp://10.0.0.1"]
)
def test_a_wrong_address_of_the_server_is_named(url: str) -> None:
    with pytest.raises(MailNotSent, match="ELIB_MAIL_URL"):
        send_mail(WebSettings(secret="s" * 40, mail_url=url), "ana@example.org", "Hello", BODY)


def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    for implicit, scheme in ((True, "smtps"), (False, "smtp")):
        with MailServer(context, implicit=implicit) as server, pytest.raises(MailNotSent, match="CERTIFICATE"):
            send_mail(settings(server, scheme), "ana@example.org", "Hello", BODY)
        assert server.mails == []
