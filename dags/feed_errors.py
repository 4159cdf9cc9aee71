"""Shows in Airflow's import errors every feed file that makes no DAG, with the key and the reason."""

from airflow.sdk import get_parsing_context

from dags.feed_dag import build
from schemas import environment

problems = [] if get_parsing_context().dag_id else build(environment().feeds)[1]
if problems:
    raise ValueError(f"{len(problems)} feed file(s) cannot be used; the other feeds run:\n" + "\n".join(problems))
