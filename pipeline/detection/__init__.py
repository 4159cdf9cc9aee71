"""Detect which protocol a source speaks, from an address or an uploaded file, and propose the declaration of a feed."""

from pipeline.detection.apart import DetectionTask, detect_apart
from pipeline.detection.detecting import detect, detect_file
from pipeline.detection.found import Detection, OfferedFormat, OfferedSet, Probe, Proposal, SeenField, Trouble
from pipeline.detection.probing import DetectionBounds

__all__ = [
    "Detection",
    "DetectionBounds",
    "DetectionTask",
    "OfferedFormat",
    "OfferedSet",
    "Probe",
    "Proposal",
    "SeenField",
    "Trouble",
    "detect",
    "detect_apart",
    "detect_file",
]
