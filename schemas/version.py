"""The version of the project, in one place."""

__version__ = "0.2.0"
