-- Reads: landed_row (every row since the last loaded run), state, refused, setting.
-- Makes: winner, conflict and known, from which planned_actions.sql decides, and duplicates.
-- The newest harvest counts; within a harvest the newest datestamp, then the last row. A reprocess (force) leaves refused
-- versions out and uses the version before them, because it may have to rebuild the catalog from nothing. Where the
-- newest version was refused, and the catalog has an accepted one and none that waits, it uses the accepted one: the
-- versions between the two waited, and the refused one has taken their place.
CREATE TABLE set_aside AS
WITH decided_row AS (
    SELECT h.*, EXISTS (
        SELECT 1 FROM refused r WHERE r.identifier = h.identifier AND r.sha256 = CASE WHEN h.deleted THEN '' ELSE h.sha256 END
    ) AS is_refused
    FROM landed_row h SEMI JOIN refused r ON r.identifier = h.identifier WHERE (SELECT force FROM setting)
), newest AS (
    SELECT identifier, is_refused AND NOT deleted AS is_refused FROM decided_row
    QUALIFY row_number() OVER (
        PARTITION BY identifier ORDER BY harvest DESC, datestamp DESC NULLS LAST, ordinal DESC, row DESC
    ) = 1
), kept_version AS (
    SELECT DISTINCT s.identifier, s.payload_sha256 FROM state s
    JOIN newest n ON n.identifier = s.identifier AND n.is_refused
    JOIN decided_row h ON h.identifier = s.identifier AND h.sha256 = s.payload_sha256 AND NOT h.deleted
    WHERE s.status = 'live' AND s.pending_sha256 IS NULL
)
SELECT h.identifier, h.harvest, h.ordinal, h.row FROM decided_row h LEFT JOIN kept_version k USING (identifier)
WHERE h.is_refused OR (NOT h.deleted AND h.sha256 <> k.payload_sha256);

CREATE VIEW landed AS SELECT h.* FROM landed_row h ANTI JOIN set_aside a ON h.ordinal = a.ordinal AND h.row = a.row;

CREATE TABLE winner AS
SELECT * FROM landed
QUALIFY row_number() OVER (
    PARTITION BY identifier ORDER BY harvest DESC, datestamp DESC NULLS LAST, ordinal DESC, row DESC
) = 1;

-- How many rows of the newest harvest repeat an identifier.
CREATE TABLE duplicates AS
SELECT coalesce(sum(n - 1), 0)::BIGINT AS times FROM (
    SELECT count(*) AS n FROM landed, setting WHERE harvest = newest GROUP BY identifier HAVING count(*) > 1
);

-- Two payloads under one identifier with the same datestamp: neither can be preferred, so both are rejected.
CREATE TABLE conflict AS
SELECT l.identifier,
    sha256(string_agg(DISTINCT l.sha256, ' ' ORDER BY l.sha256)) AS sha256,
    'two different records under the identifier ' || l.identifier || ' in one harvest: '
        || string_agg(l.sha256 || ' at ' || regexp_extract(l.path, '[^/]+/[^/]+$') || ' row ' || l.row, ', '
            ORDER BY l.ordinal, l.row) AS reason
FROM landed l
SEMI JOIN (
    SELECT identifier, harvest, datestamp FROM landed WHERE NOT deleted
    GROUP BY identifier, harvest, datestamp HAVING min(hash(sha256)) <> max(hash(sha256))
) twice ON l.identifier = twice.identifier AND l.harvest = twice.harvest
    AND l.datestamp IS NOT DISTINCT FROM twice.datestamp
SEMI JOIN winner w ON l.identifier = w.identifier AND l.harvest = w.harvest
    AND l.datestamp IS NOT DISTINCT FROM w.datestamp AND NOT w.deleted
WHERE NOT l.deleted
GROUP BY l.identifier;

-- One row per record that is listed, or in the catalog and not deleted.
CREATE TABLE known AS
SELECT coalesce(w.identifier, s.identifier) AS identifier,
    w.identifier IS NOT NULL AS listed,
    coalesce(w.format, s.format) AS format,
    coalesce(w.datestamp, CASE WHEN w.identifier IS NULL THEN s.datestamp END) AS datestamp,
    coalesce(c.sha256, w.sha256) AS sha256,
    coalesce(w.deleted, false) AS deleted,
    coalesce(w.kept, false) AS kept,
    w.path, w.harvest, w.row,
    c.reason,
    s.status, s.payload_sha256, s.pending_sha256, s.pending_reason,
    s.datestamp AS datestamp_before
FROM winner w
FULL JOIN state s ON w.identifier = s.identifier
LEFT JOIN conflict c ON c.identifier = w.identifier
WHERE w.identifier IS NOT NULL OR s.status <> 'deleted';

CREATE VIEW candidate AS SELECT identifier, datestamp FROM known;
