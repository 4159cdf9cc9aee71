"""Check the published addresses that are due: many hosts at a time, one request at a time on each.

One thread writes; the others request, and hand over what they found one by one, so that a kill loses no more than what
is in their hands. A host gets a number of addresses, and then waits until the others had their turn.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.upkeep import UpkeepFailed, upkeep
from schemas import NETWORK_FAILURES, Base, Environment, LinkCheck, nearest_advice

if TYPE_CHECKING:
    from loaders.links import CheckCounts, DueAddress
    from loaders.store import Run

log = logging.getLogger("elib.links")
SWITCH_VARIABLE = "ELIB_LINKS"
_SLICE_ADDRESSES = 50  # of a host, before the others have their turn
_OUTAGE_HOSTS, _FEW_HOSTS = 20, 5  # that do not answer, one after the other: then it is our own network
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"  # of the catalog
_COUNT_SECONDS = 600  # between two counts of the addresses by host
_MAX_WAITING = 500  # failures of a few hosts that wait for any host to answer
Clock = Callable[[], datetime]
LinksProgress = Callable[[int], None]


class LinksFailed(UpkeepFailed):
    """The links could not be checked; the message is one sentence for the operator."""

    def __init__(self, sentence: str, cause: str = "unreachable") -> None:
        super().__init__(sentence, cause)


class LinkSettings(Base, frozen=True, kw_only=True):
    """How the links are checked, from the variables ELIB_LINKS_…

    per_host: requests to one host in a run; rate: per second to a host
    hosts: at a time; hours: after which a run ends; timeout: seconds for an answer; backoff: seconds before a retry
    """

    per_host: int = 20_000
    rate: float = 1.0
    hosts: int = 32
    hours: float = 8.0
    timeout: float = 20.0
    backoff: float = 3.0


def is_on(variables: Mapping[str, str]) -> bool:
    """Return whether the DAG checks the links: unless ELIB_LINKS is off."""
    return variables.get(SWITCH_VARIABLE, "").strip().lower() not in ("off", "no", "0")


def link_settings(variables: Mapping[str, str]) -> LinkSettings:
    """Return the settings that the variables hold. Raises LinksFailed for one that is not a positive number."""
    values: dict[str, Any] = {}
    for name, kind in (("per_host", int), ("rate", float), ("hosts", int), ("hours", float), ("timeout", float)):
        variable = f"{SWITCH_VARIABLE}_{name.upper()}"
        text = variables.get(variable, "").strip()
        try:
            number = kind(text) if text else None
        except ValueError:
            number = 0
        if number is not None and not 0 < number < 1_000_000_000:
            raise LinksFailed(f"{variable}: {text!r} is not a positive number; correct it", "bad_configuration")
        if number is not None:
            values[name] = number
    return LinkSettings(**values)


class LinksResult(Base, frozen=True, kw_only=True):
    """What a run did: its id, its sentences, how many addresses it checked, and which named ones are not published.

    run_id: empty where the named host kept a run from beginning
    unknown_host: what to do where the named host has no published address; empty where it has
    """

    run_id: str
    checked: int
    notes: tuple[str, ...]
    unpublished: tuple[str, ...] = ()
    unknown_host: str = ""


def check_links(
    env: Environment,
    settings: LinkSettings | Mapping[str, str],
    *,
    host: str = "",
    urls: Sequence[str] = (),
    limit: int | None = None,
    clock: Clock = lambda: datetime.now(UTC),
    progress: LinksProgress = lambda _: None,
) -> LinksResult:
    """Check the addresses that are due, or those of one host that are, or some now; at most `limit`.

    `settings` may be the variables that hold them. Publications are followed first; the library's index follows at the
    end. Of the addresses and the host that are named, those that are not published are not asked. A run that fails is
    recorded, and none begins for such a host. Raises FeedBusy when another process checks the links, LinksFailed for
    wrong settings and when no host answers.
    """
    from loaders.links import follow_publications, is_behind

    if not is_behind(env) and (unknown_host := _unknown_host(env, host)):
        return LinksResult(run_id="", checked=0, notes=(), unknown_host=unknown_host)
    with upkeep(env, "links") as recorded:
        chosen = settings if isinstance(settings, LinkSettings) else link_settings(settings)
        follow_publications(env, recorded.run, clock())
        work = _Work(env=env, run=recorded.run, settings=chosen, clock=clock, progress=progress, left=limit)
        _keep_hosts(env, clock())
        published, unknown_host = _published(env, urls), _unknown_host(env, host)
        try:
            if (published or not urls) and not unknown_host:
                work.check(host, published)
        finally:
            recorded.listed, recorded.notes = work.counts.checked, work.notes()
        _keep_hosts(env, clock())
    _index(env)
    unpublished = tuple(url for url in dict.fromkeys(urls) if url not in published)
    return LinksResult(
        run_id=recorded.run.id,
        checked=recorded.listed,
        notes=tuple(recorded.notes),
        unpublished=unpublished,
        unknown_host=unknown_host,
    )


def _unknown_host(env: Environment, host: str) -> str:
    """Return what may be meant by a host that has no published address; empty for one that has, and for none."""
    from loaders.links import known_hosts
    from loaders.store import read_transaction

    if not host:
        return ""
    with read_transaction(env) as connection:
        known = list(known_hosts(connection))
    return "" if host in known else nearest_advice(host, known)


def _published(env: Environment, urls: Sequence[str]) -> list[str]:
    from loaders.links import published_addresses
    from loaders.store import read_transaction

    with read_transaction(env) as connection:
        return published_addresses(connection, urls)


def _keep_hosts(env: Environment, at: datetime) -> None:
    """Count the addresses of each host, and keep the counts for the page that shows them: a million take seconds."""
    from loaders.browse import HOSTS_STATE, RECENT_DAYS, HostsOfLinks, count_links_of_hosts
    from loaders.store import read_transaction, write_publish_state, write_transaction

    since = (at - timedelta(days=RECENT_DAYS)).strftime(_TIME)
    with read_transaction(env) as connection:
        hosts = count_links_of_hosts(connection, since)
    kept = msgspec.json.encode(HostsOfLinks(hosts, at.strftime(_TIME))).decode()
    with write_transaction(env) as connection:
        write_publish_state(connection, HOSTS_STATE, kept)


def _index(env: Environment) -> None:
    """Bring the library's index up to which resources are dead."""
    from loaders.search import IndexBusy
    from pipeline.catalog import index_library

    try:
        index_library(env)
    except IndexBusy as busy:
        log.warning("%s The next publication ranks by what was found.", busy)


