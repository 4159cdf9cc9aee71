"""The steps of a feed's run and of a publication, without Airflow."""

POOL = "catalog"  # Airflow's pool of one slot: every task that writes the catalog runs in it
CATALOG_LOADED = ("catalog_loaded", "elib://catalog/loaded")  # name and URI of the asset that a feed's load updates
DOWNLOADS_DUE = ("downloads_due", "elib://downloads/due")  # the same of the asset by which the catalog asks for a dump

__all__ = ["CATALOG_LOADED", "DOWNLOADS_DUE", "POOL"]
