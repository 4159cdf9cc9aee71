"""The steps of a feed's run and of a publication, without Airflow."""
