"""What the crosswalks share: tables of paths, XML and JSON trees, references between their parts, and people."""

from transforms.crosswalks.engine.bases import resolve_addresses
from transforms.crosswalks.engine.jsontree import At, JsonFormat, NamedText, parse_json, repeated_members
from transforms.crosswalks.engine.paths import Element, bare_name, by_attributes, local_name, with_predicates
from transforms.crosswalks.engine.people import add_contributor
from transforms.crosswalks.engine.references import References
from transforms.crosswalks.engine.table import USED, Group, Reader, Table, Unreadable, Value
from transforms.crosswalks.engine.xmlmembers import xml_members
from transforms.crosswalks.engine.xmlpayload import parse_xml, unwrap
from transforms.crosswalks.engine.xmltree import XML_LANG, Location, Named, XmlFormat, XmlWalk

__all__ = [
    "USED",
    "XML_LANG",
    "At",
    "Element",
    "Group",
    "JsonFormat",
    "Location",
    "Named",
    "NamedText",
    "Reader",
    "References",
    "Table",
    "Unreadable",
    "Value",
    "XmlFormat",
    "XmlWalk",
    "add_contributor",
    "bare_name",
    "by_attributes",
    "local_name",
    "parse_json",
    "parse_xml",
    "repeated_members",
    "resolve_addresses",
    "unwrap",
    "with_predicates",
    "xml_members",
]
