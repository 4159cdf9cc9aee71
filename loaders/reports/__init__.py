"""Write pages for stewards and partners from the catalog: self-contained HTML in four languages, and JSON."""

from loaders.reports.duplicates import pair_facts, write_duplicates
from loaders.reports.feed import write_feed_report
from loaders.reports.gate import write_gate_results
from loaders.reports.night import write_all_reports, write_night_report
from loaders.reports.page import STYLE, command_for, page_suffix, printable
from loaders.reports.preview import PreviewSample, PreviewSummary, write_preview
from loaders.reports.record_rows import indented, record_rows
from loaders.reports.runs import last_runs, nights, recent_runs
from loaders.reports.texts import (
    LANGUAGES,
    NoSuchLanguage,
    evidence_in,
    messages,
    reason_in,
    reason_messages,
    reason_sentence,
)

__all__ = [
    "LANGUAGES",
    "STYLE",
    "NoSuchLanguage",
    "PreviewSample",
    "PreviewSummary",
    "command_for",
    "evidence_in",
    "indented",
    "last_runs",
    "messages",
    "nights",
    "page_suffix",
    "pair_facts",
    "printable",
    "reason_in",
    "reason_messages",
    "reason_sentence",
    "recent_runs",
    "record_rows",
    "write_all_reports",
    "write_duplicates",
    "write_feed_report",
    "write_gate_results",
    "write_night_report",
    "write_preview",
]
