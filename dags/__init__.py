"""When: one DAG a feed, one for the catalog, and the commands that run them. The only room that imports airflow."""
