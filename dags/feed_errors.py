"""Shows in Airflow's import errors every feed file that makes no DAG, with the key and the reason."""

from dags.feed_dag import build
from schemas import environment

problems = build(environment().feeds)[1]
if problems:
    raise ValueError(f"{len(problems)} feed file(s) cannot be used; the other feeds run:\n" + "\n".join(problems))
