#!/bin/sh
# Installs the project from this folder into TARGET, from the locks with hashes:  sh deploy/install.sh PYTHON TARGET
# The container file and CI run it; so can you on a machine of your own. Nothing but the locks' packages is fetched.
set -eu
python=$1 target=$2
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

"$python" -m venv "$build/tools"
"$build/tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes \
    -r "$here/deploy/requirements-build.txt"
"$build/tools/bin/uv" build --quiet --wheel --no-build-isolation --python "$build/tools/bin/python" \
    --out-dir "$build/dist" "$here"

"$python" -m venv --without-pip "$target"
"$build/tools/bin/uv" pip install --quiet --system-certs --compile-bytecode --link-mode copy --require-hashes \
    --python "$target/bin/python" -r "$here/requirements-cluster.txt"
"$build/tools/bin/uv" pip install --quiet --no-deps --no-index --python "$target/bin/python" "$build"/dist/*.whl
"$target/bin/elib" --version
