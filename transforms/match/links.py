# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Link records that are one work in two languages, editions or forms; what is linked is never merged by machine.

Four things link two records: one says that it is a version of the other; their identifiers are the same but for the
mark of the language; one's title is an alternative title of the other, and people, year and numbers agree; or their
titles are the same but for the edition, and people and numbers agree. Links
are found among all records every time, by joins on one value, so that no earlier night bears upon them. A value that
many records share links none of them, and is counted.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas import Evidence, FeatureFiles
from transforms.match.feature_tables import CONFIG, MEMORY, parquet_sql, rows_of

MAX_LINKED_RECORDS = 50  # that share an identifier but for the language, or an alternative title
MAX_SOURCES = 100  # records that name one other as the work that they are a version of
MAX_SOURCES_IN_LANGUAGE = 5  # the same of one feed, in one language: from there on it is a collection
_MAX_YEARS_APART = 3  # of a translation that only its titles tell
_MIN_TITLE_CHARS = 10  # of a title that tells a translation; a series has shorter ones, such as "Editorial"
_READ = (
    *("key", "feed", "tagged_titles", "title", "titles", "numbers", "edition", "year", "name_words"),
    *(
        "languages",
        "description_hash",
        "identifiers",
        "more_identifiers",
        "language_bases",
        "version_targets",
        "edition_title",
    ),
)
_DECLARED = "one record says so"
_BASE = "the same identifier but for the language"
_EDITION = "the same title but for the edition, by the same people"
_TITLE = "the title of one is an alternative title of the other"
LABELS = (_DECLARED, _BASE, _TITLE, _EDITION)  # of evidence; the reports have them in every language
_INVERSE = {
    "isversionof": "hasversion",
    "hasversion": "isversionof",
    "isformatof": "hasformat",
    "hasformat": "isformatof",
}


class Link(NamedTuple):
    """Two records that are one work in two forms, smaller key left."""

    left_key: str
    right_key: str
    variant: str  # translation, edition, version
    kinds: tuple[str, str] | None  # LOM 7.1, of the left to the right and back; None where nobody says it
    seen: str  # why, as evidence shows it

    @property
    def only_format(self) -> bool:
        """Whether the two are formats of one text, which may be merged."""
        return self.kinds is not None and "format" in self.kinds[0]


class Links(NamedTuple):
    """Links in the order of their keys, and the values that too many records share, with their number."""

    links: list[Link]
    crowded: list[tuple[str, int]]


def find_links(features: pa.Table | FeatureFiles, folder: Path | None = None, memory: str = MEMORY) -> Links:
    """Return the links between the records of some features, those of all records of the catalog.

    DuckDB spills to `folder` what its `memory` does not hold.
    """
    config = {**CONFIG, "memory_limit": memory, **({"temp_directory": str(folder)} if folder else {})}
    with duckdb.connect(":memory:", config=config) as connection:
        if isinstance(features, FeatureFiles):
            connection.execute(f"CREATE TEMP VIEW whole AS SELECT idx, {', '.join(_READ)} FROM ({features.query()})")
        else:
            numbers = pa.array(np.arange(1, features.num_rows + 1, dtype=np.int32))
            connection.register("whole", features.select(list(_READ)).add_column(0, "idx", numbers))
        _write_records(connection)
        _write_wanted_names(connection)
        _write_declared(connection)
        _write_same_base(connection)
        _write_same_title(connection)
        _write_other_edition(connection)
        return Links(_links(connection), _crowded(connection))


def _write_records(connection: duckdb.DuckDBPyConnection) -> None:
    """Write `record`: what links are judged by. `tongue` is the language of the first title, `spoken` the languages."""
    connection.execute(
        "CREATE TEMP TABLE record AS SELECT * EXCLUDE (tagged_titles, identifiers, more_identifiers, language_bases, "
        "version_targets, edition_title), split_part(coalesce(tagged_titles[1], ''), ' ', 1) AS tongue, "
        "if(len(languages) > 0, array_to_string(languages, ' '), "
        "split_part(coalesce(tagged_titles[1], ''), ' ', 1)) AS spoken FROM whole"
    )
    connection.execute("CREATE TEMP TABLE crowded (name VARCHAR, records BIGINT)")


