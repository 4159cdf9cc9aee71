-- Reads: outcome, older_outcome, older, batch (issues), state, accepted_by_steward, mended, narrowed, errors, deletions,
-- rejections, restamped, readable.
-- Makes: staged and acceptable_older (what the load does with each version), plain_rows, facts.
-- The records' JSON is left out, because a join with it would not fit in memory; rows.sql notes the row of each outcome.
CREATE TABLE batch_errors AS
SELECT identifier, count(*) AS errors, string_agg(DISTINCT code, ';' ORDER BY code) AS codes
FROM batch WHERE severity = 'error' GROUP BY identifier;

-- Versions that are accepted in spite of their errors: a steward said so, or standing corrections mend them.
CREATE VIEW acceptable AS SELECT identifier, sha256 FROM accepted_by_steward UNION SELECT identifier, sha256 FROM mended;

CREATE VIEW with_batch_errors AS
SELECT o.* EXCLUDE (issues, errors, codes, record, uncoded_terms),
    o.errors + coalesce(b.errors, 0) AS errors,
    concat_ws(';', nullif(o.codes, ''), b.codes) AS codes,
    EXISTS (SELECT 1 FROM acceptable a WHERE a.identifier = o.identifier AND a.sha256 = o.sha256) AS accepted
FROM outcome o LEFT JOIN batch_errors b USING (identifier);

CREATE VIEW compared AS
SELECT w.*,
    coalesce(s.status = 'live', false) AS live_before,
    s.status, s.record_sha256 AS record_before, s.payload_sha256 AS payload_before, s.datestamp AS datestamp_before,
    s.score AS score_before, s.format AS format_before,
    s.pending_sha256, s.pending_record_sha256, s.pending_status,
    CASE
        WHEN w.kind = 'tombstone' THEN 'deleted'
        WHEN w.kind = 'rejection' THEN 'rejected'
        WHEN w.errors > 0 AND NOT w.accepted THEN 'quarantined'
        ELSE 'clean'
    END AS version_status,
    CASE WHEN w.kind <> 'resource' THEN w.reason WHEN w.codes = 'license_narrowed' THEN w.codes
        WHEN w.errors > 0 THEN 'errors: ' || w.codes END AS version_reason,
    s.pending_reason
FROM with_batch_errors w LEFT JOIN state s ON w.identifier = s.identifier;

-- change: how the run's counts have the record. action: what the load does with it:
--   accept          this version becomes the live one
--   update_payload  the live version stays; its payload's sha256, datestamp, format and score are updated
--   restamp         the live version stays; only its datestamp is updated, without reading the payload
--   set_pending     this version waits for a decision (rejected, quarantined); an earlier live version stays
--   restore_older   an older version becomes the live one; the version that waits goes on waiting
--   delete          the record is deleted
--   clear_pending   a record that could not be read can be read again and has not changed: nothing waits any more
--   none            nothing
CREATE VIEW decided AS
SELECT *,
    CASE version_status
        WHEN 'clean' THEN CASE
            WHEN NOT live_before THEN 'added'
            WHEN record_before = record_sha256 THEN 'unchanged'
            ELSE 'changed' END
        WHEN 'deleted' THEN CASE WHEN status = 'deleted' THEN 'unchanged' ELSE 'deleted' END
        ELSE CASE
            WHEN pending_sha256 IS NOT DISTINCT FROM sha256 AND pending_status = version_status
                AND pending_record_sha256 IS NOT DISTINCT FROM record_sha256 AND pending_reason = version_reason
            THEN 'unchanged' ELSE version_status END
    END AS change
FROM compared;

CREATE TABLE staged AS
SELECT filename, identifier, format, datestamp, sha256, record_sha256, version_reason AS reason, score, errors, codes,
    has_title, has_language, has_license, license_open, version_status, change,
    CASE
        WHEN version_status = 'clean' AND change <> 'unchanged' THEN 'accept'
        WHEN version_status = 'clean' THEN CASE
            WHEN payload_before IS DISTINCT FROM sha256 OR datestamp_before IS DISTINCT FROM datestamp
                OR score_before IS DISTINCT FROM score OR format_before IS DISTINCT FROM format
                OR pending_sha256 IS NOT NULL
            THEN 'update_payload' ELSE 'none' END
        WHEN change = 'unchanged' THEN 'none'
        WHEN version_status = 'deleted' THEN 'delete'
        ELSE 'set_pending'
    END AS action,
    false AS absent,
    version_status = 'clean' AND live_before AND payload_before IS DISTINCT FROM sha256 AS payload_changed,
    live_before AND payload_before IS NOT DISTINCT FROM sha256 AND datestamp_before IS DISTINCT FROM datestamp AS restamped
