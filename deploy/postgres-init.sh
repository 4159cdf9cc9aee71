#!/bin/sh
# Run once by the PostgreSQL image, when its volume is empty: a role and a database for the catalog, and for Airflow.
set -eu
for name in catalog airflow; do
    password=$(cat "/run/secrets/${name}_password")
    psql --username postgres --set ON_ERROR_STOP=1 --set name="$name" --set password="$password" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