@dataclass
class _Host:
    """A host that has due addresses: how many requests it may still get, and the last address that was given out."""

    name: str
    requests_left: int
    chosen: deque[str] | None = None  # addresses that are checked whether they are due or not
    after: DueAddress | None = None


@dataclass
class _Work:
    """The checks of one run."""

    env: Environment
    run: Run
    settings: LinkSettings
    clock: Clock
    progress: LinksProgress
    left: int | None  # addresses that may still be given out
    hosts: deque[_Host] = field(default_factory=deque)
    counts: CheckCounts = field(init=False)
    results: Queue[tuple[_Host, LinkCheck | Exception | None]] = field(default_factory=lambda: Queue(maxsize=1))
    stop: threading.Event = field(default_factory=threading.Event)
    waiting: list[tuple[str, LinkCheck]] = field(default_factory=list)  # by host; not written yet
    has_answer: bool = False
    is_late: bool = False
    busy: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        from loaders.links import CheckCounts

        self.counts = CheckCounts()
        self.deadline = time.monotonic() + self.settings.hours * 3600
        self.next_count = time.monotonic() + _COUNT_SECONDS
        self.due = self.clock().strftime(_TIME)

    def check(self, host: str, urls: Sequence[str]) -> None:
        """Check what is due, or what is named."""
        self.hosts.extend(self._named(urls) if urls else self._with_due(host))
        with ThreadPoolExecutor(max_workers=self.settings.hosts, thread_name_prefix="links") as pool, self._drained():
            self.running = sum(self._begin_slice(pool) for _ in range(self.settings.hosts))
            while self.running:
                host_of_result, check = self.results.get()
                if check is None:
                    self.running += self._end_slice(pool, host_of_result) - 1
                elif isinstance(check, Exception):
                    raise check
                else:
                    self._take(host_of_result.name, check)
        self._settle()

    def _named(self, urls: Sequence[str]) -> Iterator[_Host]:
        from loaders.links import host_of

        by_host: dict[str, deque[str]] = {}
        for url in urls:
            by_host.setdefault(host_of(url) or "", deque()).append(url)
        yield from (_Host(name, self.settings.per_host, chosen) for name, chosen in by_host.items())

    def _with_due(self, only: str) -> Iterator[_Host]:
        from loaders.links import hosts_with_due
        from loaders.store import read_transaction

        with read_transaction(self.env) as connection:
            due = hosts_with_due(connection, self.due, self.settings.per_host)
        yield from (_Host(name, self.settings.per_host) for name, _ in due if only in ("", name))

    @contextmanager
    def _drained(self) -> Iterator[None]:
        """When something goes wrong, let the other threads end: each waits until what it found is taken."""
        self.running = 0
        try:
            yield
        except BaseException:
            self.stop.set()
            while self.running:
                self.running -= self.results.get()[1] is None
            raise

    def _begin_slice(self, pool: ThreadPoolExecutor) -> int:
        """Give the next host's next addresses to a thread; return whether there were any, as 0 or 1."""
        while self.hosts and not self.stop.is_set() and self.left != 0:
            host = self.hosts.popleft()
            urls = self._next_addresses(host)
            if urls:
                pool.submit(_check_slice, self.env, self.settings, host, urls, self.results, self.stop)
                return 1
        return 0

    def _next_addresses(self, host: _Host) -> list[str]:
        from loaders.links import due_addresses
        from loaders.store import read_transaction

        most = min(_SLICE_ADDRESSES, host.requests_left, _SLICE_ADDRESSES if self.left is None else self.left)
        if most <= 0:
            return []
        if host.chosen is not None:
            urls = [host.chosen.popleft() for _ in range(min(most, len(host.chosen)))]
        else:
            with read_transaction(self.env) as connection:
                addresses = due_addresses(connection, host.name, self.due, host.after, most)
            host.after = addresses[-1] if addresses else None
            urls = [address.url for address in addresses]
        if self.left is not None:
            self.left -= len(urls)
        return urls

    def _end_slice(self, pool: ThreadPoolExecutor, host: _Host) -> int:
        if host.requests_left > 0 and host.name not in self.busy:
            self.hosts.append(host)
        return self._begin_slice(pool)

    def _take(self, host: str, check: LinkCheck) -> None:
        """Write what was found; a failure of the network waits until any host has answered."""
        self.progress(self.counts.checked + len(self.waiting) + 1)
        if time.monotonic() > self.deadline:
            self.is_late = True
            self.stop.set()
        if check.status == "busy":
            self.busy.append(host)
        self.waiting.append((host, check))
        if check.status not in NETWORK_FAILURES:
            self.has_answer = self.has_answer or check.requests > 0
            self._write_waiting()
            return
        silent = self._silent_hosts()
        if silent >= _OUTAGE_HOSTS:
            raise LinksFailed(_OUTAGE % silent)
        if len(self.waiting) >= _MAX_WAITING and silent < _FEW_HOSTS:
            self._write_waiting()

    def _silent_hosts(self) -> int:
        return len({name for name, _ in self.waiting})

    def _settle(self) -> None:
        """Write the failures that still wait, unless nothing answered at all."""
        silent = self._silent_hosts()
        if silent >= _FEW_HOSTS and not self.has_answer:
            raise LinksFailed(_OUTAGE % silent)
        self._write_waiting()

    def _write_waiting(self) -> None:
        from loaders.links import write_checks

        if self.waiting:
            checks = [check for _, check in self.waiting]
            self.counts += write_checks(self.env, self.run, checks, self.clock())
            self.waiting.clear()
        if time.monotonic() > self.next_count:
            _keep_hosts(self.env, self.clock())
            self.next_count = time.monotonic() + _COUNT_SECONDS

    def notes(self) -> list[str]:
        """Return what an operator should know, as sentences."""
        counts = self.counts
        sentences = [
            f"{counts.checked} addresses were checked: {counts.failed} failed, {counts.died} of them are dead now, "
            f"{counts.revived} live again, {counts.moved} have moved."
        ]
        if self.is_late:
            sentences.append(f"The run ended after {self.settings.hours:g} hours; the next one goes on.")
        if self.busy:
            names = ", ".join(sorted(set(self.busy))[:10])
            sentences.append(f"Hosts that asked us to come later, {len(set(self.busy))}: {names}.")
        return sentences


