"""Every good feed's DAG for Airflow to find. Never raises: what is wrong is raised by feed_errors.py.

Where Airflow says for which DAG it reads this file (a task's process), only that one is built.
"""

from airflow.sdk import get_parsing_context

from dags.feed_dag import build
from schemas import environment

for dag in build(environment().feeds, only=get_parsing_context().dag_id)[0]:
    globals()[dag.dag_id] = dag
