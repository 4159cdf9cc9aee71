-- Reads: listing (every landed row), part, state, refused, skipped, setting.
-- Makes: judged (one planned_action per record) and deletions, rejections, restamped, readable, older, work, unrefused.
-- The newest harvest counts; within a harvest the newest datestamp, then the last row. A reprocess (force) leaves refused
-- versions out and uses the version before them, because it may have to rebuild the catalog from nothing.
CREATE VIEW landed_row AS
SELECT l.identifier, l.format, l.datestamp, l.sha256, l.deleted, l.kept, p.path, p.harvest, p.ordinal, l.file_row_number AS row
FROM listing l JOIN part p ON l.filename = p.path;

CREATE TABLE set_aside AS
SELECT h.identifier, h.harvest, h.ordinal, h.row FROM landed_row h
JOIN refused r ON r.identifier = h.identifier AND r.sha256 = CASE WHEN h.deleted THEN '' ELSE h.sha256 END
WHERE (SELECT force FROM setting);

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

CREATE TABLE judged AS
WITH absence AS (
    SELECT k.*,
        whole IS NOT NULL AND coalesce(k.harvest, -1) < whole
        AND NOT EXISTS (SELECT 1 FROM skipped x WHERE x.identifier = k.identifier)
        AND NOT EXISTS (SELECT 1 FROM skipped x WHERE starts_with(k.identifier, x.identifier || '#'))  -- of that page
        AND NOT EXISTS (
            SELECT 1 FROM skipped x WHERE x.identifier IS NULL AND (
                x.since IS NULL OR k.datestamp IS NULL
                OR (k.datestamp[:19] >= x.since[: least(19, length(k.datestamp))]  -- days and seconds, with fractions or not
                    AND k.datestamp[: least(19, length(x.until))] <= x.until[:19])
            )
        )
        AND NOT (force AND EXISTS (SELECT 1 FROM refused r WHERE r.identifier = k.identifier AND r.sha256 = ''))
        AND NOT EXISTS (SELECT 1 FROM set_aside x WHERE x.identifier = k.identifier AND x.harvest >= whole)
        AS absent
    FROM known k, setting
)
SELECT a.*,
    CASE
        WHEN absent OR a.deleted THEN CASE
            WHEN status = 'deleted' THEN 'unchanged'
            WHEN EXISTS (SELECT 1 FROM refused r WHERE r.identifier = a.identifier AND r.sha256 = '') THEN 'unchanged'
            ELSE 'delete' END
        WHEN NOT listed THEN 'nothing'
        WHEN EXISTS (SELECT 1 FROM refused r WHERE r.identifier = a.identifier AND r.sha256 = a.sha256) THEN 'unchanged'
        WHEN reason IS NOT NULL THEN CASE WHEN pending_sha256 = a.sha256 THEN 'unchanged' ELSE 'reject' END
        WHEN force THEN 'transform'
        WHEN pending_sha256 = a.sha256 THEN 'unchanged'
        WHEN status = 'live' AND payload_sha256 = a.sha256 AND pending_sha256 IS NULL THEN 'unchanged'
        ELSE 'transform'
    END AS planned_action
FROM absence a, setting;

DELETE FROM judged WHERE planned_action = 'nothing';

-- A record that is listed but cannot be read is rejected until it can be read; its earlier version stays.
INSERT INTO judged BY NAME
WITH unread AS (
    SELECT identifier, max_by(reason, harvest) AS reason, max(harvest) AS harvest
    FROM skipped WHERE identifier IS NOT NULL GROUP BY identifier
)
SELECT u.identifier,
    false AS listed, false AS deleted, false AS absent,
    coalesce(s.format, (SELECT any_value(format) FROM listing), 'unknown') AS format,
    s.datestamp,
    sha256('unread: ' || u.reason) AS sha256,
    'it cannot be read: ' || u.reason AS reason,
    CASE WHEN s.pending_sha256 = sha256('unread: ' || u.reason)
        OR EXISTS (SELECT 1 FROM refused r WHERE r.identifier = u.identifier AND r.sha256 = sha256('unread: ' || u.reason))
        THEN 'unchanged' ELSE 'reject' END AS planned_action
FROM unread u
ANTI JOIN winner w ON w.identifier = u.identifier
ANTI JOIN landed_row h ON h.identifier = u.identifier AND h.harvest >= u.harvest  -- a refused version is not in winner
LEFT JOIN state s ON s.identifier = u.identifier
WHERE NOT EXISTS (SELECT 1 FROM state p WHERE starts_with(p.identifier, u.identifier || '#'));  -- a page of several records

-- Records that could not be read and are listed again, unchanged or refused.
CREATE VIEW readable AS
SELECT identifier FROM judged
WHERE planned_action = 'unchanged' AND listed AND status = 'live' AND starts_with(pending_reason, 'it cannot be read: ');

CREATE VIEW deletions AS
SELECT identifier, format, datestamp, absent AND NOT withdraw AS absent, status,
    CASE WHEN withdraw THEN 'retired' WHEN absent THEN 'absent' ELSE 'deleted' END AS reason
FROM judged, setting WHERE planned_action = 'delete';

CREATE VIEW rejections AS
SELECT identifier, format, datestamp, sha256, reason FROM judged WHERE planned_action = 'reject';

-- The same payload under another datestamp.
CREATE VIEW restamped AS
SELECT identifier, datestamp FROM judged
WHERE planned_action = 'unchanged' AND listed AND NOT deleted AND NOT absent
    AND datestamp_before IS DISTINCT FROM datestamp AND sha256 IN (payload_sha256, pending_sha256);

-- A reprocess also transforms older versions, in case the newest is not acceptable: the accepted one or, where the
-- catalog does not know the record, every version since it was last deleted.
CREATE TABLE older AS
WITH version AS (
    SELECT l.identifier, l.sha256, max_by(l.format, (l.harvest, l.ordinal, l.row)) AS format,
        max_by(l.datestamp, (l.harvest, l.ordinal, l.row)) AS datestamp, max((l.harvest, l.ordinal, l.row)) AS landed_at
    FROM landed l WHERE NOT l.deleted GROUP BY l.identifier, l.sha256
), gone AS (
    SELECT identifier, max((harvest, ordinal, row)) AS landed_at FROM landed WHERE deleted GROUP BY identifier
)
SELECT v.identifier, v.format, v.datestamp, v.sha256,
    row_number() OVER (PARTITION BY v.identifier ORDER BY v.landed_at DESC) AS age
FROM version v JOIN judged j ON v.identifier = j.identifier LEFT JOIN gone g ON v.identifier = g.identifier, setting
WHERE force AND j.planned_action IN ('transform', 'reject') AND v.sha256 <> j.sha256
    AND (g.landed_at IS NULL OR v.landed_at > g.landed_at)
    AND CASE WHEN j.status IS NULL THEN j.reason IS NULL ELSE v.sha256 = j.payload_sha256 AND j.status = 'live' END;

CREATE VIEW work AS
SELECT identifier, format, datestamp, sha256, kept, path, row FROM judged WHERE planned_action = 'transform';

-- Refused versions that are no longer the partner's newest.
CREATE VIEW unrefused AS
SELECT r.identifier, r.sha256 FROM refused r JOIN judged j ON r.identifier = j.identifier, setting
WHERE NOT force AND (j.listed OR j.absent) AND r.sha256 <> CASE WHEN j.deleted OR j.absent THEN '' ELSE j.sha256 END;
