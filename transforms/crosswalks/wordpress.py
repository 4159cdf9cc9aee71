"""WordPress posts (https://developer.wordpress.org/rest-api/reference/posts/); texts are rendered HTML."""

from __future__ import annotations

from transforms.crosswalks.engine import JsonFormat, Table

_MACHINERY = "the platform's own machinery"
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
    "status": _MACHINERY,
    "type": _MACHINERY,
    "author": "an account's number, which names nobody",
    "featured_media": "the number of a picture",
    "categories": "numbers of terms, whose names are embedded",
    "tags": "numbers of terms, whose names are embedded",
    "comment_status": _MACHINERY,
    "ping_status": _MACHINERY,
    "sticky": _MACHINERY,
    "template": _MACHINERY,
    "format": _MACHINERY,
    "meta/*": _MACHINERY,
    "class_list": _MACHINERY,
    "class_list/*": _MACHINERY,
    "*/protected": _MACHINERY,
    "_links/*": _MACHINERY,
    "_embedded/*": _MACHINERY,
    "yoast_head": _MACHINERY,
    "yoast_head_json/*": _MACHINERY,
}
FORMAT = JsonFormat(Table(ROWS, IGNORED))
