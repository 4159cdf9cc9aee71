"""Detect which source answers at an address."""

from __future__ import annotations

from pathlib import Path

from pipeline.detection.found import Detection, Trouble
from pipeline.sentences import sentence
from schemas import Base, Environment


class DetectionBounds(Base, frozen=True, kw_only=True):
    """What one detection may cost, over all of its requests."""

    requests: int = 25
    seconds: float = 30
    rate: float = 2  # requests per second to one host
    max_bytes: int = 8 * 1024 * 1024  # of one response, decompressed


def detect(address: str, env: Environment, *, bounds: DetectionBounds | None = None) -> Detection:
    """Return what answers at an address that a person typed; never raises because of it or of the server.

    The requests go through `harvesters.client`: `env.allow_private` names the hosts that need not be public.
    """
    return Detection(address=address, trouble=_NOT_YET)


def detect_file(path: Path, name: str) -> Detection:
    """Return what an uploaded file holds; `name` is what its owner calls it. Never raises because of the file.

    The url of a proposal is `inbox:` and the name: keep the file there under ELIB_HOME/inbox before it is harvested.
    """
    return Detection(address=name, trouble=_NOT_YET)


_NOT_YET = Trouble(
    what=sentence("Nothing was recognised."),
    advice=sentence("Give the address of the list of records itself."),
)
