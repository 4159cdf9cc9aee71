"""Dates as they are written, to EDTF level 1."""

__all__ = []
