-- Reads: spooled (assessments in the order they came), refused.
-- Makes: kept (the row of each record to stage), counted, and empty tables for the parts of a plan that need landing.
CREATE TABLE winner AS
SELECT identifier, sha256, kind, file_row_number AS row FROM spooled
QUALIFY row_number() OVER (PARTITION BY identifier ORDER BY datestamp DESC NULLS LAST, file_row_number DESC) = 1;

CREATE TABLE kept AS
SELECT w.row FROM winner w
ANTI JOIN refused r ON w.identifier = r.identifier
    AND r.sha256 = CASE WHEN w.kind = 'tombstone' THEN '' ELSE w.sha256 END;

CREATE VIEW counted AS
SELECT (SELECT count(*) FROM spooled) AS listed, (SELECT count(*) FROM winner) AS records,
    (SELECT count(*) FROM winner) - (SELECT count(*) FROM kept) AS refused;

CREATE VIEW deletions AS
SELECT identifier, format, datestamp, false AS absent, kind AS status, reason FROM spooled LIMIT 0;
CREATE VIEW rejections AS
SELECT identifier, format, datestamp, sha256, reason FROM spooled LIMIT 0;
CREATE VIEW restamped AS
SELECT identifier, datestamp FROM spooled LIMIT 0;
CREATE VIEW readable AS
SELECT identifier FROM spooled LIMIT 0;
CREATE VIEW older AS
SELECT identifier, sha256, 0 AS age FROM spooled LIMIT 0;
