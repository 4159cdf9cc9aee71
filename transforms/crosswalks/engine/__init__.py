"""What the crosswalks share: tables of paths, XML and JSON trees, and readers for people."""

from transforms.crosswalks.engine.jsontree import JsonFormat, Named, parse, repeated
from transforms.crosswalks.engine.people import contributor
from transforms.crosswalks.engine.table import USED, Group, Reader, Table, Unreadable, Value
from transforms.crosswalks.engine.xmllocation import NONE, Location, Locations
from transforms.crosswalks.engine.xmlparse import Element, Step, local, shown
from transforms.crosswalks.engine.xmlpart import Parts
from transforms.crosswalks.engine.xmlplace import by_attributes, placed
from transforms.crosswalks.engine.xmltree import XmlFormat, XmlWalk
from transforms.crosswalks.engine.xmlwrapper import unwrap

__all__ = [
    "NONE",
    "USED",
    "Element",
    "Group",
    "JsonFormat",
    "Location",
    "Locations",
    "Named",
    "Parts",
    "Reader",
    "Step",
    "Table",
    "Unreadable",
    "Value",
    "XmlFormat",
    "XmlWalk",
    "by_attributes",
    "contributor",
    "local",
    "parse",
    "placed",
    "repeated",
    "shown",
    "unwrap",
]
