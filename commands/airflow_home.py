"""The environment that Airflow runs in: folders under ELIB_HOME, one metadata database, generated secrets.

Nothing here imports airflow: these variables must stand before it is imported. A variable that the operator has set
already is left as it is, so that a production Airflow keeps its own database, executor and secrets.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from schemas import ROOT, Environment


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


SECRETS = {
    "AIRFLOW__API_AUTH__JWT_SECRET": lambda: secrets.token_urlsafe(48),
    "AIRFLOW__API__SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "AIRFLOW__CORE__FERNET_KEY": _fernet_key,
}


def prepare(env: Environment, *, feeds: Path | None = None) -> dict[str, str]:
    """Set the variables that Airflow and its tasks need in this process, and return them."""
    airflow_home = env.home / "airflow"
    airflow_home.mkdir(parents=True, exist_ok=True)
    _for_us_only(airflow_home / "passwords.json")
    port = os.environ.get("AIRFLOW__API__PORT", "8080")
    wanted = {
        "ELIB_HOME": str(env.home),
        "ELIB_CATALOG_URL": env.catalog_url,
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW_HOME": str(airflow_home),
        "AIRFLOW_CONFIG": str(ROOT / "airflow.cfg"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(airflow_home / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(airflow_home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{airflow_home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(airflow_home / "logs"),
        "PYTHONPATH": _python_path(),
        **read_secrets(airflow_home / "secrets.env"),
    }
    for name, value in wanted.items():
        os.environ[name] = value if name == "PYTHONPATH" else os.environ.get(name) or value
    os.environ["ELIB_FEEDS"] = str(feeds or env.feeds)
    return {name: os.environ[name] for name in [*wanted, "ELIB_FEEDS"]}


def _for_us_only(path: Path) -> None:
    """A file that Airflow writes the admin's password into, and that nobody else may read."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    path.chmod(0o600)


def read_secrets(path: Path) -> dict[str, str]:
    """The secrets that all Airflow components share; made on first use, readable by this user only.

    Whole when it appears, also when a process is killed meanwhile or two begin at once. Raises ValueError when one of
    them is missing.
    """
    if not path.exists():
        text = "".join(f"{name}={make()}\n" for name, make in SECRETS.items())
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        try:
            os.link(beside, path)
        except FileExistsError:  # another process was quicker: its secrets are everybody's
            pass
        except OSError:  # a disk without links
            beside.rename(path)
        beside.unlink(missing_ok=True)
    read = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    missing = [name for name in SECRETS if not read.get(name)]
    if missing:
        again = "put it back, or delete the file: all are made anew, and Airflow's connections must be entered again"
        raise ValueError(f"{path} lacks {', '.join(missing)}; {again}")
    return read


def _python_path() -> str:
    """The checkout first: Airflow puts only the dags folder on sys.path."""
    rest = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != str(ROOT)]
    return os.pathsep.join([str(ROOT), *rest])
