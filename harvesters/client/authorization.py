"""Credentials: they are sent to the scheme, host and port of the feed's url only, and are written down nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

import httpx
import msgspec

from harvesters.causes import failed
from harvesters.client.origins import ServerOrigin, origin_of, printable_url, without_userinfo
from harvesters.client.urls import InvalidUrl, parse_url
from schemas import Feed, HarvestFailed, Page

_NAMES = r"login|password|token|header\.[!#$&'*+.^_`|~0-9A-Za-z-]+"
_PLACEHOLDER = re.compile(rf"(?:\{{|%7[Bb])({_NAMES})(?:\}}|%7[Dd])")
_WHOLE_PLACEHOLDER = re.compile(r"\{([\w.-]+)\}")
_MAX_NESTED_ENCODINGS = 8  # how often a "%" of a percent-encoded credential may itself be encoded
_SECRET_MIN_CHARS = 6  # shorter ones look like words of a sentence


@dataclass(frozen=True)
class Credentials:
    """The credentials of one feed, bound to the origin of its url.

    `values` are login, password, token and header.<Name>. Everything but the request itself holds URLs in masked form,
    with placeholders such as {token} instead of credentials; `fill_url` and `fill` put the credentials in.
    """

    feed: Feed
    values: Mapping[str, str]

    @cached_property
    def origin(self) -> ServerOrigin:
        """The only origin that they are sent to."""
        return origin_of(httpx.URL(self.feed.url))

    def belong_to(self, url: httpx.URL) -> bool:
        """Return whether a request to this URL may carry the credentials."""
        return origin_of(url) == self.origin

    # masking: what is landed, noted or written in an error

    def parse_url(self, address: str) -> httpx.URL:
        """Parse a URL and mask it. Raises HarvestFailed("forbidden_address") when it is not valid."""
        try:
            url = parse_url(address)
        except InvalidUrl as error:
            raise failed("forbidden_address", f"{self.mask(address)!r} is not a valid URL ({error})") from error
        return self.mask_url(url)

    def mask_url(self, url: httpx.URL) -> httpx.URL:
        """Return the URL with placeholders for credentials in path and query, without userinfo and fragment."""
        url = without_userinfo(url).copy_with(fragment=None)
        path = url.raw_path.decode("ascii")
        masked = self._mask(path, 1)
        return url if masked == path else url.copy_with(raw_path=masked.encode("ascii"))

    def mask(self, address: str) -> str:
        """Return an address that the partner named, valid or not, masked and without userinfo."""
        scheme, slashes, rest = address.partition("://")
        if not slashes:
            return self._mask(address, 1)
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        host = authority.rpartition("@")[2]
        return f"{scheme}://{host}{self._mask(rest[len(authority) :], 1)}"

    def mask_token(self, token: str) -> str:
        """Return a cursor or resumption token with placeholders; `fill` restores it exactly."""
        names = {self.values[name]: name for name in self._secrets if len(self.values[name]) >= _SECRET_MIN_CHARS}
        if not names:
            return token
        return re.sub("|".join(map(re.escape, names)), lambda match: f"{{{names[match[0]]}}}", token)

    def printable_url(self, url: httpx.URL) -> str:
        """Return a URL for a sentence: masked, without query, user and password."""
        return self._mask(printable_url(url), 1)

    def landed_url(self, url: httpx.URL) -> str:
        """Return a masked URL as it is landed: its placeholders are readable, not percent-encoded."""
        return _PLACEHOLDER.sub(lambda match: f"{{{match[1]}}}" if match[1] in self.values else match[0], str(url))

    def hide(self, sentence: str) -> str:
        """Return a sentence with placeholders instead of credentials."""
        masked = self._mask(sentence, _SECRET_MIN_CHARS)
        for name in self._secrets:  # a host is printed in lower case, and a credential in its place, too
            if len(self.values[name]) >= _SECRET_MIN_CHARS:
                masked = _pattern(self.values[name], re.IGNORECASE).sub(_constant(f"{{{name}}}"), masked)
        return masked

    def scrub(self, page: Page) -> Page:
        """Return the page with credentials hidden in everything but its records."""
        if not self._secrets:
            return page
        replace, hide = msgspec.structs.replace, self.hide
        return replace(
            page,
            notes=tuple(hide(note) for note in page.notes),
            skipped=tuple(replace(skipped, reason=hide(skipped.reason)) for skipped in page.skipped),
            raw=tuple(replace(raw, url=hide(raw.url), reason=hide(raw.reason)) for raw in page.raw),
            validators={hide(url): validator for url, validator in page.validators.items()},
        )

    def amend_failure(self, failure: HarvestFailed, notes: list[str]) -> None:
        """Hide credentials in a failure's sentence, and add the notes to it."""
        failure.sentence = " ".join([self.hide(failure.sentence), *(f"Note: {note}." for note in notes)])
        failure.args = (f"{failure.cause}: {failure.sentence}",)

    # sending: the request itself

    def require_declared(self) -> None:
        """Raise HarvestFailed("blocked") when the feed file uses a credential that the connection lacks."""
        params = [value for value in self.feed.request.params.values() if isinstance(value, str)]
        whole = {match[1] for value in params if (match := _WHOLE_PLACEHOLDER.fullmatch(value))}
        for name in sorted(whole | self._placed):
            self._value(name)

    def fill(self, declared: Any) -> Any:
        """Return a parameter, form or body with its placeholders filled in."""
        if isinstance(declared, str):
            return _PLACEHOLDER.sub(lambda match: self._value(match[1]) if match[0][0] == "{" else match[0], declared)
        if isinstance(declared, Mapping):
            return {name: self.fill(value) for name, value in declared.items()}
        if isinstance(declared, list | tuple):
            return [self.fill(value) for value in declared]
        return declared

    def fill_url(self, url: httpx.URL) -> httpx.URL:
        """Return a masked URL with its placeholders filled in, for the feed's own origin."""
        path = url.raw_path.decode("ascii")

        def value(match: re.Match[str]) -> str:
            return quote(self.values[match[1]], safe="") if match[1] in self.values else match[0]

        filled = _PLACEHOLDER.sub(value, path)
        return url if filled == path else url.copy_with(raw_path=filled.encode("ascii"))

    def strip_url(self, url: httpx.URL) -> httpx.URL:
        """Return a masked URL without the parameters that hold a credential, for another origin.

        Raises HarvestFailed("moved") when the path holds one: without it, it would be another URL.
        """
        if self._holds(url.path):
            raise self._not_sent(url, "its address holds a credential")
        params = url.params.multi_items()
        kept = [pair for pair in params if not self._holds("=".join(pair))]
        return url if len(kept) == len(params) else url.copy_with(params=kept)

    def require_none_in(self, content: Any, url: httpx.URL) -> None:
        """Raise HarvestFailed("moved") when a form or body for another origin holds a credential."""
        if content and self._holds(msgspec.json.encode(content).decode()):
            raise self._not_sent(url, "the request's body holds a credential")

    def authorize(self, request: httpx.Request) -> None:
        """Add the credentials that are sent in headers, for the feed's own origin."""
        for name, value in self.values.items():
            if name.startswith("header."):
                request.headers[name.removeprefix("header.")] = value
        if "login" in self.values:
            basic = httpx.BasicAuth(self.values["login"], self.values.get("password", ""))
            next(basic.auth_flow(request))
        elif "token" in self.values and "token" not in self._placed:
            request.headers["Authorization"] = f"Bearer {self.values['token']}"

    # sentences about another origin

    def withheld_note(self, url: httpx.URL) -> str:
        """Say that a request was sent without credentials, and why."""
        return (
            f"{self.printable_url(url)} is not at {self.origin}, as the feed's url is: credentials were not sent there"
        )

    def advice(self, url: httpx.URL) -> str:
        """Say what to do about a URL at another origin."""
        other = origin_of(url)
        if other.host != self.origin.host or other.scheme == self.origin.scheme:
            return (
                f"If the list is at {other} now, put that into the feed's url; else ask the partner to serve all of it "
                f"at {self.origin}."
            )
        if other.scheme == "https":
            return f"Let the feed's url begin with {other}."
        return f"Ask the partner to name its addresses, and to redirect, with {self.origin}."

    def _not_sent(self, url: httpx.URL, why: str) -> HarvestFailed:
        where = f"{self.printable_url(url)} is not at {self.origin}, as the feed's url is"
        return failed("moved", f"{where}, and {why}, so that it was not asked", self.advice(url))

    # what is secret

    @cached_property
    def _secrets(self) -> dict[str, re.Pattern[str]]:
        """The pattern of each secret, longest secret first; a login is not secret, nor is what the feed's url holds."""
        secrets = {
            name: value
            for name, value in self.values.items()
            if name != "login" and value and value not in unquote(self.feed.url)
        }
        return {name: _pattern(secrets[name]) for name in sorted(secrets, key=lambda name: -len(secrets[name]))}

    @cached_property
    def _placed(self) -> frozenset[str]:
        """The names of the credentials that the feed file has a placeholder for."""
        request = self.feed.request
        declared = msgspec.json.encode([self.feed.url, request.params, request.body]).decode()
        return frozenset(match[1] for match in _PLACEHOLDER.finditer(declared))

    def _mask(self, text: str, min_chars: int) -> str:
        for name, pattern in self._secrets.items():
            if len(self.values[name]) >= min_chars:
                text = pattern.sub(_constant(f"{{{name}}}"), text)
        return text

    def _holds(self, text: str) -> bool:
        placed = any(match[1] in self.values for match in _PLACEHOLDER.finditer(text))
        return placed or any(pattern.search(text) for pattern in self._secrets.values())

    def _value(self, name: str) -> str:
        if name not in self.values:
            raise failed("blocked", f"the feed needs the credential {name!r}, and its connection has none")
        return self.values[name]


def _pattern(value: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Compile how a credential looks in an address or a sentence: as a word, its characters plain or percent-encoded.

    Addresses inside addresses (`?next=…`) are encoded again, so that "%" may be "%25", "%2525" and so on.
    """
    forms = []
    for character in value:
        encoded = "".join(f"%{byte:02x}" for byte in character.encode())
        plus = r"|\+" if character == " " else ""
        nested = encoded.replace("%", f"%(?:25){{0,{_MAX_NESTED_ENCODINGS}}}")
        forms.append(f"(?:{re.escape(character)}|(?i:{nested}){plus})")
    begin = r"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2})|(?<=25[0-9A-Fa-f]{2}))"
    end = rf"(?![0-9A-Za-z}}]|%(?:25){{0,{_MAX_NESTED_ENCODINGS}}}7[Dd])"
    return re.compile(f"{begin}{''.join(forms)}{end}", flags)


def _constant(text: str) -> Callable[[re.Match[str]], str]:
    return lambda match: text
