"""Plain text from what a partner wrote."""

from transforms.normalize.text.plain_text import html_remains, line, plain, told

__all__ = [
    "html_remains",
    "line",
    "plain",
    "told",
]
