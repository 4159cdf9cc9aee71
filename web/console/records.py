"""The pages of one record and of one resource: what the partner sent, what became of it, what is published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import (
    Member,
    RecordVersion,
    decisions_on,
    findings_of,
    live_members,
    members_of,
    notes_on,
    old_ids,
    read_record_row,
    read_resource_row,
    read_source,
    record_versions,
    redirect_of,
    versions_of_resource,
)
from loaders.curation import Batch, CannotDecide, accept, judge_all, record_correction, refuse_version, withdraw
from loaders.reports import record_rows, source_lines
from loaders.store import read_transaction
from schemas import Environment, Resource, sentence
from transforms.rules import rule_texts
from web.console.asking import name_of_record
from web.console.correcting import control_of, paths_of, value_in
from web.console.decisions import decide, seen_in
from web.forms import field, posted
from web.languages import marked, reader_language
from web.pages import address, render, see
from web.signing_in import Steward

router = APIRouter()
MAX_SHOWN_CHARS = 2_000  # of a value
MAX_OTHERS = 10  # records of the same work of which the life is shown
MAX_SPLIT = 200  # records of a resource that one can be split off from
_MAX_SOURCE_CHARS = 200_000
_Key = Annotated[str, Query(max_length=4_000)]
_Path = Annotated[str, Query(max_length=200)]


@router.get("/records")
def record(request: Request, key: _Key = "", path: _Path = "", life: bool = False) -> Response:
    """Show a record beside its source and its resource; with a path, the control to correct it; its life on request."""
    env: Environment = request.app.state.env
    question = name_of_record(key)
    with read_transaction(env) as connection:
        row = read_record_row(connection, key)
        if row is None:
            raise HTTPException(404, "There is no record with this key.")
        resource_id = row["resource_id"]
        resource = read_resource_row(connection, resource_id) if resource_id else None
        facts: dict[str, Any] = {
            "findings": findings_of(connection, key),
            "decisions": decisions_on(connection, key, resource_id),
            "versions": versions_of_resource(connection, resource_id or ""),
            "members": members_of(connection, resource_id or ""),
            "asked": notes_on(connection, question),
        }
    newest = row["pending_record"] or row["record"]
    lines, places = _source(read_source(env, row), newest)
    return render(
        request,
        "console/record.html",
        row=row,
        resource=resource,
        source=lines,
        marked_lines=set(places.values()),
        result=_with_places(_rows(newest), newest, places),
        accepted=_rows(row["record"] if row["pending_record"] else None),
        published=_rows(resource["record"]) if resource else [],
        rules=rule_texts(),
        target=key,
        back=address("/console/records", {"key": key}),
        life=_life(env, row, facts["members"]) if life else None,
        question=question,
        question_text=_question_text(request, row, facts["findings"]),
        **_correcting(newest, path),
        **facts,
    )


def _source(source: str | None, record: Resource | None) -> tuple[list[str] | None, dict[str, int]]:
    """Return the lines of a source, and the numbers of those that values came from; one that is very long is cut."""
    if source is None:
        return None, {}
    if len(source) > _MAX_SOURCE_CHARS:
        return [*source[:_MAX_SOURCE_CHARS].splitlines(), "…"], {}
    origins = record.provenance.values() if record is not None else ()
    return source_lines(source, (origin.path for each in origins for origin in each))


def _with_places(rows: list[dict[str, Any]], record: Resource | None, places: dict[str, int]) -> list[dict[str, Any]]:
    """Return the rows of a record, each value with the line of the source that it came from; 0 where that is unknown.

    A field has an origin for each value, or one for all of them.
    """
    placed = []
    for row in rows:
        origins = record.provenance.get(row["field"], ()) if record is not None else ()
        lines = [places.get(origin.path, 0) for origin in origins] or [0]
        values = [
            {**value, "line": lines[number] if number < len(lines) else lines[-1]}
            for number, value in enumerate(row["values"])
        ]
        placed.append({**row, "values": values})
    return placed


def _life(env: Environment, row: dict[str, Any], members: list[Member]) -> list[RecordVersion]:
    """Return what runs made of a record, and of those of the same work in other feeds, newest first."""
    versions = record_versions(env, row)
    others = [member.key for member in members if member.key != row["key"]][:MAX_OTHERS]
    with read_transaction(env) as connection:
        rows = [each for key in others if (each := read_record_row(connection, key)) is not None]
    for other in rows:
        versions += record_versions(env, other)
    return sorted(versions, key=lambda version: version.at, reverse=True)


def _question_text(request: Request, row: dict[str, Any], findings: list[Any]) -> str:
    """Return the text of a question about a record, to be written further: what it is, and its open findings."""
    newest = row["pending_record"] or row["record"]
    title = next(iter(newest.title.values()), "") if newest else ""
    codes = dict.fromkeys(each["code"] for each in findings if not each["resolved_run_id"])
    language, texts = reader_language(request), rule_texts()
    wrong = [texts.get(code, {}) for code in codes]
    lines = [f"- {each.get(f'wrong.{language}') or each.get('wrong', '')}" for each in wrong]
    return "\n".join([_cut(title), row["identifier"], *lines, ""])


def _rows(record: Resource | None) -> list[dict[str, Any]]:
    """Return the rows of a record with its values cut where they are long."""
    rows = record_rows(record) if record is not None else []
    return [{**row, "values": [{**each, "text": _cut(each["text"])} for each in row["values"]]} for row in rows]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}…"


def _correcting(record: Resource | None, path: str) -> dict[str, Any]:
    if record is None:
        return {"paths": [], "path": "", "control": None}
    return {"paths": paths_of(record), "path": path, "control": control_of(record, path) if path else None}


@router.post("/records")
def decide_on_record(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Correct a field of a record, accept or refuse its waiting version, or withdraw it."""
    env: Environment = request.app.state.env
    key, version, reason = field(form, "key", 4_000), field(form, "version", 64), field(form, "reason")
    back, by = address("/console/records", {"key": key}), account.name
    deeds: dict[str, tuple[Callable[[], int], str]] = {
        "accept": (
            lambda: accept(env, key, by=by, reason=reason, version=version, force=field(form, "force") == "yes"),
            marked("Accepted. It is published with the next publication."),
        ),
        "refuse": (
            lambda: refuse_version(env, key, by=by, reason=reason, version=version),
            marked("Refused until the partner's data changes."),
        ),
    }
    return _decide(request, form, key, back, by, deeds)


