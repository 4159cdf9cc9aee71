"""The rules answer for any record at all, always the same, and the score stays in its bounds."""

from __future__ import annotations

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import AgeRange, Concept, Contributor, Identifier, Issue, Language, License, Link, Resource, Term, Text
from transforms.rules import RULES, WEIGHTS, Context, apply_rules, score, score_parts

words = st.text(max_size=60) | st.sampled_from(
    ["", " ", "test", "Ã©", "<b>", "النبات", "ไทย", "a,b;c|d", "x@y.zz", "\x85"]
)
tags = st.sampled_from(["en", "ar", "und", "sr-Cyrl", "th", "", "EN_us", "x-y-z"]) | st.text(max_size=8)
addresses = (
    st.text(max_size=30)
    | st.builds("{}://{}/{}".format, st.sampled_from(["http", "https", "ftp", "", "javascript"]), words, words)
    | st.sampled_from(
        ["http://[::1", "http://a:99999/", "http://[fe80::1%eth0]/", "//x", "http://", "http://user:pw@h/x"]
    )
)
many = {"max_size": 3}
records = st.builds(
    Resource,
    key=words,
    identifiers=st.lists(
        st.builds(Identifier, scheme=st.sampled_from(["doi", "handle", "other"]), value=words), **many
    ),
    title=st.dictionaries(tags, words, **many),
    description=st.dictionaries(tags, words, **many),
    keywords=st.lists(st.builds(Text, language=tags, text=words), **many),
    languages=st.lists(
        st.builds(Language, tag=tags, origin=st.sampled_from(["declared", "detected"]), confidence=st.floats(0, 1)),
        **many,
    ),
    contributors=st.lists(
        st.builds(Contributor, name=words, role=words, kind=st.sampled_from(["person", "organisation"])), **many
    ),
    issued=st.none() | words,
    modified=st.none() | words,
    issued_year=st.none() | st.integers(-9999, 9999),
    resource_types=st.lists(st.builds(Concept, code=words, label=words, source=words, uri=st.none()), **many),
    formats=st.lists(words, **many),
    url=st.none() | addresses,
    links=st.lists(st.builds(Link, url=addresses), **many),
    license=st.none()
    | st.builds(
        License,
        uri=st.none() | addresses,
        spdx=st.none(),
        label=st.none(),
        statement=words,
        origin=st.sampled_from(["record", "feed_default"]),
        open=st.none() | st.booleans(),
    ),
    levels=st.lists(words, **many),
    age_range=st.none()
    | st.builds(AgeRange, min=st.none() | st.integers(-5, 200), max=st.none() | st.integers(-5, 200)),
    typical_learning_time=st.none() | words,
    terms=st.lists(st.builds(Term, field=words, source=words, code=st.none() | words), **many),
)


def issues_of(resource: Resource) -> tuple[Issue, ...]:
    (issues,) = apply_rules([(resource, Context())])
    return issues


@settings(max_examples=300, deadline=None)
@given(records)
@example(Resource(key="", url="http://[::1"))
def test_any_record_gets_the_same_issues_twice_and_is_not_changed(resource: Resource) -> None:
    before = msgspec.json.encode(resource)
    issues = issues_of(resource)
    assert issues == issues_of(resource)
    assert msgspec.json.encode(resource) == before
    assert len({(issue.code, issue.path, issue.value) for issue in issues}) == len(issues)
    for issue in issues:
        assert issue.severity == RULES[issue.code].severity
        assert len(issue.value) <= 200


@settings(max_examples=300, deadline=None)
@given(records)
def test_the_score_is_the_sum_of_its_parts_and_issues_never_raise_it(resource: Resource) -> None:
    issues = issues_of(resource)
    parts = score_parts(resource, issues)
    assert parts.keys() == WEIGHTS.keys()
    assert all(0 <= points <= WEIGHTS[part] for part, points in parts.items())
    held_back = any(issue.severity == "error" for issue in issues)
    assert score(resource, issues) == (min(sum(parts.values()), 30) if held_back else sum(parts.values()))
    assert score(resource, issues) <= score(resource, ()) <= 100
