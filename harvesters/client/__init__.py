"""Polite HTTP: SSRF guard, limits per host, retries, redirects, and credentials for the feed's own origin only."""

from harvesters.client.addresses import leads_inside
from harvesters.client.authorization import Credentials
from harvesters.client.connection import credentials, from_environment
from harvesters.client.http import Client, Reply, user_agent
from harvesters.client.origins import is_same_origin, printable_url
from harvesters.client.retries import parse_retry_after
from harvesters.client.skipped_pages import SkippedPages
from harvesters.client.traffic import Traffic, counted_traffic
from harvesters.client.urls import join_address

__all__ = [
    "Client",
    "Credentials",
    "Reply",
    "SkippedPages",
    "Traffic",
    "counted_traffic",
    "credentials",
    "from_environment",
    "is_same_origin",
    "join_address",
    "leads_inside",
    "parse_retry_after",
    "printable_url",
    "user_agent",
]
