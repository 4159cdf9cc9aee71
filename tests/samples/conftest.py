"""The sample server, once for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from samples import ReplayServer

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
sys.path.insert(0, str(Path(__file__).parent))  # for walking.py, under every import mode


@pytest.fixture(scope="session")
def server() -> Iterator[ReplayServer]:
    with ReplayServer(SAMPLES) as replay:
        yield replay


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30, trust_env=False) as http_client:
        yield http_client
