"""IMS Content Packaging, SCORM and Common Cartridge manifests: the LOM inside describes the package.

https://www.imsglobal.org/content/packaging/ · https://www.imsglobal.org/cc/
"""

from __future__ import annotations

from transforms.crosswalks import lom
from transforms.crosswalks.engine import Table, XmlFormat

_TABLE_OF_CONTENTS = "the package's table of contents"
ROWS = {"organizations/organization/title": "title"}
IGNORED = {
    "@*": "internal to the package",
    "@identifier": "internal to the package",
    "@version": "internal to the package",
    "@base": "internal to the package",
    "metadata/schema": "the name of the metadata schema",
    "metadata/schemaversion": "the version of the metadata schema",
    "organizations/*": _TABLE_OF_CONTENTS,
    "resources/*": "the package's files",
    "authorizations/*": "who may open the package",
    "sequencingcollection/*": _TABLE_OF_CONTENTS,
    "manifest/*": "a package inside the package",
}
FORMAT = XmlFormat(
    frozenset({"manifest"}),
    Table(ROWS, IGNORED),
    transparent=lom.FORMAT.transparent,
    nested={"metadata/lom": lom.FORMAT, "metadata/record": lom.FORMAT, "metadata/czp": lom.FORMAT},
)
