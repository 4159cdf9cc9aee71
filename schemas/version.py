"""The version of this project, which the package, `elib --version` and the User-Agent give."""

__version__ = "0.2.0"
