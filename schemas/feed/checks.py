"""Check what types cannot: values of a feed file that are impossible, and keys that do not go together."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from typing import Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.license_names import names_license, names_metadata_license
from schemas.protocols import PROTOCOLS, Protocol
from schemas.sentences import Mistake, Sentence, sentence
from schemas.vocabulary import read_vocabulary

_Keys = Mapping[str, Any]  # of a feed file, with the defaults filled in
_QUIET_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d(?: (\S+))?")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # https://www.rfc-editor.org/rfc/rfc9110#name-tokens
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
# https://www.openarchives.org/OAI/2.0/OAI-PMH.xsd, metadataPrefixType
_METADATA_PREFIX = re.compile(r"[A-Za-z0-9\-_.!~*'()]+")
_SECRET_HEADER = re.compile(
    r"auth(?!or(?!i[sz]))|cookie|token|secret|passw|credential|api-?key|subscription-key", re.IGNORECASE
)
_CREDENTIAL_PLACEHOLDER = re.compile(r"\{(?:login|password|token|header\.[^{}]*)\}")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_FIELD_PATH = re.compile(r"[^\s.{}\[\]!\"'<>^=]+(?:\.[^\s.{}\[\]!\"'<>^=]+)*")
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_DIRECTIVES = frozenset("YmdHMSyjb%")  # of strftime: those that every platform and language writes alike
_RANDOM_FIELD = re.compile(r"(?<![A-Za-z])[RH](?![A-Za-z])")  # croniter draws such fields anew at each reading
_TEXT_KEYS = (
    *("title", "partner", "prefix", "default_license", "metadata_license", "default_language"),
    *("dialect", "connection"),
)
_PRIVATE_LANGUAGE = re.compile(r"(q[a-t][a-z]|x)(-.*)?")  # https://www.rfc-editor.org/rfc/rfc5646#section-2.2.1

_EMPTY_NAME = sentence("holds an empty name; remove it")


def mistakes_of(feed: _Keys, wrong_keys: Set[str] = frozenset()) -> list[Mistake]:
    """Return one sentence per mistake: the key, what is wrong with it, and what to do.

    `wrong_keys` are known to be wrong already: nothing is said about them, nor about keys that depend on them.
    """
    checks = [check for check, depends_on in _CHECKS.items() if not any(_within(key, depends_on) for key in wrong_keys)]
    mistakes = [mistake for check in checks for mistake in check(feed)]
    return [mistake for mistake in mistakes if not _within(mistake.key, wrong_keys)]


def _traits(feed: _Keys) -> Protocol:
    return PROTOCOLS[feed["protocol"]]


def _within(key: str, keys: Collection[str]) -> bool:
    return any(key == other or key.startswith(f"{other}.") for other in keys)


def _check_url(feed: _Keys) -> Iterator[Mistake]:
    url, may_be_inbox = feed["url"], _traits(feed).reads_inbox
    if may_be_inbox and url.startswith("inbox:") and url.removeprefix("inbox:").strip():
        return
    if not _is_web_address(url):
        if may_be_inbox:
            yield Mistake(
                "url",
                sentence(
                    "%(value)s is not a valid URL; use http:// or https://, or inbox:NAME for files in ELIB_HOME/inbox",
                    value=repr(url),
                ),
            )
        else:
            yield Mistake("url", sentence("%(value)s is not a valid URL; use http:// or https://", value=repr(url)))
    elif urlsplit(url).username or urlsplit(url).password:
        yield Mistake("url", sentence("holds a user or a password; name an Airflow connection in connection instead"))


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    well_formed = not _CONTROL_CHARACTER.search(url) and " " not in parts.netloc and port != 0
    return well_formed and parts.scheme in ("http", "https") and bool(parts.hostname)


def _check_format(feed: _Keys) -> Iterator[Mistake]:
    if not feed["format"]:
        yield Mistake(
            "format",
            sentence(
                "required for %(protocol)s; give %(example)s",
                protocol=feed["protocol"],
                example=_traits(feed).format_example,
            ),
        )


def _check_identifier(feed: _Keys) -> Iterator[Mistake]:
    if _traits(feed).needs_identifier and not feed["identifier"]:
        yield Mistake(
            "identifier",
            sentence(
                "required for %(protocol)s; name the field, or fields, that identify a record",
                protocol=feed["protocol"],
            ),
        )
    if any(not name.strip() for name in feed["identifier"]):
        yield Mistake("identifier", _EMPTY_NAME)


def _check_texts(feed: _Keys) -> Iterator[Mistake]:
    for key in _TEXT_KEYS:
        if feed[key] is not None and not feed[key].strip():
            yield Mistake(key, sentence("is empty; give it a value or remove the key"))
        elif _CONTROL_CHARACTER.search(feed[key] or ""):
            yield Mistake(key, sentence("%(value)s holds a control character; remove it", value=repr(feed[key])))


def _check_defaults(feed: _Keys) -> Iterator[Mistake]:
    language = feed["default_language"]
    if language and language.strip() and not _is_language(language):
        yield Mistake("default_language", _no_language(language))
    license_name = feed["default_license"]
    if license_name and license_name.strip() and not names_license(license_name):
        yield Mistake(
            "default_license",
            sentence(
                "%(value)s is not a known licence; use its URL, or a name such as CC-BY-4.0", value=repr(license_name)
            ),
        )
    license_name = feed["metadata_license"]
    if license_name and license_name.strip() and not names_metadata_license(license_name):
        yield Mistake(
            "metadata_license",
            sentence(
                "%(value)s is not a known licence of metadata; "
                "use CC0-1.0, or a licence with its version such as CC-BY-4.0",
                value=repr(license_name),
            ),
        )


def _no_language(text: str) -> Sentence:
    return sentence("%(value)s is not a language tag; use one such as en, ar or sr-Latn", value=repr(text))


def _is_language(text: str) -> bool:
    """Whether it is a tag of BCP 47, or a code of languages.toml, and names one language."""
    import langcodes

    languages, code = read_vocabulary("languages"), text.strip().casefold().replace("_", "-")
    if code in languages["codes"]:
        return True
    if code in languages["placeholders"] or _PRIVATE_LANGUAGE.fullmatch(code):
        return False
    return bool(langcodes.tag_is_valid(code))


def _check_sets(feed: _Keys) -> Iterator[Mistake]:
    if any(not name.strip() for name in feed["sets"]):
        yield Mistake("sets", _EMPTY_NAME)
    if feed["sets"] and not _traits(feed).has_sets:
        yield Mistake(
            "sets",
            sentence(
                "only oai_pmh has sets; remove the key, or narrow %(protocol)s with [request] params",
                protocol=feed["protocol"],
            ),
        )
    if any(not name.strip() for name in feed["exclude_sets"]):
        yield Mistake("exclude_sets", _EMPTY_NAME)
    if feed["exclude_sets"] and not _traits(feed).has_sets:
        yield Mistake("exclude_sets", sentence("only oai_pmh has sets; remove the key"))
    if both := sorted({*feed["sets"]} & {*feed["exclude_sets"]}):
        yield Mistake(
            "exclude_sets", sentence("%(value)s is in sets, too; remove it from one of them", value=repr(both[0]))
        )


def _check_prefix(feed: _Keys) -> Iterator[Mistake]:
    prefix = feed["prefix"]
    if prefix is None:
        return
    if not _traits(feed).has_prefixes:
        yield Mistake("prefix", sentence("only oai_pmh has a metadataPrefix; remove the key"))
    elif prefix.strip() and not _METADATA_PREFIX.fullmatch(prefix):
        yield Mistake(
            "prefix",
            sentence(
                "%(value)s is not a metadataPrefix; use one that the repository lists, such as oai_dc",
                value=repr(prefix),
            ),
        )


def _check_schedule(feed: _Keys) -> Iterator[Mistake]:
    try:
        from croniter import croniter  # type: ignore[import-untyped]  # it has no types
    except ImportError:  # it comes with Airflow; without Airflow nothing is scheduled
        return
    schedule = feed["schedule"].strip()
    five_fields = schedule.startswith("@") or len(schedule.split()) == 5
    if _RANDOM_FIELD.search(schedule) or not five_fields or not croniter.is_valid(schedule):
        yield Mistake(
            "schedule",
            sentence(
                "%(value)s is not a cron expression; use five fields, such as '0 1 * * *'", value=repr(feed["schedule"])
            ),
        )
        return
    try:
        croniter(schedule).get_next()
    except ValueError:  # the 31st of February
        yield Mistake(
            "schedule", sentence("%(value)s never fires; choose a date that exists", value=repr(feed["schedule"]))
        )


# Conflicts between keys of a request, or with the protocol's traits, and the mistake that each is.
_REQUEST_CONFLICTS: tuple[tuple[Callable[[_Keys, Protocol], bool], Mistake], ...] = (
    (
        lambda request, _: request["paging"] == "cursor" and not request["cursor_path"],
        Mistake(
            "request.cursor_path",
            sentence("required for paging = 'cursor'; give the path of the next cursor in the response"),
        ),
    ),
    (
        lambda request, _: bool(request["cursor_path"]) and request["paging"] != "cursor",
        Mistake("request.cursor_path", sentence("only for paging = 'cursor'; set that or remove the key")),
    ),
    (
        lambda request, _: request["page_in"] == "body" and request["method"] != "POST",
        Mistake("request.page_in", sentence("a body is only sent with method = 'POST'; set that or page_in = 'query'")),
    ),
    (
        lambda request, _: bool(request["body"]) and request["method"] != "POST",
        Mistake("request.body", sentence("only sent with method = 'POST'; set that or remove the key")),
    ),
    (
        lambda request, traits: bool(request["slice_by"]) and not traits.has_slices,
        Mistake("request.slice_by", sentence("only for opendatasoft; remove the key")),
    ),
    (
        lambda request, _: bool(request["since_format"]) and not request["since_param"],
        Mistake("request.since_format", sentence("only with since_param; name the parameter, or remove the key")),
    ),
    (
        lambda request, traits: request["verb"] != "ListRecords" and not traits.has_verbs,
        Mistake("request.verb", sentence("only for oai_pmh; remove the key")),
    ),
    (
        lambda request, traits: bool(request["detail_url"]) and not traits.has_details,
        Mistake("request.detail_url", sentence("only for rest; remove the key")),
    ),
)


def _check_conflicts(feed: _Keys) -> Iterator[Mistake]:
    return (mistake for conflicts, mistake in _REQUEST_CONFLICTS if conflicts(feed["request"], _traits(feed)))


def _check_since_format(feed: _Keys) -> Iterator[Mistake]:
    since_format = feed["request"]["since_format"]
    if since_format is None or since_format in ("unix", "unix_ms"):
        return
    directives = _DIRECTIVE.findall(since_format)
    if not directives or any(letter not in _DIRECTIVES for letter in directives):
        yield Mistake(
            "request.since_format",
            sentence(
                "%(value)s is not a form of a date; use unix, unix_ms, or a form such as %(example)s of %(directives)s",
                value=repr(since_format),
                example="'%Y-%m-%d'",
                directives="%Y %m %d %H %M %S %y %j %b",
            ),
        )


def _check_detail_url(feed: _Keys) -> Iterator[Mistake]:
    detail_url = feed["request"]["detail_url"]
    if not detail_url:
        return
    if mistake := _template_mistake(detail_url):
        yield Mistake("request.detail_url", mistake)
    elif not _can_join(feed["url"], _PLACEHOLDER.sub("x", detail_url)):
        yield Mistake(
            "request.detail_url",
            sentence("%(value)s makes no valid address; write one, or a path", value=repr(detail_url)),
        )


def _check_address(feed: _Keys) -> Iterator[Mistake]:
    address = feed["address"]
    if address is None:
        return
    if mistake := _template_mistake(address):
        yield Mistake("address", mistake)
    elif not _is_web_address(_PLACEHOLDER.sub("x", address)):
        yield Mistake(
            "address",
            sentence(
                "%(value)s is not a valid URL; use one such as https://platform.example.org/item/{id}",
                value=repr(address),
            ),
        )


# fields of the shared record that [map] fills
MAP_FIELDS = frozenset(
    {
        *("title", "alternative_titles", "description", "keywords", "subjects", "languages", "identifiers", "url"),
        *("links", "contributors", "publishers", "issued", "modified", "resource_types", "levels", "contexts"),
        *("audiences", "age_range", "license", "formats", "coverage", "relations", "difficulty", "competencies"),
        *("typical_learning_time", "interactivity_type", "cost"),
    }
)
_MAX_EXPRESSION_CHARS = 500


def _check_map(feed: _Keys) -> Iterator[Mistake]:
    if not feed["map"]:
        return
    traits = _traits(feed)
    if not traits.has_json_records:
        yield Mistake(
            "map",
            sentence("only reads JSON records and tables; %(protocol)s needs a format", protocol=feed["protocol"]),
        )
    for key, entries in feed["map"].items():
        if key.partition(":")[0] not in MAP_FIELDS:
            yield Mistake(
                f"map.{key}",
                sentence("is not a field of a record; use one of %(fields)s", fields=", ".join(sorted(MAP_FIELDS))),
            )
        for entry in entries if isinstance(entries, list) else [entries]:
            if mistake := _entry_mistake({"path": entry} if isinstance(entry, str) else entry, traits):
                yield Mistake(f"map.{key}", mistake)


def _entry_mistake(entry: _Keys, traits: Protocol) -> Sentence | None:
    """Return what is wrong with where a mapped field comes from."""
    path, language = entry["path"], entry.get("language")
    if (path is None) == (entry.get("constant") is None):
        return sentence("needs either a path or a constant")
    if entry.get("split") == "":
        return sentence("split is empty; give what stands between the values or remove the key")
    if language is not None and not _is_language(language):
        return _no_language(language)
    return None if path is None else _expression_mistake(path, traits)


def _expression_mistake(path: str, traits: Protocol) -> Sentence | None:
    if not path.strip() or len(path) > _MAX_EXPRESSION_CHARS:
        return sentence("the path is empty or longer than %(most)s characters", most=_MAX_EXPRESSION_CHARS)
    if traits.has_columns:  # any text may be the name of a column
        return None
    import jmespath

    try:
        _search_nothing(jmespath.compile(path))
    except RecursionError:
        return sentence("%(value)s is nested too deep for a JMESPath expression", value=repr(path))
    except jmespath.exceptions.JMESPathError as error:
        why = " ".join(str(error).split())
        return sentence(
            "%(value)s is not a JMESPath expression (%(why)s); see https://jmespath.org", value=repr(path), why=why
        )
    return None


def _search_nothing(expression: Any) -> None:
    """Search an empty record. Raises the error of a function that does not exist, or takes other arguments."""
    from jmespath.exceptions import JMESPathTypeError

    try:
        expression.search({})
    except (JMESPathTypeError, TypeError):
        return  # of the empty record's values, which are none


def _template_mistake(template: str) -> Sentence | None:
    """Return what is wrong with the {fields} of an address that is filled in from a record."""
    fields, rest = _PLACEHOLDER.findall(template), _PLACEHOLDER.sub("x", template)
    wrong = next((field for field in fields if not _FIELD_PATH.fullmatch(field)), None)
    if "{" in rest or "}" in rest:
        return sentence(
            "%(value)s has a brace without its other half, or an empty one; write {field}", value=repr(template)
        )
    if wrong is not None:
        return sentence(
            "{%(field)s} is not a field; write a name, or names with dots such as {links.self}", field=wrong
        )
    return None if fields else sentence("names no {field} of the record; put one where its value belongs")


def _can_join(url: str, address: str) -> bool:
    try:
        return _is_web_address(urljoin(url, address))
    except ValueError:
        return False


def _check_table(feed: _Keys) -> Iterator[Mistake]:
    delimiter, escape = feed["request"]["delimiter"], feed["request"]["escape"]
    if delimiter is not None and not _is_table_sign(delimiter):
        yield Mistake(
            "request.delimiter",
            sentence(
                "%(value)s is not one character; "
                "give one, no quotation mark or line break, or remove the key to have it detected",
                value=repr(delimiter),
            ),
        )
    if escape is not None and (not _is_table_sign(escape) or escape in (delimiter, " ")):
        yield Mistake(
            "request.escape",
            sentence(
                "%(value)s is not one character that is free for it; give one, such as %(example)s",
                value=repr(escape),
                example="'\\'",
            ),
        )


def _is_table_sign(text: str) -> bool:
    """Return whether a table can have it as a delimiter or an escape."""
    return len(text) == 1 and text not in '"\r\n'


def _check_headers(feed: _Keys) -> Iterator[Mistake]:
    for name, value in feed["request"]["headers"].items():
        if _SECRET_HEADER.search(name) or _CREDENTIAL_PLACEHOLDER.search(value):
            yield Mistake(
                f"request.headers.{name}",
                sentence("credentials are never in a feed file; put header.%(name)s into its connection", name=name),
            )
        elif not _HEADER_NAME.fullmatch(name) or not value.isascii() or _CONTROL_CHARACTER.search(value):
            yield Mistake(
                f"request.headers.{name}",
                sentence(
                    "%(value)s cannot be sent; use one line of ASCII, and a name without spaces", value=repr(value)
                ),
            )


def _check_quiet_hours(feed: _Keys) -> Iterator[Mistake]:
    for hours in feed["request"]["quiet_hours"]:
        match = _QUIET_HOURS.fullmatch(hours)
        if match is None:
            yield Mistake(
                "request.quiet_hours",
                sentence(
                    "%(value)s is not a time span; write it like '08:00-18:00 Europe/Belgrade'", value=repr(hours)
                ),
            )
        elif match[3] and not _is_time_zone(match[3]):
            yield Mistake(
                "request.quiet_hours",
                sentence("there is no time zone %(value)s; use one such as Europe/Belgrade", value=repr(match[3])),
            )


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _check_expected_records(feed: _Keys) -> Iterator[Mistake]:
    records = feed["expect"]["records"]
    if records is not None and not 0 <= records[0] <= records[1]:
        yield Mistake(
            "expect.records",
            sentence("%(value)s is not a range; write the least first, then the most", value=str(list(records))),
        )


# Each check with the keys that it depends on.
_CHECKS: dict[Callable[[_Keys], Iterator[Mistake]], tuple[str, ...]] = {
    _check_url: (),
    _check_format: ("protocol",),
    _check_identifier: ("protocol",),
    _check_texts: (),
    _check_defaults: (),
    _check_sets: ("protocol",),
    _check_prefix: ("protocol",),
    _check_schedule: (),
    _check_conflicts: ("protocol", "request"),
    _check_table: (),
    _check_since_format: (),
    _check_detail_url: ("url",),
    _check_address: (),
    _check_map: ("protocol",),
    _check_headers: (),
    _check_quiet_hours: (),
    _check_expected_records: (),
}
