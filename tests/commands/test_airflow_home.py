"""The secrets of Airflow: made once, whole, and shared by every component, whoever begins first."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from commands.airflow_home import SECRETS, read_secrets


def test_components_that_begin_at_the_same_moment_share_the_same_secrets(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(read_secrets, [path] * 16)
    assert all(one == found[0] for one in found)
    assert set(found[0]) == set(SECRETS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["secrets.env"]


@pytest.mark.parametrize("left", ["", "AIRFLOW__CORE__FERNET_KEY=abc\n", "AIRFLOW__API__SECRET_KEY=\n"])
def test_a_file_that_lacks_a_secret_is_named_and_not_used(tmp_path: Path, left: str) -> None:
    path = tmp_path / "secrets.env"
    path.write_text(left)
    with pytest.raises(ValueError, match=r"secrets\.env lacks .*AIRFLOW__API_AUTH__JWT_SECRET"):
        read_secrets(path)
