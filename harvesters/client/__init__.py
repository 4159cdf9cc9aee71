"""Polite HTTP: the SSRF guard, retries, rate limits, redirects, credentials and bodies of every request."""

from harvesters.client.authorization import Credentials
from harvesters.client.connection import credentials, from_environment
from harvesters.client.http import Client, Reply, user_agent
from harvesters.client.status import printable_url

__all__ = [
    "Client",
    "Credentials",
    "Reply",
    "credentials",
    "from_environment",
    "printable_url",
    "user_agent",
]
