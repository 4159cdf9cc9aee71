"""The only writers: landing, staging, catalog, publication, review and reports."""
