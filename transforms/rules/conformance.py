"""Rules of the published standards: IEEE LOM 1484.12.1 vocabularies, ISCED 2011 and AMB."""

from __future__ import annotations

import re
from collections.abc import Callable

from schemas import Resource
from transforms.rules.people import person
from transforms.rules.rule import Context, Find, Rule, Violation

_ROLES = frozenset(
    {"author", "publisher", "unknown", "initiator", "terminator", "validator", "editor", "graphical designer"}
    | {"technical implementer", "content provider", "technical validator", "educational validator", "script writer"}
    | {"instructional designer", "subject matter expert"}
)
_RELATION_KINDS = frozenset(
    {"ispartof", "haspart", "isversionof", "hasversion", "isformatof", "hasformat", "references", "isreferencedby"}
    | {"isbasedon", "isbasisfor", "requires", "isrequiredby"}
)
_CONTEXTS = frozenset(
    {"school", "higher education", "training", "other", "pre-school", "compulsory education", "special education"}
    | {"vocational education", "distance education", "continuing education", "professional development", "library"}
    | {"educational administration", "policy making"}
)
_DIFFICULTIES = frozenset({"very easy", "easy", "medium", "difficult", "very difficult"})
_INTERACTIVITY = frozenset({"active", "expositive", "mixed"})
_LEVELS = frozenset("0123456789")
_DURATION = re.compile(r"P(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?")
_AMB_LICENSE = re.compile(
    r"https?://(?:creativecommons\.org/(?:licenses|licences|publicdomain)/.+|www\.gnu\.org/licenses/.+"
    r"|www\.apache\.org/licenses/.+|(?:www\.)?opensource\.org/licenses/(?:MIT|BSD.*|mit.*|bsd.*))",
)


def _one_of(allowed: frozenset[str], read: Callable[[Resource], list[Violation]]) -> Find:
    """Return a function that finds every value of a field that is not in its vocabulary."""

    def find(resource: Resource, _: Context) -> list[Violation]:
        return [(path, value) for path, value in read(resource) if value not in allowed]

    return find


def _roles(resource: Resource) -> list[Violation]:
    return [
        (f"contributors[{number}].role", contributor.role) for number, contributor in enumerate(resource.contributors)
    ]


def _kinds(resource: Resource) -> list[Violation]:
    return [(f"relations[{number}].kind", relation.kind) for number, relation in enumerate(resource.relations)]


def _contexts(resource: Resource) -> list[Violation]:
    return [(f"contexts[{number}]", context) for number, context in enumerate(resource.contexts)]


def _levels(resource: Resource) -> list[Violation]:
    return [(f"levels[{number}]", level) for number, level in enumerate(resource.levels)]


def _difficulty(resource: Resource) -> list[Violation]:
    return [("difficulty", resource.difficulty)] if resource.difficulty else []


def _interactivity(resource: Resource) -> list[Violation]:
    return [("interactivity_type", resource.interactivity_type)] if resource.interactivity_type else []


def _learning_time(resource: Resource, _: Context) -> list[Violation]:
    duration = resource.typical_learning_time
    return [("typical_learning_time", duration)] if duration and not _DURATION.fullmatch(duration) else []


def _amb_license(resource: Resource, _: Context) -> list[Violation]:
    uri = resource.license.uri if resource.license else None
    return [("license.uri", uri)] if uri and not _AMB_LICENSE.fullmatch(uri) else []


def _amb_type(resource: Resource, _: Context) -> list[Violation]:
    types = resource.resource_types
    return [] if not types or any(concept.uri for concept in types) else [("resource_types", types[0].source)]


def _relation(kind: str) -> dict[str, object]:
    """Return a relation for an example."""
    return {"relations": [{"kind": kind, "target": "https://learn.unesco.org/a/2"}]}


def _licensed(uri: str) -> dict[str, object]:
    """Return a licence for an example."""
    return {"license": {"uri": uri, "spdx": None, "label": None, "statement": uri, "origin": "record", "open": True}}


