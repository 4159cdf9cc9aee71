"""Every good feed's DAG for Airflow to find. Never raises: what is wrong is raised by feed_errors.py.

Where Airflow says for which DAG it reads this file (a task's process), only that one is built; if its feed file broke
meanwhile, from the last good declaration.
"""

from airflow.sdk import get_parsing_context

from dags.feed_dag import build, dag_of_last_declaration
from schemas import environment

only = get_parsing_context().dag_id
dags = build(environment().feeds, only=only)[0]
if only and not dags:
    dags = dag_of_last_declaration(environment(), only)
for dag in dags:
    globals()[dag.dag_id] = dag
