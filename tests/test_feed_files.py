"""The contract of every feed file, real or sample: a new one is covered by being there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas import PROTOCOLS, Expect, Feed, Request, read_feed, read_feeds
from transforms.crosswalks import CROSSWALKS

ROOT = Path(__file__).parent.parent
REAL = sorted((ROOT / "feeds").glob("*.toml"))  # also those that an installation adds
SHIPPED_NAMES = [
    "alecso_api",
    "alecso_oer",
    "autodesk_json",
    "autodesk_rss",
    "col_oasis",
    "golab_apps",
    "golab_ils",
    "golab_labs",
    "graasp",
    "serbia_nardus",
    "serbia_phaidra",
    "thailand_chula",
    "thailand_psu",
    "tunisia_uvt",
    "unesco_iite",
    "unesco_oai",
    "unesco_unesdoc",
]
SHIPPED = [ROOT / "feeds" / f"{name}.toml" for name in SHIPPED_NAMES]
SAMPLES = sorted((ROOT / "samples" / "feeds").glob("*.toml"))


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def test_every_partner_has_a_real_and_a_sample_feed() -> None:
    partners = {"col", "alecso", "golab", "graasp", "serbia", "thailand", "tunisia", "autodesk", "unesco"}
    assert partners <= {name.split("_")[0] for name in names(REAL)}
    assert partners <= {name.removeprefix("sample_").split("_")[0] for name in names(SAMPLES)}
    assert all(name.startswith("sample_") for name in names(SAMPLES))


@pytest.mark.parametrize("path", REAL + SAMPLES, ids=names(REAL + SAMPLES))
def test_a_feed_can_be_harvested_and_read(path: Path) -> None:
    feed = read_feed(path)
    assert feed.protocol in PROTOCOLS
    assert feed.format in CROSSWALKS
    assert re.fullmatch(r"https?://.+", feed.url)
    assert feed.title.strip() and feed.partner.strip()


@pytest.mark.parametrize("path", SHIPPED, ids=names(SHIPPED))
def test_a_shipped_feed_is_paused_and_polite_until_the_partner_agrees(path: Path) -> None:
    feed = read_feed(path)
    assert feed.status == "paused"
    assert feed.note, "says what is confirmed and what is not"
    assert feed.request.rate <= 2
    assert "127.0.0.1" not in feed.url


@pytest.mark.parametrize("path", SAMPLES, ids=names(SAMPLES))
def test_a_sample_feed_asks_the_loopback_only(path: Path) -> None:
    feed = read_feed(path)
    assert feed.url.startswith("http://127.0.0.1:8765/")
    assert feed.status == "active"


@pytest.mark.parametrize("path", SAMPLES, ids=names(SAMPLES))
def test_a_sample_feed_is_read_in_the_dialect_and_by_the_defaults_of_the_real_one(path: Path) -> None:
    sample, real = read_feed(path), read_feed(ROOT / "feeds" / path.name.removeprefix("sample_"))
    assert (sample.dialect, sample.default_license, sample.default_language) == (
        real.dialect,
        real.default_license,
        real.default_language,
    )


@pytest.mark.parametrize("path", REAL + SAMPLES, ids=names(REAL + SAMPLES))
def test_no_feed_file_holds_a_credential(path: Path) -> None:
    secret = re.compile(r"(password|passwd|secret|api_?key|token|authorization)\s*[=:]\s*[\"'][^\"'{]+", re.IGNORECASE)
    assert not secret.search(path.read_text(encoding="utf-8"))


def test_the_example_of_the_readme_is_a_feed_file_that_passes_these_tests(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", readme, flags=re.DOTALL)
    path = tmp_path / "open_textbooks.toml"
    path.write_text(example, encoding="utf-8")
    test_a_feed_can_be_harvested_and_read(path)
    test_no_feed_file_holds_a_credential(path)


def test_the_documentation_lists_every_key_and_no_other() -> None:
    text = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z_.]+)` \|", text, flags=re.MULTILINE))
    keys = set(Feed.model_fields) - {"name", "request", "expect"}
    keys |= {f"request.{key}" for key in Request.model_fields} | {f"expect.{key}" for key in Expect.model_fields}
    assert documented == keys


def test_every_wrong_key_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text(
        'title = "x"\nprotocol = "oai_pmhh"\ncolour = "red"\n[request]\nrate = -1\n', encoding="utf-8"
    )
    (tmp_path / "Bad-Name.toml").write_text('title = "x"\n', encoding="utf-8")
    (tmp_path / "not_toml.toml").write_text("title = \n", encoding="utf-8")
    (tmp_path / "good.toml").write_text(
        'title="t"\npartner="p"\nprotocol="oai_pmh"\nurl="https://example.org/oai"\nformat="oai_dc"\n', encoding="utf-8"
    )
    good, bad = read_feeds(tmp_path)
    assert [feed.name for feed in good] == ["good"]
    messages = "\n".join(str(error) for error in bad)
    for part in ("Bad-Name.toml", "not_toml.toml", "colour: unknown key", "protocol", "url", "partner", "request.rate"):
        assert part in messages
