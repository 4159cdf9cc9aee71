"""Plain text from what a partner wrote."""

from transforms.normalize.text.plain_text import html_remains, plain_line, plain_text, plain_text_with_repair

__all__ = [
    "html_remains",
    "plain_line",
    "plain_text",
    "plain_text_with_repair",
]
