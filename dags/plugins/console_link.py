"""A link to the console in Airflow's navigation."""

from __future__ import annotations

import os

from airflow.plugins_manager import AirflowPlugin

_WEB = os.environ.get("ELIB_WEB_URL", "").rstrip("/") or f"http://127.0.0.1:{os.environ.get('ELIB_WEB_PORT', '8081')}"


class ConsoleLink(AirflowPlugin):
    """Shows the E-library's console under Browse; without a category Airflow's button would lead nowhere."""

    name = "elib_console"
    external_views = [
        {"name": "E-library console", "href": f"{_WEB}/console", "destination": "nav", "category": "browse"}
    ]