@router.get("/resources/{resource_id}")
def resource(request: Request, resource_id: str, path: _Path = "", split: _Key = "") -> Response:
    """Show a merged resource with where each field comes from; an old id leads to the new one.

    With `split`, the key of one of its records, it is told what splitting that record off would do.
    """
    env: Environment = request.app.state.env
    with read_transaction(env) as connection:
        row = read_resource_row(connection, resource_id)
        newer = redirect_of(connection, resource_id)
        if newer is not None:
            return see(address(f"/console/resources/{newer}"))
        if row is None:
            raise HTTPException(404, "There is no resource with this id.")
        facts: dict[str, Any] = {
            "decisions": decisions_on(connection, None, resource_id),
            "versions": versions_of_resource(connection, resource_id),
            "members": members_of(connection, resource_id),
            "old_ids": old_ids(connection, resource_id),
        }
    return render(
        request,
        "console/resource.html",
        resource=row,
        published=_survivors(row["record"]),
        target=resource_id,
        back=f"/console/resources/{resource_id}",
        split=next((member for member in facts["members"] if member.key == split), None),
        **_correcting(row["record"], path),
        **facts,
    )


def _split(env: Environment, resource_id: str, key: str, by: str, reason: str) -> Batch:
    """Judge a record to be another work than each of the others of its resource. Raises CannotDecide."""
    with read_transaction(env) as connection:
        keys = live_members(connection, resource_id, MAX_SPLIT + 1)
    if key not in keys or len(keys) == 1:
        raise CannotDecide(sentence("%(key)s is not one of several live records of this resource any more", key=key))
    if len(keys) > MAX_SPLIT:
        raise CannotDecide(
            sentence("this resource has more than %(most)s records; judge its pairs instead", most=MAX_SPLIT)
        )
    return judge_all(env, "different", [(key, other) for other in keys if other != key], by=by, reason=reason)


def _survivors(record: Resource) -> list[dict[str, Any]]:
    """Return the rows of a merged record, each with the keys of the records that its values come from."""
    sources = {name: list(dict.fromkeys(each.key for each in origins)) for name, origins in record.provenance.items()}
    return [{**row, "records": sources.get(row["field"], [])} for row in _rows(record)]


@router.post("/resources/{resource_id}")
def decide_on_resource(
    request: Request, resource_id: str, account: Steward, form: Annotated[FormData, Depends(posted)]
) -> Response:
    """Correct a field of a resource, withdraw it, or split one of its records off."""
    back = address(f"/console/resources/{resource_id}")
    if field(form, "action") == "split":
        env: Environment = request.app.state.env
        key, reason = field(form, "key", 4_000), field(form, "reason")
        text = marked("Split off: it is another work than %(count)s others, from the next publication on.")
        return decide(request, back, lambda: _split(env, resource_id, key, account.name, reason), text)
    return _decide(request, form, resource_id, address(f"/console/resources/{resource_id}"), account.name, {})


def _decide(
    request: Request,
    form: FormData,
    target: str,
    back: str,
    by: str,
    deeds: dict[str, tuple[Callable[[], int], str]],
) -> Response:
    """Do what a form's action says, of `deeds` or of what can be done to records and resources alike."""
    env: Environment = request.app.state.env
    path, reason = field(form, "path", 200), field(form, "reason")
    alike: dict[str, tuple[Callable[[], int], str]] = {
        "correct": (
            lambda: record_correction(
                env, target, path, value_in(form, path), by=by, reason=reason, seen=seen_in(form)
            ),
            marked("Corrected. It is published with the next publication."),
        ),
        "withdraw": (
            lambda: withdraw(env, target, by=by, reason=reason),
            marked("Withdrawn. From the next publication on it is no longer shown."),
        ),
    }
    deed = (alike | deeds).get(field(form, "action"))
    if deed is None:
        raise HTTPException(422, "There is no such decision.")
    make, text = deed
    return decide(request, back, lambda: Batch(f"curation:{make()}", 1), text)
