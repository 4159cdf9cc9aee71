"""The environment that Airflow runs in: folders under ELIB_HOME, one metadata database, generated secrets.

Nothing here imports Airflow: it reads these variables when it is imported. A variable that the operator has set is left
as it is, so that a production Airflow keeps its own database, executor and secrets.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas import Environment, FeedFolders

ROOT = Path(__file__).resolve().parents[1]  # the checkout, or the folder that the package is installed into


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


SECRETS = {
    "AIRFLOW__API_AUTH__JWT_SECRET": lambda: secrets.token_urlsafe(48),
    "AIRFLOW__API__SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "AIRFLOW__CORE__FERNET_KEY": _fernet_key,
}


def prepare(env: Environment, *, feeds: FeedFolders | None = None) -> dict[str, str]:
    """Set the variables that Airflow and its tasks need in this process, and return them. Raises ValueError."""
    airflow_home = env.home / "airflow"
    airflow_home.mkdir(parents=True, exist_ok=True)
    _make_private(airflow_home / "passwords.json")
    port = os.environ.get("AIRFLOW__API__PORT", "8080")
    variables = {
        "ELIB_HOME": str(env.home),
        "ELIB_CATALOG_URL": env.catalog_url,
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW_HOME": str(airflow_home),
        "AIRFLOW_CONFIG": str(airflow_cfg()),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "dags" / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(airflow_home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{airflow_home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(airflow_home / "logs"),
        "PYTHONPATH": _python_path(),
        **read_secrets(airflow_home / "secrets.env"),
    }
    for name, value in variables.items():
        os.environ[name] = value if name == "PYTHONPATH" else os.environ.get(name) or value
    os.environ["ELIB_FEEDS"] = str(feeds or env.feeds)
    return {name: os.environ[name] for name in [*variables, "ELIB_FEEDS"]}


def airflow_cfg() -> Path:
    """Return airflow.cfg: in a checkout at its root, in an installed package beside this module."""
    in_checkout = ROOT / "airflow.cfg"
    return in_checkout if in_checkout.exists() else Path(__file__).with_name("airflow.cfg")


def _make_private(path: Path) -> None:
    """Create the file that Airflow writes the admin's password into, readable by this user only."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    path.chmod(0o600)


def read_secrets(path: Path) -> dict[str, str]:
    """Return the secrets that all Airflow components share; made on first use, readable by this user only.

    The file is complete when it appears, also when a process is killed meanwhile or two begin at once.
    Raises ValueError when a secret is missing.
    """
    if not path.exists():
        text = "".join(f"{name}={make()}\n" for name, make in SECRETS.items())
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        try:
            os.link(unfinished, path)
        except FileExistsError:  # another process was faster: its secrets count
            pass
        except OSError:  # a file system without hard links
            unfinished.rename(path)
        unfinished.unlink(missing_ok=True)
    read = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    missing = [name for name in SECRETS if not read.get(name)]
    if missing:
        again = "put it back, or delete the file: all are made anew, and Airflow's connections must be entered again"
        raise ValueError(f"{path} lacks {', '.join(missing)}; {again}")
    return read


def _python_path() -> str:
    """Return PYTHONPATH with this code first: Airflow puts only the dags folder on sys.path."""
    rest = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != str(ROOT)]
    return os.pathsep.join([str(ROOT), *rest])


def airflow(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="What Airflow's own command is given.")],
) -> int:
    """Run Airflow's own command with this installation's settings and secrets, such as: airflow -- celery worker."""
    from schemas import environment

    try:
        prepare(environment())
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "airflow", *words]
    os.execv(command[0], command)  # noqa: S606  # in the place of this process, which signals then reach
    return 0  # not reached


def dags_folder() -> int:
    """Print what an Airflow of your own needs: its dags folder, and PYTHONPATH, as variables."""
    print(f"AIRFLOW__CORE__DAGS_FOLDER={ROOT / 'dags'}")
    print(f"PYTHONPATH={_python_path()}")
    return 0
