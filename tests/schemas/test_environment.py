"""Where an installation keeps its files, in a checkout and installed from a wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from schemas import ROOT, environment

PRINT_FOLDERS = "from schemas import environment; env = environment(); print(env.home, *env.feeds)"


def test_a_checkout_keeps_its_files_in_var_and_reads_its_own_feeds() -> None:
    env = environment({})
    assert (env.home, list(env.feeds)) == (ROOT / "var", [ROOT / "feeds", ROOT / "var" / "feeds"])


def installed(tmp_path: Path, **variables: str) -> list[str]:
    """Return the folders that the package names when only its modules are installed."""
    site = tmp_path / "site-packages"
    shutil.copytree(ROOT / "schemas", site / "schemas", dirs_exist_ok=True)
    ran = subprocess.run(
        [sys.executable, "-c", PRINT_FOLDERS], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={"HOME": str(tmp_path / "user"), "PYTHONPATH": str(site), **variables},
    )  # fmt: skip
    return ran.stdout.split()


def test_an_installed_package_uses_the_xdg_folders_of_the_user(tmp_path: Path) -> None:
    user = tmp_path / "user"
    assert installed(tmp_path) == [
        f"{user}/.local/share/elib",
        f"{user}/.config/elib/feeds",
        f"{user}/.local/share/elib/feeds",
    ]
    folders = {"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/config"}
    assert installed(tmp_path, **folders) == ["/data/elib", "/config/elib/feeds", "/data/elib/feeds"]


def test_an_installed_package_uses_the_folders_that_are_set(tmp_path: Path) -> None:
    assert installed(tmp_path, ELIB_HOME="/srv/elib", ELIB_FEEDS="/etc/elib/feeds") == ["/srv/elib", "/etc/elib/feeds"]


def test_ELIB_FEEDS_names_several_folders_as_PATH_does(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    feeds = environment({"ELIB_FEEDS": f"{tmp_path}/a:{tmp_path}/b::{tmp_path}/link:"}).feeds
    assert list(feeds) == [tmp_path / "a", tmp_path / "b"], (
        "an empty name and a folder that is named twice are left out"
    )
    assert environment({"ELIB_FEEDS": str(feeds)}).feeds == feeds
    assert feeds / "books.toml" == tmp_path / "a" / "books.toml"
    (tmp_path / "b" / "books.toml").touch()
    assert feeds / "books.toml" == tmp_path / "b" / "books.toml"


def test_a_folder_that_is_named_twice_keeps_its_first_place(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    feeds = environment({"ELIB_FEEDS": f"{tmp_path}/a:{tmp_path}/b:{tmp_path}/link"}).feeds
    assert list(feeds) == [tmp_path / "a", tmp_path / "b"]
