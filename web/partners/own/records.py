"""One record of a partner's feed: what is to be fixed in it, and beside it the record at its source now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import last_night, read_record_row, record_fixes
from loaders.store import read_transaction
from schemas import Environment
from web.forms import field, posted
from web.pages import address, gettext_of, render, see, tell
from web.partners.own.checking import NotChecked, check_again, read_check
from web.partners.own.feeds import declared_feed
from web.partners.own.fix_texts import SEVERITY_NAMES, STATE_NAMES, fix_texts
from web.signing_in import Partner, own_feed

router = APIRouter()
MAX_IDENTIFIER_CHARS = 1_200
_CHECK_RATE = "30/hour"  # of one account
_Identifier = Annotated[str, Query(min_length=1, max_length=MAX_IDENTIFIER_CHARS)]


@router.get("/feeds/{name}/records")
def record_page(request: Request, account: Partner, name: str, identifier: _Identifier, check: str = "") -> Response:
    """Show the findings of a record, and beside them those of a check."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    key = f"{name}:{identifier}"
    with read_transaction(env) as connection:
        row = read_record_row(connection, key)
        fixes = record_fixes(connection, key, last_night(connection, name)) if row else []
    if row is None:
        raise HTTPException(404, "There is no such record in your feed.")
    record = row["pending_record"] or row["record"]
    return render(
        request,
        "partners/own/record.html",
        name=name,
        feed=declared_feed(env, name),
        identifier=identifier,
        row=row,
        title=next(iter(record.title.values()), "") if record else "",
        url=(record.url or "") if record else "",
        fixes=fixes,
        check=read_check(env, check, name, identifier) if check else None,
        texts=fix_texts(),
        state_names=STATE_NAMES,
        severity_names=SEVERITY_NAMES,
    )


@router.post("/feeds/{name}/records")
def check_record(request: Request, account: Partner, name: str, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Request the record from its source now; the next page shows what was found."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    identifier = field(form, "identifier", MAX_IDENTIFIER_CHARS)
    back = {"identifier": identifier}
    with read_transaction(env) as connection:
        if read_record_row(connection, f"{name}:{identifier}") is None:
            raise HTTPException(404, "There is no such record in your feed.")
    request.app.state.rates.check(request, _CHECK_RATE, "check-record", str(account.id))
    try:
        check = check_again(env, name, identifier)
    except NotChecked as error:
        tell(request, gettext_of(request, str(error)), is_error=True)
        return see(address(f"/partners/feeds/{name}/records", back))
    return see(address(f"/partners/feeds/{name}/records", back, check=check))
