"""Dates as they are written, to EDTF level 1."""

from transforms.normalize.dates.calendars import Date
from transforms.normalize.dates.edtf import ChosenDates, choose_dates, read_date, says_no_date

__all__ = [
    "ChosenDates",
    "Date",
    "choose_dates",
    "read_date",
    "says_no_date",
]
