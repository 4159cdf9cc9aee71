"""Write pages for stewards and partners from the catalog: self-contained HTML in four languages, and JSON."""

from loaders.reports.duplicates import write_duplicates
from loaders.reports.feed import write_feed_report
from loaders.reports.gate import write_gate_results
from loaders.reports.night import write_all_reports, write_night_report
from loaders.reports.page import command_for, page_suffix
from loaders.reports.preview import PreviewSample, PreviewSummary, write_preview
from loaders.reports.texts import (
    LANGUAGES,
    NoSuchLanguage,
    messages,
    reason_in,
    reason_messages,
    reason_sentence,
)

__all__ = [
    "LANGUAGES",
    "NoSuchLanguage",
    "PreviewSample",
    "PreviewSummary",
    "command_for",
    "messages",
    "page_suffix",
    "reason_in",
    "reason_messages",
    "reason_sentence",
    "write_all_reports",
    "write_duplicates",
    "write_feed_report",
    "write_gate_results",
    "write_night_report",
    "write_preview",
]