def _write_wanted_names(connection: duckdb.DuckDBPyConnection) -> None:
    """Write what records name as versions, their identifiers without a language, and who has a name so wanted."""
    connection.execute(
        "CREATE TEMP TABLE target AS SELECT idx, split_part(target, chr(9), 1) AS kind, "
        "split_part(target, chr(9), 2) AS variant, split_part(target, chr(9), 3) AS name "
        "FROM (SELECT idx, unnest(version_targets) AS target FROM whole WHERE len(version_targets) > 0)"
    )
    connection.execute(
        "CREATE TEMP TABLE base AS SELECT idx, unnest(language_bases) AS name FROM whole WHERE len(language_bases) > 0"
    )
    connection.execute("CREATE TEMP TABLE wanted AS SELECT name FROM target UNION SELECT name FROM base")
    connection.execute(
        "CREATE TEMP TABLE named AS SELECT DISTINCT idx, name FROM ("
        "SELECT idx, unnest(identifiers) AS name FROM whole WHERE len(identifiers) > 0 "
        "UNION ALL SELECT idx, unnest(more_identifiers) FROM whole WHERE len(more_identifiers) > 0 "
        "UNION ALL SELECT idx, if(starts_with(number, 'oai:'), 'oai:', 'other:' || feed || ':') || number "
        "FROM (SELECT idx, feed, lower(substr(key, length(feed) + 2)) AS number FROM whole) "
        "UNION ALL SELECT idx, 'title:' || unnest(titles) FROM whole "
        "WHERE (SELECT count(*) FROM wanted WHERE starts_with(name, 'title:')) > 0"
        ") WHERE starts_with(name, 'ark:') OR name IN (FROM wanted)"
    )


def _write_declared(connection: duckdb.DuckDBPyConnection) -> None:
    """Write `declared`: pairs of which one says that it is a version or format of the other.

    A record that many name is a collection; one that is named by its title must share a person too. A name of the
    record itself tells nothing, nor does one that records of one feed have under two titles.
    """
    connection.execute(
        "CREATE TEMP TABLE hub AS SELECT name, count(DISTINCT idx) AS records FROM target GROUP BY name "
        f"HAVING count(DISTINCT idx) > {MAX_SOURCES} UNION "
        "SELECT name, count(DISTINCT idx) FROM target JOIN record USING (idx) GROUP BY name, feed, spoken "
        f"HAVING count(DISTINCT idx) > {MAX_SOURCES_IN_LANGUAGE} UNION "
        f"SELECT name, count(*) FROM named SEMI JOIN target USING (name) JOIN record USING (idx) GROUP BY name, feed "
        "HAVING count(DISTINCT coalesce(title, '')) > 1"
    )
    connection.execute(
        "INSERT INTO crowded SELECT name, max(records) FROM hub SEMI JOIN named USING (name) GROUP BY name"
    )
    connection.execute(
        "CREATE TEMP TABLE declared AS SELECT DISTINCT t.idx AS source, n.idx AS target, kind, variant, t.name "
        "FROM target t ANTI JOIN hub USING (name) JOIN named n USING (name) "
        "JOIN record s ON s.idx = t.idx JOIN record o ON o.idx = n.idx "
        "WHERE t.idx <> n.idx AND NOT EXISTS (FROM named own WHERE own.idx = t.idx AND own.name = t.name) "
        "AND (NOT starts_with(t.name, 'title:') OR list_has_any(s.name_words, o.name_words))"
    )


_OTHER_LANGUAGE = (  # SQL: two records have no language in common
    "(len(l.languages) > 0 AND len(r.languages) > 0 AND NOT list_has_any(l.languages, r.languages))"
)
_OTHER_TONGUE = (  # SQL: the titles of two records are in two languages, whatever they declare
    "(l.tongue <> '' AND r.tongue <> '' AND l.tongue <> r.tongue AND NOT list_has_any(l.titles, r.titles))"
)
_NUMBERS_AGREE = (  # SQL: not two volumes
    "(l.numbers = r.numbers OR l.numbers = '' OR r.numbers = '' OR "
    "list_has_any(string_split(l.numbers, ' '), string_split(r.numbers, ' ')))"
)


_PEOPLE_AGREE = (  # SQL: two words of names in common, or all of a shorter name
    "(len(l.name_words) > 0 AND len(r.name_words) > 0 AND "
    "len(list_intersect(l.name_words, r.name_words)) >= least(2, len(l.name_words), len(r.name_words)))"
)


