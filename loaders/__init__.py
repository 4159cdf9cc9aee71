"""The only code that writes: landing, staging, catalog, publication, curation, reports and backup."""