_OUTAGE = (
    "None of %d hosts answers: this machine's network or its name server seems to be down. Nothing of it counts as a "
    "failure; the next run checks the same addresses."
)


def _check_slice(
    env: Environment,
    settings: LinkSettings,
    host: _Host,
    urls: Sequence[str],
    results: Queue[tuple[_Host, LinkCheck | Exception | None]],
    stop: threading.Event,
) -> None:
    """Check addresses of one host, one after the other, and hand each result over; None at the end.

    What keeps all of them from being checked is handed over too, and fails the run.
    """
    from harvesters.links import LinkChecker, LinkPoliteness

    politeness = LinkPoliteness(rate=settings.rate, timeout=settings.timeout, backoff=settings.backoff)
    try:
        with LinkChecker(env, politeness) as checker:
            for url in urls:
                if stop.is_set() or host.requests_left <= 0:
                    break
                check = _check(checker, url)
                host.requests_left -= max(1, check.requests)
                results.put((host, check))
                if check.status == "busy":
                    break
    except Exception as error:
        results.put((host, error))
    finally:
        results.put((host, None))


def _check(checker: Any, url: str) -> LinkCheck:
    try:
        check: LinkCheck = checker.check(url)
    except Exception as error:  # a defect of ours must not keep the other addresses from being checked
        log.exception("%s: a defect of the software", url)
        return LinkCheck(url=url, status="unreadable", detail=f"a defect of the software: {type(error).__name__}")
    return check
