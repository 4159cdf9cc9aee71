"""Go-Lab's lists of apps, labs and inquiry learning spaces (https://www.golabz.eu/rest/{apps,labs,ils}/retrieve.json).

Plain objects; ids are strings.
"""

from __future__ import annotations

from transforms.crosswalks.engine import USED, Group, JsonFormat, Table
from transforms.draft import PERSONAL

_SHARED = {
    "id": "identifiers:golabz.eu",
    "title": "title",
    "author": "contributors:author",
    "description": "description",
    "preview_link": "links:preview",
    "language": "languages",
    "keywords": "keywords",
}
_APPS = _SHARED | {
    "app_golabz_page": "url",
    "app_url": "links:content",
    "app_type": "resource_types",
    "app_format": "formats",
    "app_image": "links:preview",
    "app_thumb": "links:thumbnail",
}
_LABS = _SHARED | {
    "lab_golabz_page": "url",
    "lab_url": "links:content",
    "ils_url": "url",
    "lab_image": "links:preview",
    "lab_thumb": "links:thumbnail",
    "lab_apps/app_title": USED,
    "lab_apps/app_type": "resource_types",
    "lab_apps/app_format": "formats",
}
_ILS = _SHARED | {
    "ils_golabz_page": "url",
    "ils_license": "license",
    "ils_keywords": "keywords subjects?",
    "ils_subject_domain": "subjects",
    "ils_big_ideas": "keywords",
    "ils_language": "languages",
    "ils_age_range": "age_range",
    "ils_difficulty_level": "difficulty",
    "ils_didactical_time": "typical_learning_time",
    "student_link": "url",
    "ils_url": "url",
    "ils_image": "links:preview",
    "ils_thumb": "links:thumbnail",
}
_IGNORED = {
    "user_id": PERSONAL,
    "user_mail": PERSONAL,
    "start_time": "a booking, not the lab",
    "end_time": "a booking, not the lab",
}


def _lab_app(group: Group) -> None:
    """Add each app of a lab as a part of it, and as a link to its content."""
    for value in group.take("app_url"):
        group.add("links", value, "content")
        group.add("relations", value, "haspart")


APPS_FORMAT = JsonFormat(Table(_APPS, _IGNORED))
LABS_FORMAT = JsonFormat(Table(_LABS, _IGNORED, {"lab_apps": _lab_app}))
ILS_FORMAT = JsonFormat(Table(_ILS, _IGNORED))
