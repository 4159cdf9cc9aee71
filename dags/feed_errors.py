"""Shows in Airflow's import errors every feed file that makes no DAG, with the key and the reason."""

from airflow.sdk import get_parsing_context

from dags.feeds import problems

if problems and not get_parsing_context().dag_id:
    raise ValueError(f"{len(problems)} feed file(s) cannot be used; the other feeds run:\n" + "\n".join(problems))
