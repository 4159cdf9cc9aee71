-- Reads: chunk (the outcomes of one chunk), staged, acceptable_older and the variable `file`. Returns the rows to load from it.
SELECT s.identifier, s.format, s.datestamp, s.sha256, o.file_row_number AS row, s.record_sha256, s.reason, s.score, s.has_title,
    s.has_language, s.has_license, s.license_open, o.codes, s.version_status, s.change, s.action, s.absent
FROM staged s JOIN chunk o ON s.identifier = o.identifier
WHERE s.filename = getvariable('file') AND s.action <> 'none'
UNION ALL
SELECT f.identifier, f.format, f.datestamp, f.sha256, o.file_row_number, f.record_sha256, NULL, f.score, f.has_title,
    f.has_language, f.has_license, f.license_open, o.codes, 'clean', 'changed', 'restore_older', false
FROM acceptable_older f JOIN chunk o ON f.identifier = o.identifier AND f.sha256 = o.sha256
WHERE f.filename = getvariable('file') AND NOT f.is_live_already
ORDER BY row
