"""What a resource is: the kinds that a record states, by the list of their authority where one is named."""

from __future__ import annotations

from collections.abc import Iterable

from schemas import Concept
from transforms.draft import AUTHORITY, IF_KNOWN, Statement
from transforms.normalize.record.assembly import Assembly
from transforms.normalize.vocabulary import code_by_authority, concept_of_code, concept_of_mapping, lookup

_LIST = "resource_type"
_RECORDED = ("video", "audio")  # kinds that a lecture's files can be


def read_resource_types(assembly: Assembly) -> tuple[Concept, ...]:
    """Return the concepts of the stated kinds, each once; what carries the resource is one where no other is known."""
    stated = assembly.draft.get("resource_types")
    mapped = _mapped(assembly, stated)
    statements = [
        statement for statement in stated if assembly.mappings.find("resource_types", statement.value) is None
    ]
    terms, authorities = _of_terms(assembly, statements), _of_authorities(assembly, statements)
    terms = mapped | {code: concept for code, concept in terms.items() if code not in mapped}
    concepts = terms | {code: concept for code, concept in authorities.items() if code not in terms}
    concepts = concepts or _of_authorities(assembly, statements, carrier=True)
    return tuple(_recorded_lectures(assembly, concepts).values())


def _mapped(assembly: Assembly, statements: Iterable[Statement]) -> dict[str, Concept]:
    """Read the terms that a steward mapped; what is ignored gives no concept."""
    concepts: dict[str, Concept] = {}
    for statement in statements:
        mapped = assembly.use_mapping("resource_types", statement)
        if mapped is not None and mapped.code is not None:
            concepts.setdefault(mapped.code, concept_of_mapping(_LIST, mapped.code, statement.value))
    return concepts


def _of_terms(assembly: Assembly, statements: Iterable[Statement]) -> dict[str, Concept]:
    """Read terms as said, then media formats that may be one: "Video" is a kind, "Text/HTML" is not."""
    concepts: dict[str, Concept] = {}
    for statement in sorted(filter(_may_be_term, statements), key=lambda statement: statement.hint == IF_KNOWN):
        concept = assembly.lookup("resource_types", _LIST, statement)
        if concept is not None:
            concepts.setdefault(concept.code, concept)
            assembly.add_origin("resource_types", statement.path, f"list {_LIST}")
    return concepts


def _may_be_term(statement: Statement) -> bool:
    if statement.hint == IF_KNOWN:
        return lookup("media_type", statement.value) is None
    return not (statement.hint or "").startswith(AUTHORITY)


def _of_authorities(
    assembly: Assembly, statements: Iterable[Statement], *, carrier: bool = False
) -> dict[str, Concept]:
    """Read the codes of authorities' lists, or only those of carriers."""
    concepts: dict[str, Concept] = {}
    for statement in statements:
        if not (statement.hint or "").startswith(AUTHORITY):
            continue
        authority, _, entry = (statement.hint or "").removeprefix(AUTHORITY).partition("|")
        code = code_by_authority(authority, entry or statement.value, carrier=carrier)
        if code is not None:
            concepts.setdefault(code, concept_of_code(_LIST, code, statement.value))
            assembly.add_term("resource_types", statement.value, code)
            assembly.add_origin("resource_types", statement.path, f"list {authority}")
    return concepts


def _recorded_lectures(assembly: Assembly, concepts: dict[str, Concept]) -> dict[str, Concept]:
    """Call a lecture whose files are only recordings what they are, not a script: a filmed lecture is a video."""
    lecture = concepts.get("script")
    if lecture is None:
        return concepts
    types = [_main_type(statement.value) for statement in assembly.draft.get("formats")]
    recorded = [kind for kind in _RECORDED if kind in types]
    if not recorded or not set(types) <= {*_RECORDED, None}:
        return concepts
    kinds = {kind: concept_of_code(_LIST, kind, lecture.source) for kind in recorded}
    return {code: concept for code, concept in (concepts | kinds).items() if code != "script"}


def _main_type(media_type: str) -> str | None:
    concept = lookup("media_type", media_type)
    return concept.code.partition("/")[0] if concept else None
