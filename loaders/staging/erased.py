"""Keep what was erased out of what is made from landing: crosswalks read what no comparison of words finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from loaders.landing import Erasures
from schemas import ERASED, Assessment, Environment, Resource, TextDigest, redact, replace


def keep_erased_out(env: Environment, feed: str, assessments: Iterable[Assessment]) -> Iterator[Assessment]:
    """Yield the assessments of a feed's records without the names and contacts that were erased from them."""
    erasures = [erasure for erasure in Erasures(env.landing).of_feed(feed) if erasure.text is not None]
    for assessment in assessments:
        texts = [erasure.text for erasure in erasures if erasure.text and erasure.covers(assessment.identifier)]
        yield _without(assessment, texts) if texts else assessment


def _without(assessment: Assessment, texts: list[TextDigest]) -> Assessment:
    issues = tuple(replace(issue, value=redact(issue.value, texts)) for issue in assessment.issues)
    resource = assessment.resource
    if resource is not None:
        record = msgspec.json.encode(resource).decode()
        redacted = redact(record, texts)
        if redacted != record:
            kept = msgspec.json.decode(without_placeholders(redacted), type=Resource)
            resource = replace(kept, key=resource.key)
    return replace(assessment, issues=issues, resource=resource)


def without_placeholders(record: str) -> str:
    """Return the JSON of a record without people and publishers of whom nothing but the placeholder is left."""
    resource = msgspec.json.decode(record, type=Resource)
    kept = msgspec.structs.replace(
        resource,
        contributors=tuple(person for person in resource.contributors if person.name != ERASED),
        publishers=tuple(name for name in resource.publishers if name != ERASED),
    )
    return msgspec.json.encode(kept, order="deterministic").decode()
