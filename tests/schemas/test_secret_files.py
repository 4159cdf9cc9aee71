"""A secret is read from the file that NAME_FILE names, by one mechanism for all, and a wrong file stops the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas import ROOT, BadSecretFile, read_secret_files

SECRETS = [
    "ELIB_CATALOG_URL",
    "ELIB_WEB_SECRET",
    "ELIB_MAIL_URL",
    "ELIB_REDIS_URL",
    "ELIB_AIRFLOW_PASSWORD",
    "AIRFLOW_CONN_PARTNER",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AWS_SECRET_ACCESS_KEY",
]


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("  correct horse battery staple\n")
    variables = {f"{name}_FILE": str(tmp_path / "secret"), "PATH": "/usr/bin"}
    read_secret_files(variables)
    assert variables == {name: "correct horse battery staple", "PATH": "/usr/bin"}


@pytest.mark.parametrize(
    "name", ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", "SSL_CERT_FILE", "AWS_SHARED_CREDENTIALS_FILE"]
)
def test_a_setting_that_is_itself_the_name_of_a_file_stays(name: str, tmp_path: Path) -> None:
    variables = {name: str(tmp_path / "none")}
    read_secret_files(variables)
    assert variables == {name: str(tmp_path / "none")}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "must hold one secret on one line"),
        (b" \n", "must hold one secret on one line"),
        (b"one\ntwo\n", "must hold one secret on one line"),
        (b"one\x00", "must hold one secret on one line"),
        (b"x" * 70_000, "must hold one secret on one line"),
        (b"\xff\xfe", "not UTF-8 text"),
        (None, "No such file"),
    ],
)
def test_a_file_without_one_secret_stops_by_name(content: bytes | None, why: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    good = tmp_path / "good"
    good.write_text("good")
    variables = {"ELIB_CATALOG_URL_FILE": str(good), "ELIB_WEB_SECRET_FILE": str(path)}
    before = dict(variables)
    with pytest.raises(BadSecretFile, match=f"^ELIB_WEB_SECRET_FILE={path}: .*{why}"):
        read_secret_files(variables)
    assert variables == before, "nothing is read by halves"


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("one")
    with pytest.raises(BadSecretFile, match="ELIB_MAIL_URL is set too; keep one of the two"):
        read_secret_files({"ELIB_MAIL_URL": "smtp://other", "ELIB_MAIL_URL_FILE": str(tmp_path / "secret")})


def test_no_secret_is_in_the_message_of_a_wrong_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\nhunter3")
    with pytest.raises(BadSecretFile) as refused:
        read_secret_files({"ELIB_WEB_SECRET_FILE": str(tmp_path / "secret")})
    assert "hunter" not in str(refused.value)


def test_a_command_uses_the_catalog_that_a_file_names_and_stops_without_the_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"sqlite:///{tmp_path / 'elsewhere.db'}\n")
    settings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ELIB_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "commands.cli", "review", "held"]
    settings["ELIB_CATALOG_URL_FILE"] = str(tmp_path / "url")
    ended = subprocess.run(command, env=settings, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "elsewhere.db").exists() and not (tmp_path / "home" / "catalog.db").exists()
    settings["ELIB_CATALOG_URL_FILE"] = str(tmp_path / "missing")
    ended = subprocess.run(command, env=settings, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"ELIB_CATALOG_URL_FILE={tmp_path / 'missing'}: No such file or directory; "
        "give this user a file that it can read"
    ]
