"""The parameters that the API's addresses have: what each may hold, and errors that name those that do not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import StringConstraints

from web.languages import LANGUAGES
from web.problems import Problem

MAX_TEXT_CHARS = 2_000  # of a search
MAX_PAGE_RESOURCES = 100  # of a search
MAX_SEARCH_DEPTH = 10_000  # resources of one search that can be reached page by page
MAX_PAGE_CHANGES = 500
_MAX_VALUES, _MAX_VALUE_CHARS = 10, 200  # of a facet
_MAX_PAGE = 1_000_000

_Value = Annotated[str, StringConstraints(min_length=1, max_length=_MAX_VALUE_CHARS)]
_Values = Annotated[list[_Value], Query(max_length=_MAX_VALUES)]


def _facet(description: str) -> Any:
    return Query(max_length=_MAX_VALUES, description=f"{description} May be repeated: any of them.")


SearchText = Annotated[str, Query(max_length=MAX_TEXT_CHARS, description="Words, in any language; empty: everything.")]
Languages = Annotated[list[_Value], _facet("Language of the content, as in BCP 47, without script: `sr`.")]
Levels = Annotated[list[_Value], _facet("Educational level, ISCED 2011: `0` to `8`.")]
Types = Annotated[list[_Value], _facet("Type of resource, such as `video`.")]
Subjects = Annotated[list[_Value], _facet("Subject: `isced-f:` or `unesco:` and its code.")]
Competencies = Annotated[list[_Value], _facet("Competency of UNESCO's ICT-CFT or AI-CFT, such as `ict-cft.3.2`.")]
Licenses = Annotated[list[_Value], _facet("Licence, by its name: `CC BY 4.0`.")]
Partners = Annotated[list[_Value], _facet("Partner, by its name.")]
Openness = Annotated[Literal["yes"] | None, Query(description="`yes`: only what is openly licensed.")]
Order = Annotated[Literal["relevance", "newest", "quality"], Query(description="What comes first.")]
Page = Annotated[int, Query(ge=1, le=_MAX_PAGE, description="Number of the page, from 1.")]
PageSize = Annotated[int, Query(ge=1, le=MAX_PAGE_RESOURCES, description="Resources on a page.")]
LabelLanguage = Annotated[
    Literal["en", "fr", "ru", "ar"], Query(description="Language of the labels of the facets' values.")
]
WithFacets = Annotated[bool, Query(description="Whether values are counted: the answer is quicker without.")]
Since = Annotated[
    str, Query(max_length=200, description="The cursor of an earlier answer; empty: everything from the beginning.")
]
ChangesLimit = Annotated[int, Query(ge=1, le=MAX_PAGE_CHANGES, description="Changes on a page.")]
assert LANGUAGES == ("en", "fr", "ru", "ar")  # LabelLanguage lists them

_NAMES: dict[str, Mapping[str, bool]] = {}  # by path: the names of its parameters, and which may be repeated


def check_names(request: Request) -> None:
    """Raise Problem for a parameter that the address does not have, and for one that is given twice and may not be."""
    known = _names_of(request)
    given = list(request.query_params.keys())
    unknown = [name for name in given if name not in known]
    if unknown:
        detail = (
            f"There is no parameter {', '.join(map(repr, unknown[:10]))} here; there are {', '.join(known) or 'none'}."
        )
        raise Problem("unknown-parameter", detail[:1_000], unknown=unknown[:10], known=list(known))
    twice = [name for name in given if len(request.query_params.getlist(name)) > 1 and not known[name]]
    if twice:
        raise Problem("bad-parameter", f"Given more than once: {', '.join(twice)}.")


def _names_of(request: Request) -> Mapping[str, bool]:
    path = request.scope["route"].path
    if path not in _NAMES:
        operations = request.app.openapi()["paths"].get(path, {})
        parameters = operations.get("get", {}).get("parameters", ())
        _NAMES[path] = {
            each["name"]: each["schema"].get("type") == "array" for each in parameters if each["in"] == "query"
        }
    return _NAMES[path]
