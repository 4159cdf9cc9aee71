-- Reads: outcome, older_outcome, older, batch (issues), state, accepted, errors, deletions, rejections, restamped,
-- readable.
-- Makes: settled and refound (what the load does with each version), judged (the run's counts), plain_rows, facts.
-- The records' JSON is left out, because a join with it would not fit in memory; rows.sql notes the row of each outcome.
CREATE TABLE batch_errors AS
SELECT identifier, count(*) AS errors, string_agg(DISTINCT code, ';' ORDER BY code) AS codes
FROM batch WHERE severity = 'error' GROUP BY identifier;

CREATE VIEW weighed AS
SELECT o.* EXCLUDE (issues, errors, codes, record, unmapped),
    o.errors + coalesce(b.errors, 0) AS errors,
    concat_ws(';', nullif(o.codes, ''), b.codes) AS codes,
    EXISTS (SELECT 1 FROM accepted a WHERE a.identifier = o.identifier AND a.sha256 = o.sha256) AS accepted
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
    END AS ending,
    CASE WHEN w.kind <> 'resource' THEN w.reason WHEN w.errors > 0 THEN 'errors: ' || w.codes END AS why,
    s.pending_reason
FROM weighed w LEFT JOIN state s ON w.identifier = s.identifier;

-- change: how the run's counts have the record. action: what the load does with it:
--   accept   this version becomes the live one
--   settle   the live version stays; its payload's sha256, datestamp, format and score are updated
--   restamp  the live version stays; only its datestamp is updated, without reading the payload
--   pend     this version waits for a decision (rejected, quarantined); an earlier live version stays
--   refind   an older version becomes the live one; the version that waits goes on waiting
--   delete   the record is deleted
--   unpend   a record that could not be read can be read again and has not changed: nothing waits any more
--   none     nothing
CREATE VIEW decided AS
SELECT *,
    CASE ending
        WHEN 'clean' THEN CASE
            WHEN NOT live_before THEN 'added'
            WHEN record_before = record_sha256 THEN 'unchanged'
            ELSE 'changed' END
        WHEN 'deleted' THEN CASE WHEN status = 'deleted' THEN 'unchanged' ELSE 'deleted' END
        ELSE CASE
            WHEN pending_sha256 IS NOT DISTINCT FROM sha256 AND pending_status = ending
                AND pending_record_sha256 IS NOT DISTINCT FROM record_sha256 AND pending_reason = why
            THEN 'unchanged' ELSE ending END
    END AS change
FROM compared;

CREATE TABLE settled AS
SELECT filename, identifier, format, datestamp, sha256, record_sha256, why AS reason, score, errors, codes,
    has_title, has_language, has_license, license_open, ending, change,
    CASE
        WHEN ending = 'clean' AND change <> 'unchanged' THEN 'accept'
        WHEN ending = 'clean' THEN CASE
            WHEN payload_before IS DISTINCT FROM sha256 OR datestamp_before IS DISTINCT FROM datestamp
                OR score_before IS DISTINCT FROM score OR format_before IS DISTINCT FROM format
                OR pending_sha256 IS NOT NULL
            THEN 'settle' ELSE 'none' END
        WHEN change = 'unchanged' THEN 'none'
        WHEN ending = 'deleted' THEN 'delete'
        ELSE 'pend'
    END AS action,
    false AS absent,
    ending = 'clean' AND live_before AND payload_before IS DISTINCT FROM sha256 AS payload_changed,
    live_before AND payload_before IS NOT DISTINCT FROM sha256 AND datestamp_before IS DISTINCT FROM datestamp AS restamped
FROM decided
UNION ALL BY NAME
SELECT d.identifier, d.format, d.datestamp, d.reason, 'deleted' AS change, 'delete' AS action, 'deleted' AS ending, d.absent,
    false AS payload_changed, false AS restamped, 0 AS errors, '' AS codes
FROM deletions d
UNION ALL BY NAME
SELECT r.identifier, r.format, r.datestamp, r.sha256, r.reason, 'rejected' AS change, 'pend' AS action,
    'rejected' AS ending, false AS absent, false AS payload_changed, false AS restamped, 0 AS errors, '' AS codes
FROM rejections r;

-- For a record whose newest version is not acceptable: the newest version that is (only in a reprocess).
CREATE TABLE refound AS
SELECT o.* EXCLUDE (issues, record, unmapped), s.payload_sha256 IS NOT DISTINCT FROM o.sha256 AND s.record_sha256 = o.record_sha256 AS stands
FROM older_outcome o
JOIN older a ON o.identifier = a.identifier AND o.sha256 = a.sha256
JOIN (SELECT identifier FROM settled WHERE ending IN ('quarantined', 'rejected')) n ON o.identifier = n.identifier
LEFT JOIN state s ON o.identifier = s.identifier
WHERE o.kind = 'resource' AND (o.errors = 0 OR EXISTS (
    SELECT 1 FROM accepted x WHERE x.identifier = o.identifier AND x.sha256 = o.sha256))
QUALIFY row_number() OVER (PARTITION BY o.identifier ORDER BY a.age) = 1;

CREATE TABLE judged AS
SELECT identifier, change, action, absent, errors, codes, has_title, has_language, has_license, license_open,
    payload_changed, restamped
FROM settled;

-- The rows that the load writes without a record's JSON.
CREATE VIEW plain_rows AS
SELECT identifier, format, datestamp, sha256, NULL::VARCHAR AS record, NULL::VARCHAR AS record_sha256, reason, ending,
    change, action, absent
FROM settled WHERE filename IS NULL
UNION ALL BY NAME
SELECT identifier, datestamp, 'unchanged' AS change, 'restamp' AS action, 'clean' AS ending, false AS absent FROM restamped
UNION ALL BY NAME
SELECT identifier, 'unchanged' AS change, 'unpend' AS action, 'clean' AS ending, false AS absent FROM readable;

CREATE TABLE open_errors AS
SELECT identifier, sum(errors)::INT AS errors, string_agg(code, ';' ORDER BY code) AS codes FROM errors GROUP BY identifier;

CREATE VIEW facts AS
SELECT coalesce(j.identifier, s.identifier) AS identifier,
    coalesce(s.status = 'live', false) AS live_before,
    CASE WHEN j.action = 'accept' OR f.identifier IS NOT NULL THEN true WHEN j.action = 'delete' THEN false
        ELSE coalesce(s.status = 'live', false) END AS live_after,
    CASE WHEN j.change IS NULL OR j.change = 'unchanged' THEN 'none' ELSE j.change END AS change,
    coalesce(j.absent, false) AS absent,
    greatest(coalesce(j.errors, e.errors, 0), CASE WHEN coalesce(j.action, 'none') = 'none'
        AND s.pending_status IS NOT NULL THEN 1 ELSE 0 END)::INT AS errors,  -- a version that waits counts as an error
    coalesce(j.codes, e.codes, '') AS codes,
    coalesce(CASE WHEN j.action IN ('accept', 'settle') THEN j.has_title ELSE f.has_title END, s.has_title, false) AS has_title,
    coalesce(CASE WHEN j.action IN ('accept', 'settle') THEN j.has_language ELSE f.has_language END, s.has_language, false) AS has_language,
    coalesce(CASE WHEN j.action IN ('accept', 'settle') THEN j.has_license ELSE f.has_license END, s.has_license, false) AS has_license,
    CASE WHEN j.action IN ('accept', 'settle') THEN j.license_open WHEN f.identifier IS NOT NULL THEN f.license_open
        ELSE s.license_open END AS license_open,
    coalesce(j.restamped, t.identifier IS NOT NULL, false) AS restamped,
    coalesce(j.payload_changed, false) AS payload_changed
FROM judged j
FULL JOIN state s ON j.identifier = s.identifier
LEFT JOIN open_errors e ON e.identifier = coalesce(j.identifier, s.identifier)
LEFT JOIN refound f ON f.identifier = j.identifier
LEFT JOIN restamped t ON t.identifier = coalesce(j.identifier, s.identifier)
WHERE j.identifier IS NOT NULL OR s.status <> 'deleted';
