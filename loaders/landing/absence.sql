-- Reads: candidate (the records to judge: identifier, datestamp), seen_row (every landed row of the harvests: identifier,
-- harvest), sighting (one row per time that a whole list was seen: the harvest that brought the list), skipped (what
-- could not be read), source_change (the first harvest of each source but the first); the variable absent_after.
-- Makes: absence, of the records that the newest list lacks: gone, and how many lists have lacked it since.
-- Harvests are numbered from the oldest. What was skipped may be the record, so lists are counted anew behind it, and
-- behind a change of source. A record that once was gone stays gone until it is listed again.
CREATE TABLE not_in_newest AS
SELECT identifier, datestamp FROM candidate
ANTI JOIN (SELECT identifier FROM seen_row WHERE harvest >= (SELECT max(harvest) FROM sighting)) USING (identifier)
WHERE EXISTS (SELECT 1 FROM sighting);

CREATE TABLE unlisted AS
WITH last_row AS (
    SELECT identifier, max(harvest) AS harvest FROM seen_row SEMI JOIN not_in_newest USING (identifier) GROUP BY identifier
)
SELECT n.identifier, n.datestamp, coalesce(r.harvest, -1) AS harvest
FROM not_in_newest n LEFT JOIN last_row r USING (identifier);

CREATE TABLE absence AS
WITH named AS (
    SELECT DISTINCT identifier, harvest FROM skipped WHERE identifier IS NOT NULL
), nameless AS (
    SELECT DISTINCT since, until, harvest FROM skipped WHERE identifier IS NULL
), start AS (
    SELECT identifier, harvest::DOUBLE AS harvest FROM unlisted
    UNION SELECT u.identifier, x.harvest FROM unlisted u JOIN named x USING (identifier) WHERE x.harvest > u.harvest
    UNION SELECT u.identifier, x.harvest FROM unlisted u JOIN named x  -- a record of a page that could not be read
        ON starts_with(u.identifier, x.identifier || '#') AND x.harvest > u.harvest
    UNION SELECT u.identifier, x.harvest FROM unlisted u JOIN nameless x ON x.harvest > u.harvest AND (
        x.since IS NULL OR u.datestamp IS NULL
        OR (u.datestamp[:19] >= x.since[: least(19, length(u.datestamp))]  -- days and seconds, with fractions or not
            AND u.datestamp[: least(19, length(x.until))] <= x.until[:19])
    )
    UNION SELECT u.identifier, s.harvest - 0.5 FROM unlisted u JOIN source_change s ON s.harvest > u.harvest
), span AS (
    SELECT identifier, harvest AS first, lead(harvest, 1, 'infinity'::DOUBLE)
        OVER (PARTITION BY identifier ORDER BY harvest) AS until FROM start
), length AS (
    SELECT first, until, (SELECT count(*) FROM sighting s WHERE s.harvest > first AND s.harvest < until) AS lists
    FROM (SELECT DISTINCT first, until FROM span)
)
SELECT identifier, max(lists) >= getvariable('absent_after') AS gone, max_by(lists, first) AS lists
FROM span JOIN length USING (first, until) GROUP BY identifier;
