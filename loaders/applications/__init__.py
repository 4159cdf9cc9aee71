"""Applications of partners: drafts, what is submitted, what stewards decide on it, and the feeds that come of it."""

from loaders.applications.acceptance import accept_application, complete_acceptances, sha256_of_file
from loaders.applications.application import (
    OPEN_STATUSES,
    Application,
    ApplicationMessage,
    ApplicationStatus,
    ApplicationTrouble,
    Changed,
    answer_question,
    applications_of,
    ask_partner,
    create_draft,
    decline_application,
    keep_test,
    list_applications,
    read_application,
    reopen_application,
    save_draft,
    submit_application,
    withdraw_application,
)
from loaders.applications.names import SameSource, name_trouble, same_sources, source_key, suggested_name
from loaders.applications.uploads import keep_upload, remove_upload, upload_path
from loaders.applications.used_links import use_link

__all__ = [
    "OPEN_STATUSES",
    "Application",
    "ApplicationMessage",
    "ApplicationStatus",
    "ApplicationTrouble",
    "Changed",
    "SameSource",
    "accept_application",
    "answer_question",
    "applications_of",
    "ask_partner",
    "complete_acceptances",
    "create_draft",
    "decline_application",
    "keep_test",
    "keep_upload",
    "list_applications",
    "name_trouble",
    "read_application",
    "remove_upload",
    "reopen_application",
    "same_sources",
    "save_draft",
    "sha256_of_file",
    "source_key",
    "submit_application",
    "suggested_name",
    "upload_path",
    "use_link",
    "withdraw_application",
]
