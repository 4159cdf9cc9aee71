"""Pages for stewards and partners, made from the catalog: self-contained HTML in four languages, and JSON beside."""

from loaders.reports.all import all_reports
from loaders.reports.duplicates import duplicates
from loaders.reports.feed import feed_report
from loaders.reports.gate import keep_gate
from loaders.reports.night import night

__all__ = ["all_reports", "duplicates", "feed_report", "keep_gate", "night"]
