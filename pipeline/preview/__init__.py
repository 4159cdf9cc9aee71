"""Previews: a sample of a feed's records, spread over its list, and what the library would make of each."""

from pipeline.preview.making import PREVIEW_RECORDS, MadePreview, make_preview, preview
from pipeline.preview.sampling import NoIdentifiers, NoRecords, SampleBounds

__all__ = [
    "PREVIEW_RECORDS",
    "MadePreview",
    "NoIdentifiers",
    "NoRecords",
    "SampleBounds",
    "make_preview",
    "preview",
]
