"""The page Terms: what is in none of the library's lists; map it to an entry, ignore it, and read its feeds again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import (
    TermFacets,
    TermFilter,
    TermPlace,
    open_questions,
    open_terms,
    reprocesses_under_way,
    term_examples,
    term_facets,
)
from loaders.curation import Batch
from loaders.store import read_kept, read_transaction
from pipeline.terms import map_term, outdated_feeds
from schemas import Environment
from transforms.normalize.vocabulary import FIELD_SCHEMES, entries_of, nearest_entries
from web.console.asking import name_of_term
from web.console.background import CannotBegin, begin_reprocesses
from web.console.decisions import decide, seen_in
from web.forms import field, posted
from web.languages import marked
from web.pages import address, error_in_words, gettext_of, render, see, tell
from web.signing_in import Steward

router = APIRouter()
PAGE_ROWS = 12
MAX_TERM_CHARS = 500
_PATH = "/console/terms"
_FILTER = ("field", "feed", "text")
Choice = tuple[str, str, int, bool]  # label, where it leads, how many it means, and whether it is chosen
_Text = Annotated[str, Query(max_length=500)]


@router.get("/terms")
def terms(
    request: Request,
    field: _Text = "",
    feed: _Text = "",
    text: _Text = "",
    after: _Text = "",
    count: Annotated[int, Query(ge=0, le=2**62)] = 0,
    of: _Text = "",
    examples: _Text = "",
) -> Response:
    """Show the terms that the facets mean, from the one after `after` of the field `of` on.

    `examples` is a term of `field` of which records are shown.
    """
    env: Environment = request.app.state.env
    chosen = TermFilter(field=field, feed=feed, text=text)
    place = TermPlace(count, of, after) if of else None
    with read_transaction(env) as connection:
        shown_examples = term_examples(connection, field, examples) if field and examples else []
        under_way = reprocesses_under_way(connection)
        questions = open_questions(connection)
    rows = read_kept(env, open_terms, chosen, after=place, limit=PAGE_ROWS + 1)
    facets = read_kept(env, term_facets, chosen)
    query = {name: getattr(chosen, name) for name in _FILTER}
    last = rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None
    return render(
        request,
        "console/terms.html",
        rows=rows[:PAGE_ROWS],
        chosen=chosen,
        query=query,
        facets=_facets(request, chosen, facets),
        total=sum(number for _, number in facets.fields if field in ("", _)),
        nearest=nearest_entries,
        entries=entries_of,
        schemes=FIELD_SCHEMES,
        examples_of=examples,
        examples=shown_examples,
        outdated=outdated_feeds(env),
        under_way=under_way,
        asked=lambda *about: questions.get(name_of_term(*about), ()),
        name_of_term=name_of_term,
        back=address(_PATH, query),
        first=address(_PATH, query) if place else "",
        more=address(_PATH, query, of=last.field, after=last.value, count=last.records) if last else "",
    )


def _facets(request: Request, chosen: TermFilter, facets: TermFacets) -> list[tuple[str, list[Choice]]]:
    """Return each facet's title with its choices; a chosen one leads back to all."""
    query = {name: getattr(chosen, name) for name in _FILTER}

    def choice(name: str, label: str, count: int) -> Choice:
        is_chosen = query[name] == label
        return label, address(_PATH, query, **{name: None if is_chosen else label}), count, is_chosen

    return [
        (gettext_of(request, "Field"), [choice("field", *each) for each in facets.fields]),
        (gettext_of(request, "Feed"), [choice("feed", *each) for each in facets.feeds]),
    ]


@router.post("/terms")
def decide_on_term(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Map a term to an entry of a list, or ignore it, for one feed or for all."""
    env: Environment = request.app.state.env
    back = address(_PATH, {name: field(form, f"back_{name}") for name in _FILTER})
    action, value = field(form, "action"), str(form.get("value", ""))[:MAX_TERM_CHARS]
    entry = action.removeprefix("map:") if action.startswith("map:") else field(form, "entry", MAX_TERM_CHARS)
    if action != "ignore" and not entry:
        tell(request, gettext_of(request, "Choose an entry of the list, or write its code or label."), is_error=True)
        return see(back)

    def make() -> Batch:
        return map_term(
            env,
            field(form, "field"),
            value,
            None if action == "ignore" else entry,
            feed=field(form, "for") or None,
            by=account.name,
            reason=field(form, "reason"),
            seen=seen_in(form),
        )

    text = marked("Ignored: %(count)s.") if action == "ignore" else marked("Mapped: %(count)s.")
    return decide(request, back, make, text)


@router.post("/terms/reprocess")
def reprocess(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Read feeds again in the background, and publish: those that have a mapped term, or with `all` the others too."""
    env: Environment = request.app.state.env
    outdated = outdated_feeds(env)
    feeds = [*outdated.having, *(outdated.others if field(form, "all") else ())]
    if not feeds:
        tell(request, gettext_of(request, "Every feed is processed with today's mappings already."))
        return see(_PATH)
    try:
        begun = begin_reprocesses(env, feeds, by=account.name, reason=gettext_of(request, "their terms were mapped"))
    except CannotBegin as error:
        tell(request, error_in_words(request, error), is_error=True)
        return see(_PATH)
    return see(f"/console/work/{begun.id}")
