"""Credentials: they go to the scheme, host and port of the feed's url, and stand in nothing that is written down."""

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
from harvesters.client.origins import Origin, origin, without_userinfo
from harvesters.client.status import printable_url
from schemas import Feed, HarvestFailed, Page

_NAMES = r"login|password|token|header\.[!#$&'*+.^_`|~0-9A-Za-z-]+"
_PLACEHOLDER = re.compile(rf"(?:\{{|%7[Bb])({_NAMES})(?:\}}|%7[Dd])")
_WHOLE = re.compile(r"\{([\w.-]+)\}")
_NESTED_ENCODINGS = 8  # times that a character of a credential may be encoded once more
_SECRET_MIN_CHARS = 6  # shorter ones cannot be told from the words of a sentence


@dataclass(frozen=True)
class Credentials:
    """The credentials of one feed, bound to the origin of its url.

    Addresses are handled in their masked form, with {token} and the like in the place of credentials; `fill` puts
    the credentials in, for an address of the feed's own origin only.
    """

    feed: Feed
    values: Mapping[str, str]

    @cached_property
    def origin(self) -> Origin:
        """The only origin that they go to."""
        return origin(httpx.URL(self.feed.url))

    def belong_to(self, url: httpx.URL) -> bool:
        """Whether a request to this address may carry them."""
        return origin(url) == self.origin

    # reading addresses

    def read(self, address: str) -> httpx.URL:
        """Return the address in its masked form. Raises HarvestFailed when it is not one."""
        try:
            url = httpx.URL(address)
            url.host  # noqa: B018 httpx reads an international name when it is asked for it
        except (httpx.InvalidURL, UnicodeError) as error:
            raise failed("forbidden_address", f"{self.mask(address)!r} is not an address ({error})") from error
        return self.masked(url)

    def masked(self, url: httpx.URL) -> httpx.URL:
        """Return the address with placeholders for the credentials in its path and query, and nothing else secret."""
        url = without_userinfo(url).copy_with(fragment=None)
        path = url.raw_path.decode("ascii")
        hidden = self._hide(path, 1)
        return url if hidden == path else url.copy_with(raw_path=hidden.encode("ascii"))

    def mask(self, address: str) -> str:
        """Return an address that the partner named as it may be landed: masked, without userinfo."""
        scheme, slashes, rest = address.partition("://")
        if not slashes:
            return self._hide(address, 1)
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        host = authority.rpartition("@")[2]
        return f"{scheme}://{host}{self._hide(rest[len(authority) :], 1)}"

    def mask_token(self, token: str) -> str:
        """Return a cursor or resumption token as it may be landed; `fill` gives back exactly what it was."""
        names = {self.values[name]: name for name in self._secrets if len(self.values[name]) >= _SECRET_MIN_CHARS}
        if not names:
            return token
        return re.sub("|".join(map(re.escape, names)), lambda match: f"{{{names[match[0]]}}}", token)

    def printable_url(self, url: httpx.URL) -> str:
        """Return an address fit for a sentence, without query, user, password and credentials."""
        return self._hide(printable_url(url), 1)

    def written(self, url: httpx.URL) -> str:
        """Return a masked address as people and landing see it."""
        return _PLACEHOLDER.sub(lambda match: f"{{{match[1]}}}" if match[1] in self.values else match[0], str(url))

    # filling in

    def fill(self, declared: Any) -> Any:
        """Return a parameter or a body with the credentials in the place of {token} and the like."""
        if isinstance(declared, str):
            return _PLACEHOLDER.sub(lambda match: self._value(match[1]) if match[0][0] == "{" else match[0], declared)
        if isinstance(declared, Mapping):
            return {name: self.fill(value) for name, value in declared.items()}
        if isinstance(declared, list | tuple):
            return [self.fill(value) for value in declared]
        return declared

    def require(self) -> None:
        """Raise HarvestFailed when the feed file places a credential that the connection does not hold."""
        params = [value for value in self.feed.request.params.values() if isinstance(value, str)]
        whole = {match[1] for value in params if (match := _WHOLE.fullmatch(value))}
        for name in sorted(whole | self._placed):
            self._value(name)

    def filled(self, url: httpx.URL) -> httpx.URL:
        """Return a masked address as it is sent to the feed's own origin."""
        path = url.raw_path.decode("ascii")

        def value(match: re.Match[str]) -> str:
            return quote(self.values[match[1]], safe="") if match[1] in self.values else match[0]

        sent = _PLACEHOLDER.sub(value, path)
        return url if sent == path else url.copy_with(raw_path=sent.encode("ascii"))

    def dropped(self, url: httpx.URL) -> httpx.URL:
        """Return a masked address as it is sent elsewhere: without the parameters that hold a credential.

        Raises HarvestFailed when the path holds one: without it, it would be another address.
        """
        if self._holds(url.path):
            raise self._refusal(url, "its address holds a credential")
        sent = url.params.multi_items()
        kept = [pair for pair in sent if not self._holds("=".join(pair))]
        return url if len(kept) == len(sent) else url.copy_with(params=kept)

    def require_bare(self, url: httpx.URL, content: Any) -> None:
        """Raise HarvestFailed when a form or a body for another origin holds a credential."""
        if content and self._holds(msgspec.json.encode(content).decode()):
            raise self._refusal(url, "the request's body holds a credential")

    def authorize(self, request: httpx.Request) -> None:
        """Give a request its credentials; only for the feed's own origin."""
        for name, value in self.values.items():
            if name.startswith("header."):
                request.headers[name.removeprefix("header.")] = value
        if "login" in self.values:
            basic = httpx.BasicAuth(self.values["login"], self.values.get("password", ""))
            next(basic.auth_flow(request))
        elif "token" in self.values and "token" not in self._placed:
            request.headers["Authorization"] = f"Bearer {self.values['token']}"

    # telling

    def withheld(self, url: httpx.URL) -> str:
        """Say that a request goes without credentials, and why."""
        return (
            f"{self.printable_url(url)} is not at {self.origin}, as the feed's url is: credentials were not sent there"
        )

    def advice(self, url: httpx.URL) -> str:
        """Say what to do about an address at another origin."""
        there = origin(url)
        if there.host != self.origin.host or there.scheme == self.origin.scheme:
            return (
                f"If the list is at {there} now, put that into the feed's url; else ask the partner to serve all of it "
                f"at {self.origin}."
            )
        if there.scheme == "https":
            return f"Let the feed's url begin with {there}."
        return f"Ask the partner to name its addresses, and to redirect, with {self.origin}."

    def scrub(self, page: Page) -> Page:
        """Return the page without credentials in what is told beside its records."""
        if not self._secrets:
            return page
        replace, hide = msgspec.structs.replace, self.hide
        return replace(
            page,
            notes=tuple(hide(note) for note in page.notes),
            skipped=tuple(replace(one, reason=hide(one.reason)) for one in page.skipped),
            raw=tuple(replace(one, url=hide(one.url), reason=hide(one.reason)) for one in page.raw),
            validators={hide(url): known for url, known in page.validators.items()},
        )

    def amend_failure(self, failure: HarvestFailed, notes: list[str]) -> None:
        """Take credentials out of a failure's sentence, and add the notes to it."""
        failure.sentence = " ".join([self.hide(failure.sentence), *(f"Note: {note}." for note in notes)])
        failure.args = (f"{failure.cause}: {failure.sentence}",)

    def hide(self, sentence: str) -> str:
        """Return a sentence without the credentials in it."""
        text = self._hide(sentence, _SECRET_MIN_CHARS)
        for name in self._secrets:  # a host is told in small letters, so a credential in its place is too
            if len(self.values[name]) >= _SECRET_MIN_CHARS:
                text = _pattern(self.values[name], re.IGNORECASE).sub(_constant(f"{{{name}}}"), text)
        return text

    # what is secret

    @cached_property
    def _secrets(self) -> dict[str, re.Pattern[str]]:
        """How each credential looks in a text, longest first; a login's name is none, nor what the feed's url says."""
        secret = {
            name: value
            for name, value in self.values.items()
            if name != "login" and value and value not in unquote(self.feed.url)
        }
        return {name: _pattern(secret[name]) for name in sorted(secret, key=lambda name: -len(secret[name]))}

    @cached_property
    def _placed(self) -> frozenset[str]:
        """The names of the credentials that the feed file says the place of."""
        request = self.feed.request
        places = msgspec.json.encode([self.feed.url, request.params, request.body]).decode()
        return frozenset(match[1] for match in _PLACEHOLDER.finditer(places))

    def _hide(self, text: str, least: int) -> str:
        for name, pattern in self._secrets.items():
            if len(self.values[name]) >= least:
                text = pattern.sub(_constant(f"{{{name}}}"), text)
        return text

    def _holds(self, text: str) -> bool:
        placed = any(match[1] in self.values for match in _PLACEHOLDER.finditer(text))
        return placed or any(pattern.search(text) for pattern in self._secrets.values())

    def _value(self, name: str) -> str:
        if name not in self.values:
            raise failed("blocked", f"the feed needs the credential {name!r}, and its connection has none")
        return self.values[name]

    def _refusal(self, url: httpx.URL, why: str) -> HarvestFailed:
        there = self.printable_url(url)
        what = f"{there} is not at {self.origin}, as the feed's url is, and {why}, so that it was not asked"
        return failed("moved", what, self.advice(url))


def _pattern(value: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Compile how a credential looks in an address or a sentence: as a word, its characters plain or percent-encoded.

    Addresses inside addresses (`?next=…`) are encoded again, so that "%" may be "%25", "%2525" and so on.
    """
    forms = []
    for character in value:
        encoded = "".join(f"%{byte:02x}" for byte in character.encode())
        plus = r"|\+" if character == " " else ""
        nested = encoded.replace("%", f"%(?:25){{0,{_NESTED_ENCODINGS}}}")
        forms.append(f"(?:{re.escape(character)}|(?i:{nested}){plus})")
    begin = r"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2})|(?<=25[0-9A-Fa-f]{2}))"
    return re.compile(rf"{begin}{''.join(forms)}(?![0-9A-Za-z}}]|%(?:25){{0,{_NESTED_ENCODINGS}}}7[Dd])", flags)


def _constant(text: str) -> Callable[[re.Match[str]], str]:
    return lambda match: text
