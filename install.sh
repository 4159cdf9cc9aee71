#!/bin/sh
# Makes the virtual environment for development and running from the lock requirements-dev.txt:  install.sh PYTHON VENV
# Refuses a Python that is not ours by name:     install.sh --check PYTHON
set -eu

refuse() {
    echo "This project runs on Python 3.11, 3.12 or 3.13; here is $1." >&2
    echo "Install one of these, or name it: make run PYTHON=/path/to/python3.12" >&2
    exit 1
}

check() {
    [ -n "$1" ] || refuse "only $(python3 --version 2>/dev/null || echo 'no Python at all')"
    command -v "$1" >/dev/null 2>&1 || refuse "nothing called $1"
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null ||
        refuse "$1: $("$1" --version 2>&1 || echo 'not a Python')"
}

if [ "$1" = --check ]; then
    check "$2"
    exit 0
fi

venv=$2
check "$1"
if [ -L "$venv" ]; then
    echo "$venv is a link; the environment that it leads to would be emptied. Remove the link, or make a real folder." >&2
    exit 1
fi
# The Python that a virtual environment was made of: the one in $venv would be taken away from under itself.
python=$("$1" -c 'import sys; print(getattr(sys, "_base_executable", None) or sys.executable)')
echo "Setting up $venv with $("$python" --version) (once; one to two minutes) ..."
"$python" -m venv --clear "$venv"
uv=$(grep -o '^uv==[^ ]*' requirements-dev.txt)
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$uv"
# --compile-bytecode: else every process compiles Airflow and pandas again wherever PYTHONDONTWRITEBYTECODE is set
if ! "$venv/bin/uv" pip install --quiet --compile-bytecode --system-certs --require-hashes \
    --python "$venv/bin/python" -r requirements-dev.txt; then
    echo "uv could not install the lock; trying pip (slower) ..." >&2
    "$venv/bin/python" -m pip install --quiet --compile --disable-pip-version-check --require-hashes -r requirements-dev.txt
fi
# The project itself, from this folder: gives the environment the command elib
"$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --python "$venv/bin/python" --editable .
touch "$venv/.installed"
