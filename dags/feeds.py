"""Every good feed's DAG for Airflow to find. Never raises: what is wrong is raised by feed_errors.py."""

from dags.feed_dag import build
from schemas import environment

for dag in build(environment().feeds)[0]:
    globals()[dag.dag_id] = dag
