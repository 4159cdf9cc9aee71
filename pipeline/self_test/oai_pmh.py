"""The checks of an OAI-PMH repository, in order: each needs what those before it have found.

https://www.openarchives.org/OAI/openarchivesprotocol.html
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from harvesters.causes import RequestFailed
from harvesters.datestamps import is_datestamp, parse_datestamp
from pipeline.self_test import connection
from pipeline.self_test.failures import failure_result, quoted
from pipeline.self_test.lines import CheckResult, NotChecked, advice, ok, problem
from pipeline.self_test.repository import Header, ListPage, Method, MethodRefused, OaiAnswer, RepositoryUnderTest
from schemas import HarvestFailed, SentenceValue, sentence

_XML_TYPES = ("text/xml", "application/xml", "+xml")
_FEW_PER_PAGE, _MANY_PER_PAGE = 20, 1_000
_SHORT_LIFE = timedelta(minutes=10)
_FUTURE = "2999-01-01"
_DATESTAMP_SHAPES = {True: len("2026-01-01"), False: len("2026-01-01T00:00:00Z")}
_MAX_NAMED = 10  # prefixes or sets in a line


def reachable(source: RepositoryUnderTest) -> CheckResult:
    """Ask for Identify by GET, and by POST where only that request fails; whatever answers is reached."""
    result = _identify_by(source, "GET")
    if isinstance(result, MethodRefused) or (isinstance(result, RequestFailed) and result.status is not None):
        result = _identify_by(source, "POST")
    if source.client.last is None:
        return failure_result(result) if isinstance(result, HarvestFailed) else _no_answer()
    return connection.reached(source.client.last)


def _identify_by(source: RepositoryUnderTest, method: Method) -> OaiAnswer | HarvestFailed | MethodRefused:
    try:
        result: OaiAnswer | HarvestFailed | MethodRefused = source.request({"verb": "Identify"}, method)
    except (HarvestFailed, MethodRefused) as failure:
        result = failure
    source.by_method[method] = result
    if isinstance(result, OaiAnswer) and not result.errors and source.identity is None:
        source.identity, source.method = result, method
    return result


def _no_answer() -> CheckResult:
    return problem(
        sentence("The server takes neither GET nor POST."), sentence("Let it take GET, as the protocol says.")
    )


def certificate(source: RepositoryUnderTest) -> CheckResult:
    """Judge the certificate of the answer to Identify."""
    if source.client.last is None:
        raise NotChecked(sentence("The server was not reached."))
    return connection.certificate(source.client.last)


def get_and_post(source: RepositoryUnderTest) -> CheckResult:
    """Check that the repository takes both methods; a harvest uses the one that works."""
    source.reached()
    if "POST" not in source.by_method:
        _identify_by(source, "POST")
    works = [method for method in ("GET", "POST") if _is_identity(source.by_method.get(method))]
    if len(works) == 2:
        return ok(sentence("GET and POST both work."))
    if works:
        return advice(
            sentence("Only %(method)s works.", method=works[0]),
            sentence("The protocol asks for GET and POST. We use the one that works."),
        )
    raise NotChecked(sentence("The server did not identify itself."))


def identify(source: RepositoryUnderTest) -> CheckResult:
    """Check that the Identify response has what the protocol asks for."""
    source.reached()
    if source.identity is None:
        return _without_identity(list(source.by_method.values()))
    identity = source.identity
    wanted = ("repositoryName", "baseURL", "protocolVersion", "earliestDatestamp", "deletedRecord", "granularity")
    missing = [name for name in wanted if not identity.text(f"Identify/{name}")]
    if missing:
        return problem(
            sentence("Identify lacks %(names)s.", names=", ".join(missing)),
            sentence("Add what is missing: the protocol asks for it."),
        )
    if identity.text("Identify/protocolVersion") != "2.0":
        return advice(
            sentence("Identify says protocolVersion %(version)s.", version=quoted(_of(identity, "protocolVersion"))),
            sentence("Let it say 2.0."),
        )
    return ok(sentence("Identify describes the repository “%(name)s”.", name=quoted(_of(identity, "repositoryName"))))


def _is_identity(result: OaiAnswer | HarvestFailed | MethodRefused | None) -> bool:
    return isinstance(result, OaiAnswer) and not result.errors


def _without_identity(results: list[OaiAnswer | HarvestFailed | MethodRefused]) -> CheckResult:
    """Return the result where no method gave an Identify response."""
    for result in results:
        if isinstance(result, HarvestFailed):
            return failure_result(result)
        if isinstance(result, OaiAnswer):
            return problem(
                sentence("Identify answers with the error %(code)s.", code=quoted(result.errors[0]) or "-"),
                sentence("Let Identify describe the repository, as the protocol says."),
            )
    return _no_answer()


def _of(identity: OaiAnswer, name: str) -> str:
    return identity.text(f"Identify/{name}")


def base_url(source: RepositoryUnderTest) -> CheckResult:
    """Check that the baseURL is the address that was asked."""
    named, given = _of(source.known_identity(), "baseURL"), source.client.feed.url
    if not named:
        raise NotChecked(sentence("Identify names no baseURL."))
    if _without_scheme(named) != _without_scheme(given):
        return advice(
            sentence(
                "Identify names the base URL %(named)s, the test asked %(given)s.", named=quoted(named), given=given
            ),
            sentence("Give the address that Identify names, or correct the baseURL of the repository."),
        )
    return ok(sentence("The baseURL is the address that was asked."))


def _without_scheme(url: str) -> str:
    return url.strip().split("://")[-1].rstrip("/").lower()


def earliest_datestamp(source: RepositoryUnderTest) -> CheckResult:
    """Check that the earliestDatestamp is a date that has passed."""
    earliest = _of(source.known_identity(), "earliestDatestamp")
    if not is_datestamp(earliest):
        return problem(
            sentence("The earliestDatestamp “%(datestamp)s” is not a date.", datestamp=quoted(earliest)),
            sentence("Write it as 2020-01-31 or 2020-01-31T00:00:00Z, in UTC."),
        )
    if parse_datestamp(earliest) > datetime.now(UTC):
        return problem(
            sentence("The earliestDatestamp %(datestamp)s is in the future.", datestamp=quoted(earliest)),
            sentence("Let it be the date of change of the oldest record."),
        )
    return ok(sentence("The earliestDatestamp is %(datestamp)s.", datestamp=quoted(earliest)))


def admin_email(source: RepositoryUnderTest) -> CheckResult:
    """Check that the repository names an address of its administrator."""
    emails = [email for email in source.known_identity().texts("adminEmail") if "@" in email]
    if not emails:
        return advice(sentence("Identify names no adminEmail."), sentence("Name an address that somebody reads."))
    return ok(sentence("The adminEmail is %(email)s.", email=quoted(emails[0])))


def formats(source: RepositoryUnderTest) -> CheckResult:
    """Check that the repository offers the metadataPrefix that the feed asks for."""
    source.known_identity()
    offered = [prefix for prefix in source.request({"verb": "ListMetadataFormats"}).texts("metadataPrefix") if prefix]
    values = {"prefix": source.client.feed.metadata_prefix, "offered": _named(offered)}
    if source.client.feed.metadata_prefix not in offered:
        return problem(
            sentence("The format %(prefix)s is not offered; %(offered)s are.", **values),
            sentence("Choose one of the formats that the repository offers, the richest one if you can."),
        )
    return ok(sentence("The format %(prefix)s is offered, among %(offered)s.", **values))


def _named(names: list[str]) -> str:
    """Return names in a line, so many of them at most."""
    more = f" … ({len(names)})" if len(names) > _MAX_NAMED else ""
    return quoted(", ".join(names[:_MAX_NAMED])) + more if names else "-"


def sets(source: RepositoryUnderTest) -> CheckResult:
    """Check that the repository offers the sets that the feed names; it need not have any."""
    source.known_identity()
    answer = source.request({"verb": "ListSets"})
    offered = answer.texts("setSpec")
    named = [*source.client.feed.sets, *source.client.feed.exclude_sets]
    unknown = [name for name in named if name not in offered]
    if unknown and not answer.token:
        return problem(
            sentence("These sets are not offered: %(names)s.", names=_named(unknown)),
            sentence("Choose sets that the repository lists, or none."),
        )
    if "noSetHierarchy" in answer.errors or not offered:
        return ok(sentence("The repository has no sets."))
    return ok(sentence("Sets that the repository lists: %(count)s.", count=len(offered)))


def first_list(source: RepositoryUnderTest) -> CheckResult:
    """Check that the list of records begins."""
    source.known_identity()
    answer = source.list_records(_list_arguments(source))
    if answer.errors:
        return problem(
            sentence("ListRecords answers with the error %(code)s.", code=quoted(answer.errors[0]) or "-"),
            sentence("Open the address with verb=ListRecords in a browser, and look into the server's log."),
        )
    source.pages.append(answer)
    headers = answer.headers
    if not headers:
        return problem(
            sentence("The list holds no record."),
            sentence("Let the repository list its records in this format and in these sets."),
        )
    nameless = sum(not header.identifier for header in headers)
    if nameless:
        return problem(
            sentence("Records without an identifier: %(count)s of %(of)s.", count=nameless, of=len(headers)),
            sentence("Give each record an identifier that never changes."),
        )
    return ok(sentence("The list of records begins: %(count)s records on the first page.", count=len(headers)))


def _list_arguments(source: RepositoryUnderTest) -> dict[str, str]:
    arguments = {"metadataPrefix": source.client.feed.metadata_prefix}
    return {**arguments, "set": source.client.feed.sets[0]} if source.client.feed.sets else arguments


def granularity(source: RepositoryUnderTest) -> CheckResult:
    """Check that datestamps have the granularity that Identify declares, one of two."""
    days = source.has_days_only
    if days is None:
        return problem(
            sentence("The granularity “%(granularity)s” does not exist.", granularity=quoted(source.granularity)),
            sentence("Declare YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ."),
        )
    wrong = [header.datestamp for header in source.headers() if not _has_shape(header.datestamp, days=days)]
    if wrong:
        values: dict[str, SentenceValue] = {
            "granularity": source.granularity,
            "datestamp": quoted(wrong[0]),
            "count": len(wrong),
        }
        return problem(
            sentence(
                "The granularity is %(granularity)s; the datestamp %(datestamp)s has another form (%(count)s records).",
                **values,
            ),
            sentence("Write all datestamps in UTC, in the granularity that Identify declares."),
        )
    return ok(sentence("Datestamps have the declared granularity, %(granularity)s.", granularity=source.granularity))


def _has_shape(datestamp: str, *, days: bool) -> bool:
    return is_datestamp(datestamp) and len(datestamp) == _DATESTAMP_SHAPES[days] and (days or datestamp.endswith("Z"))


def deleted_records(source: RepositoryUnderTest) -> CheckResult:
    """Check that the repository says whether it keeps the headers of deleted records."""
    policy = _of(source.known_identity(), "deletedRecord")
    if policy == "persistent":
        return ok(sentence("Deleted records stay visible as such (persistent)."))
    if policy in ("no", "transient"):
        return advice(
            sentence("Deleted records do not stay visible for ever (deletedRecord is %(policy)s).", policy=policy),
            sentence("We find deletions by reading the whole list now and then; persistent makes that needless."),
        )
    return problem(
        sentence("deletedRecord says “%(policy)s”.", policy=quoted(policy)),
        sentence("Let it say no, transient or persistent."),
    )


def xml(source: RepositoryUnderTest) -> CheckResult:
    """Check that the answers are well-formed XML."""
    answers: list[OaiAnswer | ListPage] = [source.known_identity(), *source.pages]
    invalid = next((answer.invalid for answer in answers if answer.invalid), "")
    if invalid:
        return problem(
            sentence("An answer is not well-formed XML: %(reason)s", reason=quoted(invalid)),
            sentence("Strip control characters, escape & and <, and declare every namespace prefix."),
        )
    return ok(sentence("The XML is well-formed."))


def resumption_token(source: RepositoryUnderTest) -> CheckResult:
    """Check that the token of the first page leads to other records."""
    first = source.first_page()
    size, here = first.list_size, len(first.headers)
    if not first.token:
        if size is not None and size > here:
            return problem(
                sentence(
                    "The list has %(size)s records, the first page %(count)s, and no token leads on.",
                    size=size,
                    count=here,
                ),
                sentence("Send a resumptionToken while records follow."),
            )
        return ok(sentence("The whole list is one page of %(count)s records.", count=here))
    second = source.list_records({"resumptionToken": first.token})
    if second.errors:
        return problem(
            sentence(
                "The server does not know its own resumption token any more. %(detail)s",
                detail=quoted(second.errors[0]),
            ),
            sentence("Let resumption tokens be valid for an hour at least."),
        )
    if set(_identifiers(second)) <= set(_identifiers(first)):
        return problem(
            sentence("The second page has the same records as the first."),
            sentence("Let every resumptionToken lead to the records that follow."),
        )
    source.pages.append(second)
    return ok(sentence("The resumption token leads to other records."))


def _identifiers(answer: ListPage) -> list[str]:
    return [header.identifier for header in answer.headers]


def token_expiry(source: RepositoryUnderTest) -> CheckResult:
    """Check that a token lives long enough to be used, and again after an interruption."""
    first = source.first_page()
    if not first.token or len(source.pages) < 2:
        raise NotChecked(sentence("There is no resumption token that works."))
    clock = first.clock
    if is_datestamp(first.expires) and is_datestamp(clock):
        life = parse_datestamp(first.expires) - parse_datestamp(clock)
        if life < _SHORT_LIFE:
            return advice(
                sentence("Resumption tokens expire after %(seconds)s s.", seconds=round(life.total_seconds())),
                sentence("Let resumption tokens be valid for an hour at least."),
            )
    again = source.list_records({"resumptionToken": first.token})
    if again.errors or _identifiers(again) != _identifiers(source.pages[1]):
        return advice(
            sentence("A resumption token works only once."),
            sentence("Let the same token give the same page again: an interrupted harvest goes on with it."),
        )
    return ok(sentence("A resumption token works a second time."))


def window(source: RepositoryUnderTest) -> CheckResult:
    """Check that a list from one datestamp until the same has the records of that time, and no others."""
    chosen, at = _dated_record(source)
    answer = source.list_records({**_list_arguments(source), "from": at, "until": at})
    values = {"datestamp": at}
    if "badArgument" in answer.errors:
        return problem(
            sentence("The server refuses from and until at %(datestamp)s (badArgument).", **values),
            sentence("Accept dates in the granularity that Identify declares, and days in any case."),
        )
    outside = [header for header in answer.headers if not _is_at(header, at, source)]
    if outside:
        return problem(
            sentence(
                "From and until at %(datestamp)s also give records of other times (%(count)s).",
                **values,
                count=len(outside),
            ),
            sentence("Select by the date of change; else every night is a harvest of the whole list."),
        )
    if chosen.identifier not in _identifiers(answer) and not answer.token:
        return problem(
            sentence("From and until at %(datestamp)s do not give the record that has this datestamp.", **values),
            sentence("Let from and until include their own time: changed records are lost else."),
        )
    return ok(sentence("From and until are honoured."))


def _dated_record(source: RepositoryUnderTest) -> tuple[Header, str]:
    """Return a record of the first page with its datestamp, as the repository's granularity writes it."""
    headers = source.first_page().headers
    known = [(header, at) for header in headers if (at := source.at_granularity(header.datestamp)) is not None]
    if not known:
        raise NotChecked(sentence("No record has a datestamp that could be asked for."))
    return known[len(known) // 2]


def _is_at(header: Header, at: str, source: RepositoryUnderTest) -> bool:
    return source.at_granularity(header.datestamp) == at


def no_match(source: RepositoryUnderTest) -> CheckResult:
    """Check that a list of a time without records is the error noRecordsMatch."""
    source.first_page()
    future = _FUTURE if source.has_days_only else f"{_FUTURE}T00:00:00Z"
    answer = source.list_records({**_list_arguments(source), "from": future})
    if answer.headers:
        return problem(
            sentence("A list from %(datestamp)s on gives records: from is ignored.", datestamp=future),
            sentence("Select by the date of change; else every night is a harvest of the whole list."),
        )
    if "noRecordsMatch" not in answer.errors:
        return advice(
            sentence("A list without records is answered with %(code)s.", code=_named(answer.errors)),
            sentence("Answer with the error noRecordsMatch, as the protocol says."),
        )
    return ok(sentence("A list without records is answered with noRecordsMatch."))


def page_size(source: RepositoryUnderTest) -> CheckResult:
    """Check that pages are neither tiny nor huge."""
    first = source.first_page()
    count = len(first.headers)
    values = {"count": count, "kilobytes": first.bytes // 1024}
    if first.token and count < _FEW_PER_PAGE:
        return advice(
            sentence("A page has %(count)s records (%(kilobytes)s kB): that is few.", **values),
            sentence("Give 100 to 500 records per page."),
        )
    if count > _MANY_PER_PAGE:
        return advice(
            sentence("A page has %(count)s records (%(kilobytes)s kB): that is many.", **values),
            sentence("Give 100 to 500 records per page."),
        )
    return ok(sentence("A page has %(count)s records (%(kilobytes)s kB).", **values))


def response_headers(source: RepositoryUnderTest) -> CheckResult:
    """Judge the headers of the first page of the list, or of Identify where there is none."""
    answer = source.pages[0] if source.pages else source.known_identity()
    return connection.headers(answer.reply_headers, answer.bytes, _XML_TYPES)


def robots(source: RepositoryUnderTest) -> CheckResult:
    """Look at robots.txt."""
    source.reached()
    return connection.robots(source.client)


def completeness(source: RepositoryUnderTest) -> CheckResult:
    """Read on to the end of the list, as far as there is time, and compare with what was announced."""
    last = source.pages[-1] if source.pages else source.first_page()
    while last.token and source.client.has_room:
        answer = source.list_records({"resumptionToken": last.token})
        if answer.errors or not answer.headers:
            return problem(
                sentence(
                    "Page %(page)s of the list is answered with %(code)s.",
                    page=len(source.pages) + 1,
                    code=_named(answer.errors),
                ),
                sentence("Let every resumptionToken lead to the records that follow."),
            )
        source.pages.append(answer)
        last = answer
    return _compared(source, is_whole=not last.token)


def _compared(source: RepositoryUnderTest, *, is_whole: bool) -> CheckResult:
    """Compare the records that came with the largest size that was announced."""
    came = len({header.identifier for header in source.headers()})
    announced = max((page.list_size or 0 for page in source.pages), default=0)
    values = {"count": came, "size": announced}
    if not is_whole:
        return ok(sentence("%(count)s records were read; the list goes on, and was not read to its end.", **values))
    if announced > came:
        return problem(
            sentence("The list announces %(size)s records, and %(count)s came.", **values),
            sentence("Let completeListSize be the number of records in the list, and the list give all of them."),
        )
    if announced and announced < came:
        return advice(
            sentence("The list announces %(size)s records, and %(count)s came.", **values),
            sentence("Let completeListSize be the number of records in the list, or leave it out."),
        )
    return ok(sentence("The list is whole: %(count)s records.", **values))


def unique_identifiers(source: RepositoryUnderTest) -> CheckResult:
    """Check that no identifier comes twice in a list."""
    counts = Counter(header.identifier for header in source.headers())
    repeated = [identifier for identifier, count in counts.items() if count > 1]
    if repeated:
        return problem(
            sentence(
                "Identifiers that come more than once: %(count)s, such as %(identifier)s.",
                count=len(repeated),
                identifier=quoted(repeated[0]),
            ),
            sentence("Let each record come once in a list; sort it so that it does not shift while it is read."),
        )
    return ok(sentence("Every identifier comes once."))


def speed(source: RepositoryUnderTest) -> CheckResult:
    """Judge how long the pages of the list took."""
    source.first_page()
    records = sum(len(page.headers) for page in source.pages)
    return connection.speed(records, [page.seconds for page in source.pages])
