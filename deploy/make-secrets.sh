#!/bin/sh
# Makes the files of secrets that compose.yaml names, once:  sh deploy/make-secrets.sh [FOLDER]
# A file that exists stays. Keep a copy of the folder in a safe place: without fernet_key Airflow's connections are lost.
# The folder is closed to others; the files in it are not, because each container reads them as a user of its own.
set -eu
folder=${1:-$(dirname -- "$0")/secrets}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"

random() { head -c 36 /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'; }
keep() { # NAME TEXT
    [ -e "$folder/$1" ] || printf '%s\n' "$2" > "$folder/$1"
    chmod 444 "$folder/$1"
}
read_secret() { cat "$folder/$1"; }

for name in postgres_password catalog_password airflow_password redis_password web_secret metrics_token jwt_secret \
    api_secret; do
    keep "$name" "$(random)"
done
keep fernet_key "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
keep catalog_url "postgresql+psycopg://catalog:$(read_secret catalog_password)@postgres:5432/catalog"
keep airflow_url "postgresql+psycopg2://airflow:$(read_secret airflow_password)@postgres:5432/airflow"
keep result_url "db+postgresql+psycopg2://airflow:$(read_secret airflow_password)@postgres:5432/airflow"
keep broker_url "redis://:$(read_secret redis_password)@redis:6379/1"
keep redis_url "redis://:$(read_secret redis_password)@redis:6379/0"
keep redis_conf "requirepass $(read_secret redis_password)
appendonly yes
maxmemory-policy noeviction"
