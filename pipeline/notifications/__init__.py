"""One notification per night, and the deadline alert."""

from pipeline.notifications.deadline import READY_BY_VARIABLE, check_ready, read_hour
from pipeline.notifications.night import is_last_of_night, notify, send_needs
from pipeline.notifications.send import NotSent, Receiver

__all__ = [
    "READY_BY_VARIABLE",
    "NotSent",
    "Receiver",
    "check_ready",
    "is_last_of_night",
    "notify",
    "read_hour",
    "send_needs",
]