def _write_same_base(connection: duckdb.DuckDBPyConnection) -> None:
    """Write `same_base`: pairs in two languages whose identifiers are the same but for the language.

    One of the two may have no mark: it is what the others are translations of. All arks are compared, since UNESDOC's
    are kept without the language. A base tells nothing when one feed has it for two titles of one language.
    """
    connection.execute(
        "CREATE TEMP TABLE member AS SELECT name, idx, bool_or(marked) AS marked FROM ("
        "SELECT name, idx, true AS marked FROM base UNION ALL "
        "SELECT name, idx, false FROM named WHERE starts_with(name, 'ark:') OR name IN (SELECT name FROM base)) "
        "GROUP BY name, idx"
    )
    _keep_telling_groups(connection, "member", "count(DISTINCT coalesce(title, '')) > 1")
    connection.execute(
        "CREATE TEMP TABLE same_base AS SELECT l.idx AS source, r.idx AS target, min(a.name) AS name "
        "FROM member a JOIN member b ON a.name = b.name AND a.idx < b.idx "
        "JOIN record l ON l.idx = a.idx JOIN record r ON r.idx = b.idx "
        f"WHERE ({_OTHER_LANGUAGE} OR {_OTHER_TONGUE}) AND {_NUMBERS_AGREE} "
        "AND (l.title IS DISTINCT FROM r.title OR "
        "((a.marked OR b.marked) AND l.description_hash IS DISTINCT FROM r.description_hash) OR "
        "((a.marked OR b.marked) AND l.description_hash IS NULL)) GROUP BY ALL"
    )


