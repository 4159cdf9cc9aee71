"""Read a feed's credentials from the environment, where Airflow keeps its connections: AIRFLOW_CONN_<ID>.

https://airflow.apache.org/docs/apache-airflow/stable/howto/connection.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from harvesters.causes import failed


def from_environment(connection: str | None, variables: Mapping[str, str]) -> dict[str, str]:
    """Return login, password, token and header.<Name> of a connection; {} if it is None or not set.

    Raises HarvestFailed("blocked") for a connection that cannot be parsed.
    """
    variable = f"AIRFLOW_CONN_{(connection or '').upper()}"
    text = variables.get(variable) if connection else None
    if not text:
        return {}
    try:
        return _from_json(text) if text.lstrip().startswith("{") else _from_url(text)
    except ValueError as error:
        raise failed("blocked", f"the environment variable {variable} {error}") from None


def _from_json(text: str) -> dict[str, str]:
    try:
        fields = json.loads(text)
        extra = _parse_extra(fields.get("extra"))
    except ValueError as error:
        raise ValueError(f"is not valid JSON ({error})") from None
    return credentials(fields.get("login"), fields.get("password"), extra)


def _from_url(text: str) -> dict[str, str]:
    try:
        url = urlsplit(text)
    except ValueError:  # its message may quote the password
        raise ValueError("is not a valid URL") from None
    query = dict(parse_qsl(url.query, keep_blank_values=True))  # Airflow reads extra from the query
    try:
        extra = _parse_extra(query["__extra__"]) if "__extra__" in query else query
    except ValueError as error:
        raise ValueError(f"has an __extra__ that is not valid JSON ({error})") from None
    return credentials(unquote(url.username or ""), unquote(url.password or ""), extra)


def _parse_extra(extra: object) -> Mapping[str, object]:
    """Parse the extra of a connection, which may be JSON in a string. Raises ValueError."""
    parsed = json.loads(extra) if isinstance(extra, str) and extra else extra or {}
    if not isinstance(parsed, dict):
        raise ValueError("extra is not a JSON object")
    return parsed


def credentials(login: str | None, password: str | None, extra: Mapping[str, object]) -> dict[str, str]:
    """Return a connection's fields as `schemas.Ask.credentials`; a password without a login is a token."""
    values = {name: str(value) for name, value in extra.items() if name == "token" or name.startswith("header.")}
    if login:
        values |= {"login": login, "password": password or ""}
    elif password:
        values.setdefault("token", password)
    return values
