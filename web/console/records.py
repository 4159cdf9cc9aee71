"""The pages of one record and of one resource: what the partner sent, what became of it, what is published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import (
    decisions_on,
    findings_of,
    members_of,
    old_ids,
    read_record_row,
    read_resource_row,
    read_source,
    redirect_of,
    versions_of_resource,
)
from loaders.curation import Batch, accept, record_correction, refuse_version, withdraw
from loaders.reports import indented, record_rows
from loaders.store import read_transaction
from schemas import Environment, Resource
from transforms.rules import rule_texts
from web.console.correcting import control_of, paths_of, value_in
from web.console.decisions import decide
from web.forms import field, posted
from web.languages import marked
from web.pages import address, render, see
from web.signing_in import Steward

router = APIRouter()
MAX_SHOWN_CHARS = 2_000  # of a value
_MAX_SOURCE_CHARS = 200_000
_Key = Annotated[str, Query(max_length=4_000)]
_Path = Annotated[str, Query(max_length=200)]


@router.get("/records")
def record(request: Request, key: _Key = "", path: _Path = "") -> Response:
    """Show a record beside its source and its resource; with a path, the control to correct it."""
    env: Environment = request.app.state.env
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
        }
    newest = row["pending_record"] or row["record"]
    return render(
        request,
        "console/record.html",
        row=row,
        resource=resource,
        source=_readable(read_source(env, row)),
        result=_rows(newest),
        accepted=_rows(row["record"] if row["pending_record"] else None),
        published=_rows(resource["record"]) if resource else [],
        rules=rule_texts(),
        target=key,
        back=address("/console/records", {"key": key}),
        **_correcting(newest, path),
        **facts,
    )


def _readable(source: str | None) -> str | None:
    """Return a source indented; one that is very long is cut instead."""
    if source is None or len(source) <= _MAX_SOURCE_CHARS:
        return None if source is None else indented(source)
    return f"{source[:_MAX_SOURCE_CHARS]}…"


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
def resource(request: Request, resource_id: str, path: _Path = "") -> Response:
    """Show a merged resource with where each field comes from; an old id leads to the new one."""
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
        **_correcting(row["record"], path),
        **facts,
    )


def _survivors(record: Resource) -> list[dict[str, Any]]:
    """Return the rows of a merged record, each with the keys of the records that its values come from."""
    sources = {name: list(dict.fromkeys(each.key for each in origins)) for name, origins in record.provenance.items()}
    return [{**row, "records": sources.get(row["field"], [])} for row in _rows(record)]


@router.post("/resources/{resource_id}")
def decide_on_resource(
    request: Request, resource_id: str, account: Steward, form: Annotated[FormData, Depends(posted)]
) -> Response:
    """Correct a field of a resource, or withdraw it."""
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
            lambda: record_correction(env, target, path, value_in(form, path), by=by, reason=reason),
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
