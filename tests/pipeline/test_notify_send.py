"""Mail by TLS to a real server on the loopback: it arrives, or nothing leaves in the clear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.notifications.send import Notification, NotSent, Receiver, send
from tests.pipeline.mail_server import MailServer, certified

WHAT = Notification("The night", ("col: Run held. «Уроки» und المكتبة",), {})
IMPLICIT: dict[str, Any] = {}
STARTTLS: dict[str, Any] = {"disable_ssl": True}


def receiver(server: MailServer, extra: dict[str, Any], host: str = "localhost") -> Receiver:
    people = {"from_email": "elib@example.org", "to_email": "a@example.org, b@example.org"}
    return Receiver("elib_mail", "smtp", host, server.server_address[1], "", "elib", "secret", people | extra)


@pytest.mark.parametrize("extra", [IMPLICIT, STARTTLS], ids=["implicit", "starttls"])
def test_mail_arrives_by_tls_and_the_password_is_never_sent_in_the_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any]
) -> None:
    context, authority = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with MailServer(context, implicit=extra is IMPLICIT) as server:
        send(receiver(server, extra), WHAT)
    ((sender, receivers, message, by_tls, login),) = server.mails
    assert sender == "elib@example.org" and receivers == ["a@example.org", "b@example.org"]
    assert by_tls and login == ("elib", "secret")
    assert server.logins == [("elib", "secret", True)]
    assert message["Subject"] == "The night" and "«Уроки» und المكتبة" in message.get_content()


@pytest.mark.parametrize("extra", [IMPLICIT, STARTTLS], ids=["implicit", "starttls"])
@pytest.mark.parametrize("wrong", ["authority", "host"])
def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any], wrong: str
) -> None:
    context, authority = certified(tmp_path, "localhost" if wrong == "authority" else "mail.example.org")
    if wrong == "host":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    else:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with MailServer(context, implicit=extra is IMPLICIT) as server:
        with pytest.raises(NotSent, match=r"elib_mail: nothing could be sent.*certificate") as raised:
            send(receiver(server, extra), WHAT)
        assert "secret" not in str(raised.value)
    assert server.mails == [] and server.logins == []


@pytest.mark.parametrize("extra", [IMPLICIT, STARTTLS], ids=["implicit", "starttls"])
def test_nothing_is_sent_to_a_server_without_tls(extra: dict[str, Any]) -> None:
    with MailServer() as server, pytest.raises(NotSent, match="elib_mail: nothing could be sent"):
        send(receiver(server, extra), WHAT)
    assert server.mails == [] and server.logins == []
