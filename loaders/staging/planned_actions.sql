-- Reads: what planning.sql made, absence, sighting and skipped (of loaders/landing/absence.sql), ended.
-- Makes: planned (one planned_action per record) and deletions, rejections, restamped, readable, older, work, unrefused.
-- planned_action: what becomes of a record in this run:
--   transform  the version is transformed, and then compared with the catalog (comparison.sql)
--   delete     the record is deleted
--   reject     the version waits, because it cannot be read or contradicts another of the same harvest
--   unchanged  the catalog has the version, or a steward refused it
--   nothing    it is not listed and not gone: left out
CREATE TABLE planned AS
WITH decided AS (
    SELECT k.*,
        withdraw OR (
            (coalesce(b.gone, false) OR e.identifier IS NOT NULL)
            AND NOT (force AND EXISTS (SELECT 1 FROM refused r WHERE r.identifier = k.identifier AND r.sha256 = ''))
        ) AS absent,
        coalesce(b.lists > 0 AND NOT b.gone, false) AS waits
    FROM known k LEFT JOIN absence b USING (identifier) LEFT JOIN ended e USING (identifier), setting
)
SELECT a.*,
    CASE
        WHEN absent OR a.deleted THEN CASE
            WHEN status = 'deleted' THEN 'unchanged'
            WHEN EXISTS (SELECT 1 FROM refused r WHERE r.identifier = a.identifier AND r.sha256 = '') THEN 'unchanged'
            ELSE 'delete' END
        WHEN NOT listed THEN 'nothing'
        WHEN EXISTS (SELECT 1 FROM refused r WHERE r.identifier = a.identifier AND r.sha256 = a.sha256) THEN 'unchanged'
        WHEN force AND waits AND status = 'deleted' THEN 'unchanged'  -- only a list that has it brings it back
        WHEN reason IS NOT NULL THEN CASE WHEN pending_sha256 = a.sha256 THEN 'unchanged' ELSE 'reject' END
        WHEN force THEN 'transform'
        WHEN pending_sha256 = a.sha256 THEN 'unchanged'
        WHEN status = 'live' AND payload_sha256 = a.sha256 AND pending_sha256 IS NULL THEN 'unchanged'
        ELSE 'transform'
    END AS planned_action
FROM decided a, setting;

DELETE FROM planned WHERE planned_action = 'nothing';

-- A record that is listed but cannot be read is rejected until it can be read; its earlier version stays.
INSERT INTO planned BY NAME
WITH unread AS (
    SELECT identifier, max_by(reason, harvest) AS reason, max(harvest) AS harvest
    FROM skipped, setting WHERE identifier IS NOT NULL AND harvest >= first GROUP BY identifier
)
SELECT u.identifier,
    false AS listed, false AS deleted, false AS absent,
    coalesce(s.format, (SELECT any_value(format) FROM landed_row), 'unknown') AS format,
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
WHERE NOT EXISTS (SELECT 1 FROM state p WHERE starts_with(p.identifier, u.identifier || '#'))  -- a page of several records
    AND (SELECT count(*) FROM sighting x WHERE x.harvest > u.harvest) < getvariable('absent_after');

-- Records that could not be read and are listed again, unchanged or refused.
CREATE VIEW readable AS
SELECT identifier FROM planned
WHERE planned_action = 'unchanged' AND listed AND status = 'live' AND starts_with(pending_reason, 'it cannot be read: ');

CREATE VIEW deletions AS
SELECT identifier, format, datestamp, absent AND NOT withdraw AS absent, status,
    CASE WHEN withdraw THEN 'retired' WHEN absent THEN 'absent' ELSE 'deleted' END AS reason
FROM planned, setting WHERE planned_action = 'delete';

CREATE VIEW rejections AS
SELECT identifier, format, datestamp, sha256, reason FROM planned WHERE planned_action = 'reject';

-- The same payload under another datestamp.
CREATE VIEW restamped AS
SELECT identifier, datestamp FROM planned
WHERE planned_action = 'unchanged' AND listed AND NOT deleted AND NOT absent
    AND datestamp_before IS DISTINCT FROM datestamp AND sha256 IN (payload_sha256, pending_sha256);

-- A reprocess also transforms older versions, in case the newest is not acceptable: the accepted one or, where the
-- catalog does not know the record, every version since it was last deleted.
CREATE TABLE relisted AS
WITH seen AS (
    SELECT DISTINCT identifier, harvest FROM seen_row, setting
    SEMI JOIN planned p ON p.identifier = seen_row.identifier AND p.planned_action IN ('transform', 'reject') WHERE force
), stretch AS (
    SELECT identifier, harvest, lead(harvest) OVER (PARTITION BY identifier ORDER BY harvest) AS listed_again FROM seen
)
SELECT identifier, NULL::VARCHAR AS datestamp, harvest, listed_again::DOUBLE AS listed_again FROM stretch
WHERE EXISTS (SELECT 1 FROM sighting s WHERE s.harvest > stretch.harvest AND s.harvest < stretch.listed_again);

CREATE TABLE older AS
WITH version AS (
    SELECT l.identifier, l.sha256, max_by(l.format, (l.harvest, l.ordinal, l.row)) AS format,
        max_by(l.datestamp, (l.harvest, l.ordinal, l.row)) AS datestamp, max((l.harvest, l.ordinal, l.row)) AS landed_at
    FROM landed l WHERE NOT l.deleted GROUP BY l.identifier, l.sha256
), ending AS (  -- the record was deleted: by its header, by absence, or by a steward who ended the wait
    SELECT identifier, (harvest, ordinal, row) AS landed_at FROM landed WHERE deleted
    UNION ALL SELECT l.identifier, (l.harvest, l.ordinal, l.row) FROM landed l
    JOIN absences_in('relisted') a ON a.identifier = l.identifier AND a.last_listed = l.harvest WHERE a.gone
    UNION ALL SELECT l.identifier, (l.harvest, l.ordinal, l.row) FROM landed l JOIN part p USING (harvest, ordinal)
    JOIN declared_gone d ON d.identifier = l.identifier AND p.run <= d.run
), gone AS (
    SELECT identifier, max(landed_at) AS landed_at FROM ending GROUP BY identifier
)
SELECT v.identifier, v.format, v.datestamp, v.sha256,
    row_number() OVER (PARTITION BY v.identifier ORDER BY v.landed_at DESC) AS age
FROM version v JOIN planned j ON v.identifier = j.identifier LEFT JOIN gone g ON v.identifier = g.identifier, setting
WHERE force AND j.planned_action IN ('transform', 'reject') AND v.sha256 <> j.sha256
    AND (g.landed_at IS NULL OR v.landed_at > g.landed_at)
    AND CASE WHEN j.status IS NULL THEN j.reason IS NULL ELSE v.sha256 = j.payload_sha256 AND j.status = 'live' END;

CREATE VIEW work AS
SELECT identifier, format, datestamp, sha256, kept, path, row FROM planned WHERE planned_action = 'transform';

-- Refused versions that are no longer the partner's newest.
CREATE VIEW unrefused AS
SELECT r.identifier, r.sha256 FROM refused r JOIN planned j ON r.identifier = j.identifier, setting
WHERE NOT force AND (j.listed OR j.absent) AND r.sha256 <> CASE WHEN j.deleted OR j.absent THEN '' ELSE j.sha256 END;
