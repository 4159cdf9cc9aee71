"""Read secrets from files, so that no password stands in an environment, a unit or a container's description.

A variable may be given as a file: NAME_FILE=/run/secrets/name stands for NAME=<what the file holds>. It is one
mechanism for every setting of ours, for Airflow's secrets and connections, and for the credentials of object stores.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

_ENDING = "_FILE"
_OURS = "ELIB_"
_CONNECTIONS = "AIRFLOW_CONN_"
_OTHERS = frozenset(
    {
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__CELERY__BROKER_URL",
        "AIRFLOW__CELERY__RESULT_BACKEND",
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    }
)  # not every name: AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE is a setting of Airflow's own
_MAX_SECRET_BYTES = 65_536


class BadSecretFile(ValueError):
    """A secret cannot be read from its file: which variable, which file, why, and what to do."""

    def __init__(self, variable: str, path: str, why: str) -> None:
        super().__init__(f"{variable}={path}: {why}")


def read_secret_files(variables: MutableMapping[str, str]) -> None:
    """Put what the files of NAME_FILE variables hold, without white space around it, into NAME; remove NAME_FILE.

    Processes that this one starts inherit the secrets and need no file. Raises BadSecretFile, and changes nothing then.
    """
    secrets = {name: _read(name, variables) for name in sorted(variables) if _names_a_secret(name) and variables[name]}
    for name, secret in secrets.items():
        variables[name.removesuffix(_ENDING)] = secret
        del variables[name]


def _names_a_secret(name: str) -> bool:
    variable = name.removesuffix(_ENDING)
    return variable != name and (variable.startswith((_OURS, _CONNECTIONS)) or variable in _OTHERS)


def _read(name: str, variables: MutableMapping[str, str]) -> str:
    path, variable = variables[name], name.removesuffix(_ENDING)
    if variables.get(variable):
        raise BadSecretFile(name, path, f"{variable} is set too; keep one of the two")
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_SECRET_BYTES + 1)
        secret = content.decode().strip()
    except OSError as error:
        raise BadSecretFile(name, path, f"{error.strerror}; give this user a file that it can read") from error
    except UnicodeDecodeError as error:
        raise BadSecretFile(name, path, "it is not UTF-8 text; write the secret alone into it") from error
    if not secret or len(content) > _MAX_SECRET_BYTES or not secret.isprintable():
        raise BadSecretFile(name, path, "it must hold one secret on one line; it is empty, too long or has other lines")
    return secret
