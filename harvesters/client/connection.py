"""Credentials of a feed from the environment, in the form that Airflow gives its connections: AIRFLOW_CONN_<ID>.

https://airflow.apache.org/docs/apache-airflow/stable/howto/connection.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from harvesters.causes import failed


def from_environment(connection: str | None, variables: Mapping[str, str]) -> dict[str, str]:
    """login, password, token and header.<Name> of a connection; nothing when the feed names none or it is not set.

    Raises HarvestFailed("blocked") for a connection that cannot be read.
    """
    said = variables.get(f"AIRFLOW_CONN_{connection.upper()}") if connection else None
    if not said:
        return {}
    if said.lstrip().startswith("{"):
        try:
            told = json.loads(said)
            extra = _read_extra(told.get("extra"))
        except ValueError as error:
            name = f"AIRFLOW_CONN_{(connection or '').upper()}"
            raise failed("blocked", f"{name} in the environment begins like JSON and is none ({error})") from None
        return credentials(told.get("login"), told.get("password"), extra)
    url = urlsplit(said)
    query = dict(parse_qsl(url.query, keep_blank_values=True))  # an address's extra, as Airflow reads it
    try:
        extra = _read_extra(query["__extra__"]) if "__extra__" in query else query
    except ValueError as error:
        name = f"AIRFLOW_CONN_{(connection or '').upper()}"
        raise failed("blocked", f"{name} in the environment has an __extra__ that cannot be read ({error})") from None
    return credentials(unquote(url.username or ""), unquote(url.password or ""), extra)


def _read_extra(extra: object) -> Mapping[str, object]:
    """The extra of a connection, which may be JSON in a string. Raises ValueError."""
    read = json.loads(extra) if isinstance(extra, str) and extra else extra or {}
    if not isinstance(read, dict):
        raise ValueError("extra is not a JSON object")
    return read


def credentials(login: str | None, password: str | None, extra: Mapping[str, object]) -> dict[str, str]:
    """What a connection holds in the terms of schemas.Ask; a password without a login is a token."""
    found = {name: str(value) for name, value in extra.items() if name == "token" or name.startswith("header.")}
    if login:
        found |= {"login": login, "password": password or ""}
    elif password:
        found.setdefault("token", password)
    return found
