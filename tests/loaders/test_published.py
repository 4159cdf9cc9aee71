"""What an export reads of the catalog: every resource once, whatever pages it is read in, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select

from loaders.browse import all_published
from loaders.publication.rows import encode_record
from loaders.store import PublicationRow, RedirectRow, ResourceRow, SourceRecordRow, read_transaction, write_transaction
from schemas import Environment, Leaf, Published, Resource, Withdrawn

PARTNERS = {"books": "Example University", "films": "Sample Film Institute"}
FIRST, LATER = "2026-03-01T02:15:00.900000Z", "2026-03-02T00:00:00.000001Z"


def put(env: Environment, numbers: Sequence[int], **more: Any) -> None:
    """Write resources as a publication leaves them, each with a live record of two feeds and one that is not."""
    rows: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    for number in numbers:
        record = Resource(key=f"books:{number}", title={"en": f"Title {number}"}, unmapped=(Leaf(path="x", value="y"),))
        row = {"id": f"{number:026}", "record": encode_record(record), "record_sha256": "0", "created_at": FIRST}
        rows.append({**row, "updated_at": FIRST, "withdrawn_at": None, **more})
        for feed, status in (("films", "live"), ("books", "live"), ("gone", "deleted")):
            about = {"key": f"{feed}:{number}", "feed": feed, "identifier": str(number), "format": "amb", "run_id": "x"}
            records.append({**about, "status": status, "resource_id": row["id"]})
    at = more.get("updated_at", FIRST)
    with write_transaction(env) as connection:
        if connection.scalar(select(PublicationRow.run_id).where(PublicationRow.changed_at == at)) is None:
            connection.execute(insert(PublicationRow).values(changed_at=at, run_id=at, visible_at=at))
        connection.execute(insert(ResourceRow), rows)
        connection.execute(insert(SourceRecordRow), records)


def read(env: Environment, **how: Any) -> list[tuple[Published, Withdrawn | None]]:
    with read_transaction(env) as connection:
        return list(all_published(connection, partners=PARTNERS, **how))


def test_every_resource_is_read_once_in_the_order_of_ids(env: Environment) -> None:
    assert read(env) == []
    put(env, range(1_100))
    resources = [published for published, gone in read(env) if gone is None]
    assert [each.id for each in resources] == [f"{number:026}" for number in range(1_100)]
    assert {each.feeds for each in resources} == {("books", "films")}
    assert {each.partners for each in resources} == {("Example University", "Sample Film Institute")}
    assert {each.visible_at for each in resources} == {"2026-03-01T02:15:00Z"}
    assert resources[7].record.title == {"en": "Title 7"} and resources[7].record.unmapped == ()
    assert read(env, whole=True)[7][0].record.unmapped == (Leaf(path="x", value="y"),)


def test_a_time_leaves_out_what_was_visible_before_and_never_what_became_visible_in_that_second(
    env: Environment,
) -> None:
    put(env, [1, 2])
    put(env, [3], updated_at=LATER)

    def since(moment: str) -> list[int]:
        return [int(published.id) for published, _ in read(env, since=moment)]

    assert since("2026-03-01T02:15:00Z") == [1, 2, 3], "the second in which they became visible, as an export says it"
    assert since("2026-03-01T02:15:01Z") == [3]
    assert since("2026-03-01") == [1, 2, 3]
    assert since("2026-03-02") == [3]
    assert since("2026-03-03") == []


def test_a_withdrawn_resource_says_which_one_to_use_instead(env: Environment) -> None:
    put(env, [1, 2], updated_at=LATER, withdrawn_at=LATER)
    put(env, [3])
    with write_transaction(env) as connection:
        connection.execute(insert(RedirectRow), [{"old_id": f"{1:026}", "id": f"{3:026}", "at": LATER}])
    gone = {int(published.id): withdrawn for published, withdrawn in read(env, site="https://library.example.org")}
    assert gone[3] is None
    site, moment = "https://library.example.org", "2026-03-02T00:00:00Z"
    assert gone[1] == Withdrawn(id=f"{1:026}", visible_at=moment, redirect=f"{3:026}", site=site)
    assert gone[2] == Withdrawn(id=f"{2:026}", visible_at=moment, site=site)
    assert gone[2].oai_identifier == f"oai:library.example.org:{2:026}"
