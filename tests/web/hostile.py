"""Texts that a partner could send so that a page runs them, and records that have them in every field."""

from __future__ import annotations

from typing import Any

from schemas import SourceRecord
from tests.pipeline.feeds import listed

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "</title><script>alert(3)</script>",
    "</textarea><script>alert(4)</script>",
    "</pre><script>alert(5)</script>",
    "</bdi><img src=x onerror=alert(6)>",
    '"><script>alert(7)</script>',
    "'><img src=x onerror=alert(8)>",
    '" onmouseover="alert(9)" x="',
    "' onfocus='alert(10)' autofocus x='",
    "` onload=`alert(11)",
    "<svg/onload=alert(12)>",
    "<svg><script>alert(13)</script></svg>",
    "<math><mi//xlink:href='javascript:alert(14)'>",
    "<iframe srcdoc='<script>alert(15)</script>'></iframe>",
    "<object data='data:text/html,<script>alert(16)</script>'></object>",
    "<embed src='javascript:alert(17)'>",
    "<base href='//evil.example/'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(19)'>",
    "<link rel=stylesheet href='//evil.example/a.css'>",
    "<style>*{background:url(javascript:alert(21))}</style>",
    "<form action='//evil.example'><button>x</button></form>",
    "<details open ontoggle=alert(23)>",
    "<body onload=alert(24)>",
    "<a href='javascript:alert(25)'>x</a>",
    "javascript:alert(26)//https://example.org/",
    "JaVaScRiPt:alert(27)",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgyOCk8L3NjcmlwdD4=",
    "vbscript:msgbox(29)",
    "https://example.org/?q=<script>alert(30)</script>",
    "&lt;script&gt;alert(31)&lt;/script&gt;",
    "&#x3C;script&#x3E;alert(32)&#x3C;/script&#x3E;",
    "<!--><script>alert(33)</script>-->",
    "<![CDATA[<script>alert(34)</script>]]>",
    "{{ 7*7 }}{% raw %}{{ request.app.state.settings.secret }}",
    "%(name)s%n%s{0}{secret}",
    "\u202e<script>alert(37)</script>",
    "＜script＞alert(38)＜/script＞",
    "<scr\u0000ipt>alert(39)</scr\u0000ipt>",
    "<x onclick=alert(40)>&quot;",
)


def hostile_records(feed: str) -> list[SourceRecord]:
    """Return a record for each payload that has it in every text, address, identifier and language."""
    return [_hostile(feed, number, payload) for number, payload in enumerate(PAYLOADS)]


def _hostile(feed: str, number: int, payload: str) -> SourceRecord:
    fields: dict[str, Any] = {
        "id": payload,
        "name": f"A title {number} {payload}",
        "description": f"A description that is long enough to be one, with {payload} in its middle and more after it.",
        "inLanguage": [payload, "en"],
        "license": {"id": payload},
        "creator": [{"type": "Person", "name": payload, "id": payload}],
        "publisher": [{"type": "Organization", "name": payload}],
        "keywords": [payload],
        "about": [{"id": payload, "prefLabel": {"en": payload}}],
        "learningResourceType": [payload],
        "educationalLevel": [payload],
        "audience": [payload],
        "datePublished": payload,
        "mainEntityOfPage": [{"id": payload}],
        "encoding": [{"contentUrl": payload, "encodingFormat": payload}],
        "isBasedOn": [{"id": payload}],
        "image": payload,
    }
    record = listed(feed, number, **fields)
    return SourceRecord(
        feed=feed,
        identifier=f"{number} {payload}".replace("\u0000", ""),
        format=record.format,
        payload=record.payload,
        harvested_at=record.harvested_at,
    )
