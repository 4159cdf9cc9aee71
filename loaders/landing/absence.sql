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

CREATE TABLE unlisted AS  -- listed_again: the harvest that has the record again; infinity while none has
WITH last_row AS (
    SELECT identifier, max(harvest) AS harvest FROM seen_row SEMI JOIN not_in_newest USING (identifier) GROUP BY identifier
)
SELECT n.identifier, n.datestamp, coalesce(r.harvest, -1) AS harvest, 'infinity'::DOUBLE AS listed_again
FROM not_in_newest n LEFT JOIN last_row r USING (identifier);

-- The absences of a table with the columns of `unlisted`: every time that a record was no longer listed.
CREATE MACRO absences_in(stretches) AS TABLE
WITH stretch AS (
    FROM query_table(stretches)
), named AS (
    SELECT DISTINCT identifier, harvest FROM skipped WHERE identifier IS NOT NULL
), nameless AS (
    SELECT DISTINCT since, until, harvest FROM skipped WHERE identifier IS NULL
), start AS (
    SELECT identifier, harvest AS last_listed, listed_again, harvest::DOUBLE AS harvest FROM stretch
    UNION SELECT u.identifier, u.harvest, listed_again, x.harvest FROM stretch u JOIN named x USING (identifier)
        WHERE x.harvest > u.harvest AND x.harvest < listed_again
    UNION SELECT u.identifier, u.harvest, listed_again, x.harvest FROM stretch u JOIN named x  -- a record of a page that could not be read
        ON starts_with(u.identifier, x.identifier || '#') AND x.harvest > u.harvest AND x.harvest < listed_again
    UNION SELECT u.identifier, u.harvest, listed_again, x.harvest FROM stretch u
        JOIN nameless x ON x.harvest > u.harvest AND x.harvest < listed_again AND (
        x.since IS NULL OR u.datestamp IS NULL
        OR (u.datestamp[:19] >= x.since[: least(19, length(u.datestamp))]  -- days and seconds, with fractions or not
            AND u.datestamp[: least(19, length(x.until))] <= x.until[:19])
    )
    UNION SELECT u.identifier, u.harvest, listed_again, s.harvest - 0.5 FROM stretch u
        JOIN source_change s ON s.harvest > u.harvest AND s.harvest <= listed_again
), span AS (
    SELECT identifier, last_listed, harvest AS first, lead(harvest, 1, listed_again)
        OVER (PARTITION BY identifier, last_listed ORDER BY harvest) AS until FROM start
), length AS (
    SELECT first, until, (SELECT count(*) FROM sighting s WHERE s.harvest > first AND s.harvest < until) AS lists
    FROM (SELECT DISTINCT first, until FROM span)
)
SELECT identifier, last_listed, max(lists) >= getvariable('absent_after') AS gone, max_by(lists, first) AS lists
FROM span JOIN length USING (first, until) GROUP BY identifier, last_listed;

CREATE TABLE absence AS SELECT identifier, gone, lists FROM absences_in('unlisted');