def _keep_telling_groups(connection: duckdb.DuckDBPyConnection, table: str, vague: str) -> None:
    """Drop the names of one record, of too many, and those of which `vague` (SQL) holds in one feed and language."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE shared AS SELECT name, count(*) AS records FROM {table} GROUP BY name "
        "HAVING count(*) > 1"
    )
    connection.execute(f"INSERT INTO crowded FROM shared WHERE records > {MAX_LINKED_RECORDS}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {table} "
        f"SEMI JOIN (FROM shared WHERE records <= {MAX_LINKED_RECORDS}) USING (name)"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {table} ANTI JOIN (SELECT name FROM {table} "
        f"JOIN record USING (idx) GROUP BY name, feed, spoken HAVING {vague}) USING (name)"
    )


def _write_same_title(connection: duckdb.DuckDBPyConnection) -> None:
    """Write `same_title`: pairs in two languages of which one's title is another title of the other.

    People, numbers and, by some years, the date agree. A title of several records of one feed, year and language is
    that of a series.
    """
    connection.execute(
        "CREATE TEMP TABLE titled AS SELECT idx, feed, unnest(titles) AS text FROM record WHERE len(titles) > 0"
    )
    connection.execute(
        "CREATE TEMP TABLE translated AS SELECT DISTINCT text FROM titled JOIN record USING (idx) "
        f"WHERE len(titles) > 1 AND len(name_words) > 0 AND (length(text) >= {_MIN_TITLE_CHARS} "
        "OR regexp_matches(text, '[\u3040-\u9fff\uac00-\ud7af]{4}'))"
    )
    connection.execute(
        "CREATE TEMP TABLE holder AS SELECT text || chr(9) || numbers AS name, text, idx FROM titled "
        "SEMI JOIN translated USING (text) JOIN record USING (idx)"
    )
    _keep_telling_groups(connection, "holder", "count(*) > 1")
    connection.execute(
        "CREATE TEMP TABLE same_title AS SELECT l.idx AS source, r.idx AS target, min(a.text) AS name "
        "FROM holder a JOIN holder b ON a.name = b.name AND a.idx < b.idx "
        "JOIN record l ON l.idx = a.idx JOIN record r ON r.idx = b.idx "
        f"WHERE {_OTHER_LANGUAGE} AND (l.title <> a.text OR r.title <> a.text) "
        f"AND coalesce(abs(l.year - r.year), 0) <= {_MAX_YEARS_APART} "
        f"AND {_PEOPLE_AGREE} GROUP BY ALL"
    )


def _write_other_edition(connection: duckdb.DuckDBPyConnection) -> None:
    """Write `other_edition`: pairs of one language whose titles are the same but for the edition; people agree."""
    connection.execute(
        "CREATE TEMP TABLE edited AS SELECT idx, edition_title AS text FROM whole "
        f"WHERE length(edition_title) >= {_MIN_TITLE_CHARS}"
    )
    connection.execute(
        "CREATE TEMP TABLE edited_holder AS SELECT text || chr(9) || numbers || chr(9) || edition AS printed, "
        "text || chr(9) || numbers AS name, text, idx FROM (FROM edited UNION "
        "SELECT idx, title FROM record WHERE edition = '' AND title IN (SELECT text FROM edited)) "
        "JOIN record USING (idx)"
    )
    _keep_telling_groups(connection, "edited_holder", "count(*) > count(DISTINCT printed)")
    connection.execute(
        "CREATE TEMP TABLE other_edition AS SELECT l.idx AS source, r.idx AS target, min(a.text) AS name "
        "FROM edited_holder a JOIN edited_holder b ON a.name = b.name AND a.idx < b.idx "
        "JOIN record l ON l.idx = a.idx JOIN record r ON r.idx = b.idx "
        f"WHERE l.edition <> r.edition AND NOT {_OTHER_LANGUAGE} AND {_PEOPLE_AGREE} GROUP BY ALL"
    )


def _links(connection: duckdb.DuckDBPyConnection) -> list[Link]:
    """Return one link for each pair, by what tells most: a declaration, then the identifiers, then the titles."""
    rows = connection.execute(
        "SELECT least(l.key, r.key), greatest(l.key, r.key), l.key, kind, variant, label, name, "
        f"{_OTHER_LANGUAGE} OR {_OTHER_TONGUE}, l.edition <> r.edition FROM ("
        f"SELECT *, '{_DECLARED}' AS label, 0 AS rank FROM declared UNION ALL "
        f"SELECT source, target, '', 'translation', name, '{_BASE}', 1 FROM same_base UNION ALL "
        f"SELECT source, target, '', 'translation', name, '{_TITLE}', 2 FROM same_title UNION ALL "
        f"SELECT source, target, '', 'edition', name, '{_EDITION}', 3 FROM other_edition) "
        "JOIN record l ON l.idx = source JOIN record r ON r.idx = target "
        "ORDER BY 1, 2, rank, variant = '', starts_with(kind, 'isformat') OR kind = 'hasformat', 3, kind, name"
    ).fetchall()
    links: dict[tuple[str, str], Link] = {}
    for left, right, source, kind, variant, label, name, translated, edited in rows:
        if (left, right) not in links:
            differs = variant or _variant(kind, translated=translated, edited=edited)
            kinds = _kinds(kind, from_left=source == left)
            links[left, right] = Link(left, right, differs, kinds, f"{label}: {_shown(name)}")
    return list(links.values())


def _shown(name: str) -> str:
    """Return a name without its scheme, which web addresses and arks say themselves; a title as it is."""
    return name.partition(":")[2] if name.startswith(("url:", "ark:", "oai:", "title:")) else name


def _variant(kind: str, *, translated: bool, edited: bool) -> str:
    if "format" in kind:
        return "version"
    return "translation" if translated else "edition" if edited else "version"


def _kinds(kind: str, *, from_left: bool) -> tuple[str, str] | None:
    if not kind:
        return None
    return (kind, _INVERSE[kind]) if from_left else (_INVERSE[kind], kind)


def _crowded(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    rows = connection.execute("SELECT replace(name, chr(9), ' '), max(records) FROM crowded GROUP BY name ORDER BY 1")
    return [(name, int(records)) for name, records in rows.fetchall()]


def undecided(links: Iterable[Link], decided: Container[tuple[str, str]]) -> list[Link]:
    """Return the links between records that no steward judged."""
    return [link for link in links if (link.left_key, link.right_key) not in decided]


def variants_apart(links: Iterable[Link]) -> dict[tuple[str, str], str]:
    """Return the variant of each pair of records that may not be merged."""
    return {(link.left_key, link.right_key): link.variant for link in links if not link.only_format}


def with_links(pairs: pa.Table, links: Iterable[Link]) -> pa.Table:
    """Return the pairs of a match with the linked ones among them: different, and related, in the order of their keys.

    A pair that was not compared has the probability 0. Two formats of one text stay as the matcher left them.
    """
    wanted = {_joined(link.left_key, link.right_key): link for link in links}
    names = pc.binary_join_element_wise(pairs["left_key"], pairs["right_key"], _BETWEEN)
    known = pc.is_in(names, pa.array(list(wanted), pa.string()))
    rows = []
    for row in pairs.filter(known).to_pylist():
        rows.append(_linked_or_kept(row, wanted.pop(_joined(row["left_key"], row["right_key"]))))
    rows += [_linked({"probability": 0.0, "evidence": "[]"}, link) for link in wanted.values()]
    others = pairs.filter(pc.invert(known))
    tables = [others, pa.Table.from_pylist(rows, schema=pairs.schema)]
    return pa.concat_tables(tables).sort_by([("left_key", "ascending"), ("right_key", "ascending")])


def link_pairs_file(pairs: Path, links: Sequence[Link], target: Path, folder: Path) -> None:
    """Write the pairs of a file and the links as `with_links` returns them; DuckDB spills to `folder`."""
    rows = [(link.left_key, link.right_key, place) for place, link in enumerate(links)]
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    names = ("left_key", "right_key", "place")
    types = (pa.string(), pa.string(), pa.int64())
    arrays = [pa.array(values, type_) for values, type_ in zip(columns, types, strict=True)]
    config = {**CONFIG, "memory_limit": MEMORY, "temp_directory": str(folder)}
    with duckdb.connect(":memory:", config=config) as connection:
        connection.register("link", pa.table(arrays, names=list(names)))
        joined = connection.sql(
            f"FROM {parquet_sql(pairs)} FULL JOIN link USING (left_key, right_key) ORDER BY left_key, right_key"
        ).to_arrow_reader(_BATCH_PAIRS)
        schema = pq.read_schema(pairs)
        with pq.ParquetWriter(target, schema, compression="zstd") as file:
            for batch in joined:
                file.write_table(_with_links_of(pa.table(batch), links, schema))


def _with_links_of(pairs: pa.Table, links: Sequence[Link], schema: pa.Schema) -> pa.Table:
    """Return some pairs, those with the place of a link as `with_links` leaves them."""
    is_linked = pc.is_valid(pairs["place"])
    rows = [_linked_or_kept(row, links[row["place"]]) for row in pairs.filter(is_linked).to_pylist()]
    others = pairs.filter(pc.invert(is_linked)).select(schema.names).cast(schema)
    if not rows:
        return others
    tables = [others, pa.Table.from_pylist(rows, schema=schema)]
    return pa.concat_tables(tables).sort_by([("left_key", "ascending"), ("right_key", "ascending")])


def _linked_or_kept(row: Mapping[str, Any], link: Link) -> Mapping[str, Any]:
    """Return a pair with its link; two formats of one text stay as the matcher left them, unless it told them apart."""
    if row["verdict"] is None:
        return _linked({"probability": 0.0, "evidence": "[]"}, link)
    return row if link.only_format and row["verdict"] != "different" else _linked(row, link)


_BATCH_PAIRS = 50_000
_BETWEEN = "\x00"  # the keys of a pair
_DECODER = msgspec.json.Decoder(tuple[Evidence, ...])


def _joined(left: str, right: str) -> str:
    return f"{left}{_BETWEEN}{right}"


def _linked(row: Mapping[str, Any], link: Link) -> dict[str, Any]:
    evidence = (*_DECODER.decode(row["evidence"]), Evidence(field="link", seen=link.seen, weight=0.0))
    return {
        "left_key": link.left_key,
        "right_key": link.right_key,
        "probability": row["probability"],
        "verdict": "different",
        "evidence": msgspec.json.encode(evidence).decode(),
        "related": link.variant,
    }


def relations(
    pairs: pa.Table, features: pa.Table | FeatureFiles, links: Iterable[Link], decided: Container[tuple[str, str]]
) -> Iterator[tuple[str, str, str, str]]:
    """Return the related pairs each way round: key, other key, LOM 7.1 kind of the first to the second, variant.

    Where nobody says which is the original, the later of two `isversionof` the earlier, and each of two translations
    the other, since LOM has no kind for these. What a steward judged is not related.
    """
    stated = {(link.left_key, link.right_key): link.kinds for link in links if link.kinds}
    related = pairs.filter(pc.is_valid(pairs["related"]))
    keys = pa.chunked_array([*related["left_key"].chunks, *related["right_key"].chunks], pa.string()).unique()
    records = rows_of(features, keys, ("key", "year", "edition"))
    sides = (_issued(related["left_key"], records), _issued(related["right_key"], records))
    columns = (related[name].to_pylist() for name in ("left_key", "right_key", "related"))
    for left, right, variant, mine, theirs in zip(*columns, *sides, strict=True):
        if (left, right) in decided:
            continue
        there, back = stated.get((left, right)) or _undeclared_kinds(variant, left_first=mine <= theirs)
        yield left, right, there, variant
        yield right, left, back, variant


def _undeclared_kinds(variant: str, *, left_first: bool) -> tuple[str, str]:
    if variant == "translation":
        return "isversionof", "isversionof"
    return ("hasversion", "isversionof") if left_first else ("isversionof", "hasversion")


def _issued(keys: pa.ChunkedArray, records: pa.Table) -> list[tuple[int, int, str]]:
    """Return what tells the earlier of two versions: year and edition of the records of some keys."""
    rows = records.take(pc.index_in(keys, records["key"]))
    years_and_editions = zip(rows["year"].to_pylist(), rows["edition"].to_pylist(), strict=True)
    return [(year or 0, len(edition), edition) for year, edition in years_and_editions]
