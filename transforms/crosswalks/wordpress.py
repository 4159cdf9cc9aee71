"""WordPress posts (https://developer.wordpress.org/rest-api/reference/posts/); texts are rendered HTML."""

from __future__ import annotations

from transforms.crosswalks.engine import JsonFormat, Table

_INTERNAL = "internal to the platform"
ROWS = {
    "link": "url",
    "guid/rendered": "identifiers",
    "guid": "identifiers",
    "title/rendered": "title",
    "title": "title",
    "excerpt/rendered": "description",
    "content/rendered": "description",
    "date_gmt": "issued:issued",
    "date": "issued:issued",
    "modified_gmt": "modified",
    "modified": "modified",
    "lang": "languages",
    "wpml_current_locale": "languages",
    "wpml_translations/href": "relations:hastranslation",
    "_embedded/author/name": "contributors:author",
    "_embedded/wp:term/name": "keywords subjects?",
    "_embedded/wp:featuredmedia/source_url": "links:preview",
    "jetpack_featured_media_url": "links:preview",
    "tag_names": "keywords subjects?",
    "category_names": "keywords subjects?",
}
IGNORED = {
    "id": "the platform's number, which the record's key holds",
    "slug": "the end of the address",
    "status": _INTERNAL,
    "type": _INTERNAL,
    "author": "an account's number, which names nobody",
    "featured_media": "the number of a picture",
    "categories": "numbers of terms, whose names are embedded",
    "tags": "numbers of terms, whose names are embedded",
    "comment_status": _INTERNAL,
    "ping_status": _INTERNAL,
    "sticky": _INTERNAL,
    "template": _INTERNAL,
    "format": _INTERNAL,
    "meta/*": _INTERNAL,
    "class_list": _INTERNAL,
    "class_list/*": _INTERNAL,
    "*/protected": _INTERNAL,
    "_links/*": _INTERNAL,
    "_embedded/*": _INTERNAL,
    "wpml_translations/*": "what the translation's own post says",
    "yoast_head": _INTERNAL,
    "yoast_head_json/*": _INTERNAL,
}
FORMAT = JsonFormat(Table(ROWS, IGNORED))
