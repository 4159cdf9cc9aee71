"""No request that the application's own description allows, or forbids, is answered by a fault of ours."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loaders.accounts import add_account
from loaders.store import engine
from pipeline import catalog as tasks_catalog
from schemas import environment
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import PASSWORD, PASSWORD_HASH, STEWARD, Browser
from tests.web.hostile import PAYLOADS
from web import create_app
from web.settings import WebSettings

_EXAMPLES = 12  # of each operation
_SENT = ("params", "headers", "json", "cookies")
_TEMPLATES = Path(create_app.__globals__["__file__"]).parent / "templates"
_FIELDS = sorted(
    {name for path in _TEMPLATES.rglob("*.html") for name in re.findall(r'name="(\w+)"', path.read_text())}
)
_WORDS = (
    st.text(max_size=30) | st.sampled_from(PAYLOADS) | st.sampled_from(("books", "books:0", "1", "-1", "url", "try"))
)
_FORMS = st.dictionaries(st.sampled_from(_FIELDS), _WORDS, max_size=12)


def test_no_request_is_answered_by_a_fault_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELIB_HOME", str(tmp_path))
    monkeypatch.setenv("ELIB_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    env = environment()
    app = create_app(env, WebSettings(secret="s" * 40))
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
    declare(env, "books")
    night(env, "books", [listed("books", number) for number in range(3)])
    tasks_catalog.publish_now()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an operation listed twice
        schema = schemathesis.openapi.from_dict(app.openapi())
    (api,) = (route.app for route in app.routes if getattr(route, "path", "") == "/api")
    api_schema = schemathesis.openapi.from_dict({**api.openapi(), "servers": [{"url": "/api"}]})
    tried: dict[str, int] = {}
    with Browser(app, base_url="http://127.0.0.1:8081", raise_server_exceptions=False) as browser:
        browser.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
        token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/console").text)[0]
        for result in schema.get_all_operations():
            _try(result.ok(), browser, token, tried)
        for result in api_schema.get_all_operations():
            _try(result.ok(), browser, token, tried, base="/api")
    engine(env).dispose()
    assert len(tried) > 20 and sum(tried.values()) > 10 * len(tried), tried


def _try(operation: Any, browser: Browser, token: str, tried: dict[str, int], base: str = "") -> None:
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), form=_FORMS)
    def answered(case: schemathesis.Case, form: dict[str, str]) -> None:
        label = operation.label
        tried[label] = tried.get(label, 0) + 1
        sent = {name: value for name, value in case.as_transport_kwargs().items() if name in _SENT and value}
        if case.method == "POST":
            sent["data"] = {**form, "csrf_token": token}
        answer = browser.request(case.method, base + case.formatted_path, follow_redirects=False, **sent)
        assert answer.status_code < 500, (label, answer.status_code, answer.text[-400:])

    answered()
