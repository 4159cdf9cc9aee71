"""Read and write datestamps: UTC dates, or UTC times to the second.

https://www.openarchives.org/OAI/openarchivesprotocol.html#Dates
"""

from __future__ import annotations

from datetime import UTC, datetime


def parse_datestamp(text: str) -> datetime:
    """Parse a datestamp as a time in UTC; time, zone and fractions of a second are optional. Raises ValueError."""
    text = text.strip()
    parsed = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    try:
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is before year 1 or after year 9999 in UTC") from error


def is_datestamp(text: str) -> bool:
    """Return whether `parse_datestamp` can read the text."""
    try:
        parse_datestamp(text)
    except ValueError:
        return False
    return True


def format_datestamp(time: datetime, *, days: bool) -> str:
    """Format a UTC time at the server's granularity: YYYY-MM-DD if it has days only, else YYYY-MM-DDThh:mm:ssZ."""
    return f"{time.year:04d}-{time:%m-%d}" if days else f"{time.year:04d}-{time:%m-%dT%H:%M:%SZ}"


def format_since(time: datetime, form: str | None) -> str:
    """Format a UTC time as a feed file's since_format says: unix, unix_ms, or as strftime; None is to the second."""
    if form is None:
        return format_datestamp(time, days=False)
    if form in ("unix", "unix_ms"):
        return str(int(time.timestamp()) * (1000 if form == "unix_ms" else 1))
    return time.strftime(form.replace("%Y", f"{time.year:04d}"))
