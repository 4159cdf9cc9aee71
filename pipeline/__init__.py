"""The steps of a feed's run and of a publication, without Airflow."""

POOL = "catalog"  # Airflow's pool of one slot: every task that writes the catalog runs in it
CATALOG_LOADED = ("catalog_loaded", "elib://catalog/loaded")  # name and URI of the asset that a feed's load updates

__all__ = ["CATALOG_LOADED", "POOL"]
