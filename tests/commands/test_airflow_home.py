"""The secrets of Airflow: made once, whole, and shared by every component, whoever begins first."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from commands.airflow_home import SECRETS, read_secrets


def test_components_starting_together_share_the_same_secrets(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        secrets = pool.map(read_secrets, [path] * 16)
    assert all(other == secrets[0] for other in secrets)
    assert set(secrets[0]) == set(SECRETS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secrets.env"]


@pytest.mark.parametrize("left", ["", "AIRFLOW__CORE__FERNET_KEY=abc\n", "AIRFLOW__API__SECRET_KEY=\n"])
def test_a_file_that_lacks_a_secret_is_reported_and_not_used(tmp_path: Path, left: str) -> None:
    path = tmp_path / "secrets.env"
    path.write_text(left)
    with pytest.raises(ValueError, match=r"secrets\.env lacks .*AIRFLOW__API_AUTH__JWT_SECRET"):
        read_secrets(path)