FROM decided
UNION ALL BY NAME
SELECT d.identifier, d.format, d.datestamp, d.reason, 'deleted' AS change, 'delete' AS action, 'deleted' AS version_status, d.absent,
    false AS payload_changed, false AS restamped, 0 AS errors, '' AS codes
FROM deletions d
UNION ALL BY NAME
SELECT r.identifier, r.format, r.datestamp, r.sha256, r.reason, 'rejected' AS change, 'set_pending' AS action,
    'rejected' AS version_status, false AS absent, false AS payload_changed, false AS restamped, 0 AS errors, '' AS codes
FROM rejections r;

-- For a record whose newest version is not acceptable: the newest version that is (only in a reprocess).
CREATE TABLE acceptable_older AS
SELECT o.* EXCLUDE (issues, record, uncoded_terms), s.payload_sha256 IS NOT DISTINCT FROM o.sha256 AND s.record_sha256 = o.record_sha256 AS is_live_already
FROM older_outcome o
JOIN older a ON o.identifier = a.identifier AND o.sha256 = a.sha256
JOIN (SELECT identifier FROM staged WHERE version_status IN ('quarantined', 'rejected')) n ON o.identifier = n.identifier
LEFT JOIN state s ON o.identifier = s.identifier
WHERE o.kind = 'resource' AND NOT EXISTS (SELECT 1 FROM narrowed n WHERE n.identifier = o.identifier AND n.sha256 = o.sha256)
    AND (o.errors = 0 OR EXISTS (SELECT 1 FROM acceptable x WHERE x.identifier = o.identifier AND x.sha256 = o.sha256))
QUALIFY row_number() OVER (PARTITION BY o.identifier ORDER BY a.age) = 1;

-- The rows that the load writes without a record's JSON.
CREATE VIEW plain_rows AS
SELECT identifier, format, datestamp, sha256, NULL::VARCHAR AS record, NULL::VARCHAR AS record_sha256, reason, version_status,
    change, action, absent
FROM staged WHERE filename IS NULL
UNION ALL BY NAME
SELECT identifier, datestamp, 'unchanged' AS change, 'restamp' AS action, 'clean' AS version_status, false AS absent FROM restamped
UNION ALL BY NAME
SELECT identifier, 'unchanged' AS change, 'clear_pending' AS action, 'clean' AS version_status, false AS absent FROM readable;

CREATE TABLE open_errors AS
SELECT identifier, sum(errors)::INT AS errors, string_agg(code, ';' ORDER BY code) AS codes FROM errors GROUP BY identifier;

CREATE VIEW facts AS
SELECT coalesce(v.identifier, s.identifier) AS identifier,
    coalesce(s.status = 'live', false) AS live_before,
    CASE WHEN v.action = 'accept' OR f.identifier IS NOT NULL THEN true WHEN v.action = 'delete' THEN false
        ELSE coalesce(s.status = 'live', false) END AS live_after,
    CASE WHEN v.change IS NULL OR v.change = 'unchanged' THEN 'none' ELSE v.change END AS change,
    coalesce(v.absent, false) AS absent,
    greatest(coalesce(v.errors, e.errors, 0), CASE WHEN coalesce(v.action, 'none') = 'none'
        AND s.pending_status IS NOT NULL THEN 1 ELSE 0 END)::INT AS errors,  -- a version that waits counts as an error
    coalesce(v.codes, e.codes, '') AS codes,
    coalesce(CASE WHEN v.action IN ('accept', 'update_payload') THEN v.has_title ELSE f.has_title END, s.has_title, false) AS has_title,
    coalesce(CASE WHEN v.action IN ('accept', 'update_payload') THEN v.has_language ELSE f.has_language END, s.has_language, false) AS has_language,
    coalesce(CASE WHEN v.action IN ('accept', 'update_payload') THEN v.has_license ELSE f.has_license END, s.has_license, false) AS has_license,
    CASE WHEN v.action IN ('accept', 'update_payload') THEN v.license_open WHEN f.identifier IS NOT NULL THEN f.license_open
        ELSE s.license_open END AS license_open,
    coalesce(v.restamped, t.identifier IS NOT NULL, false) AS restamped,
    coalesce(v.payload_changed, false) AS payload_changed
FROM staged v
FULL JOIN state s ON v.identifier = s.identifier
LEFT JOIN open_errors e ON e.identifier = coalesce(v.identifier, s.identifier)
LEFT JOIN acceptable_older f ON f.identifier = v.identifier
LEFT JOIN restamped t ON t.identifier = coalesce(v.identifier, s.identifier)
WHERE v.identifier IS NOT NULL OR s.status <> 'deleted';