_LOM = "Systems that exchange IEEE LOM drop or refuse values that are not in its vocabulary."
_HCRT = "https://w3id.org/kim/hcrt/video"

RULES = (
    Rule(
        code="lom_role", path="contributors", severity="info", part="people",
        find=_one_of(_ROLES, _roles),
        wrong="A contributor's role is not one of LOM 2.3.1.", why=_LOM,
        mend="Use author, editor, publisher, graphical designer, or another role of LOM 2.3.1.",
        good={"contributors": [person("Curie, Marie")]},
        bad={"contributors": [person("Curie, Marie", role="fotograf")]},
    ),
    Rule(
        code="lom_relation", path="relations", severity="info", part="subject",
        find=_one_of(_RELATION_KINDS, _kinds),
        wrong="The kind of a relation is not one of LOM 7.1.", why=_LOM,
        mend="Use ispartof, isversionof, isbasedon, references or another kind of LOM 7.1.",
        good=_relation("isversionof"), bad=_relation("similar"),
    ),
    Rule(
        code="lom_context", path="contexts", severity="info", part="audience",
        find=_one_of(_CONTEXTS, _contexts),
        wrong="A context is in neither LOM 5.6 nor LRE.", why=_LOM,
        mend="Use school, higher education, training, or a context of LREv3.0.",
        good={"contexts": ["higher education"]}, bad={"contexts": ["Gymnasium"]},
    ),
    Rule(
        code="lom_difficulty", path="difficulty", severity="info", part="audience",
        find=_one_of(_DIFFICULTIES, _difficulty),
        wrong="The difficulty is not one of LOM 5.8.", why=_LOM,
        mend="Use very easy, easy, medium, difficult or very difficult.",
        good={"difficulty": "medium"}, bad={"difficulty": "Advanced"},
    ),
    Rule(
        code="lom_interactivity", path="interactivity_type", severity="info", part="type",
        find=_one_of(_INTERACTIVITY, _interactivity),
        wrong="The interactivity type is not one of LOM 5.1.", why=_LOM,
        mend="Use active, expositive or mixed.",
        good={"interactivity_type": "mixed"}, bad={"interactivity_type": "high"},
    ),
    Rule(
        code="lom_learning_time", path="typical_learning_time", severity="info", part="audience", find=_learning_time,
        wrong="The learning time is not an ISO 8601 duration.", why=_LOM,
        mend="Write PT45M for 45 minutes, PT1H30M for an hour and a half.",
        good={"typical_learning_time": "PT1H30M"}, bad={"typical_learning_time": "45 min"},
    ),
    Rule(
        code="isced_level", path="levels", severity="info", part="audience", find=_one_of(_LEVELS, _levels),
        wrong="A level is not one of ISCED 2011.",
        why="Levels of different countries are compared by ISCED.",
        mend="Use the ISCED 2011 levels 0 to 9.",
        good={"levels": ["3"]}, bad={"levels": ["10th grade"]},
    ),
    Rule(
        code="amb_license", path="license.uri", severity="info", part="license", find=_amb_license,
        wrong="The licence's address is not one that the AMB profile accepts.",
        why="Search portals that follow AMB leave the record out.",
        mend="Use a Creative Commons, GNU, Apache, MIT or BSD licence's address.",
        good=_licensed("https://creativecommons.org/licenses/by/4.0/"), bad=_licensed("https://example.org/our-licence"),
    ),
    Rule(
        code="amb_resource_type", path="resource_types", severity="info", part="type", find=_amb_type,
        wrong="No kind of the resource has an address in the HCRT list, which the AMB profile asks for.",
        why="Search portals that follow AMB cannot show its kind.",
        mend="Use a kind that the HCRT list knows: https://w3id.org/kim/hcrt/.",
        good={"resource_types": [{"code": "video", "label": "Video", "source": "video", "uri": _HCRT}]},
        bad={"resource_types": [{"code": "game", "label": "Game", "source": "Spielchen"}]},
    ),
)  # fmt: skip
