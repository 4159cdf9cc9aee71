"""AMB, the German profile of schema.org for learning resources (https://dini-ag-kim.github.io/amb/)."""

from __future__ import annotations

from transforms.crosswalks import schema_org
from transforms.crosswalks.engine import USED, JsonFormat, Reader, Table
from transforms.crosswalks.schema_org import concept, person, relation, resource_kind

_SHARED_ROWS = {
    key: row for key, row in schema_org.ROWS.items() if key.partition("/")[0] not in {"type", "mainentityofpage"}
}
ROWS = _SHARED_ROWS | {
    "caption/id": "links:content",
    "trailer/contenturl": "links:preview",
    "trailer/encodingformat": USED,
}
IGNORED = schema_org.IGNORED | {
    "type": "the kind of thing, which the format says",
    "mainentityofpage": "the services that list the resource, not the resource",
    "mainentityofpage/*": "the services that list the resource, not the resource",
    "creator/affiliation/*": "where a person works, not who took part",
    "contributor/affiliation/*": "where a person works, not who took part",
}
READERS: dict[str, Reader] = {
    **schema_org.READERS,
    "type": resource_kind,
    "audience": concept("audiences"),
    "funder": person("unknown"),
    "competencyrequired": concept("competencies"),
    "haspart": relation("haspart"),
}
FORMAT = JsonFormat(Table(ROWS, IGNORED, READERS), naming=schema_org.literal)
