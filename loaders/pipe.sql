-- Reads: spooled (assessments in the order they came), refused. Makes: outcome (one a record), and empty plan tables.
CREATE TABLE winner AS
SELECT * FROM spooled
QUALIFY row_number() OVER (PARTITION BY identifier ORDER BY datestamp DESC NULLS LAST, file_row_number DESC) = 1;

CREATE VIEW outcome AS
SELECT w.* EXCLUDE (file_row_number) FROM winner w
ANTI JOIN refused r ON w.identifier = r.identifier
    AND r.sha256 = CASE WHEN w.kind = 'tombstone' THEN '' ELSE w.sha256 END;

CREATE VIEW counted AS
SELECT (SELECT count(*) FROM spooled) AS listed, (SELECT count(*) FROM winner) AS distinct_,
    (SELECT count(*) FROM winner) - (SELECT count(*) FROM outcome) AS refused;

CREATE VIEW deletions AS
SELECT identifier, format, datestamp, false AS absent, kind AS status FROM winner LIMIT 0;
CREATE VIEW rejections AS
SELECT identifier, format, datestamp, sha256, reason FROM winner LIMIT 0;
CREATE VIEW restamped AS
SELECT identifier, datestamp FROM winner LIMIT 0;
CREATE VIEW older AS
SELECT identifier, sha256, 0 AS age FROM winner LIMIT 0;
