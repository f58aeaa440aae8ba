#!/bin/sh
# service NAME: installs it with its libraries into the environment of packages.sh, from /app and without a network;
# removes the other libraries, tries every import and lists what is installed in sbom.json (CycloneDX).
set -eu

members=/locks/$1.members
for lib in libs/*; do
    grep -qx "$lib" "$members" || rm -rf "$lib"
done
# The build backend is one of the locked packages. It is found, but not installed.
build=$(echo /opt/build/lib/python3*/site-packages)
# shellcheck disable=SC2046 # a word for each member
PYTHONPATH=$build /opt/build/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-compile \
    --no-deps --no-index --no-build-isolation $(sed 's|^|-e ./|' "$members")
# shellcheck disable=SC2046
/opt/venv/bin/python -I /build/imports.py $(sed 's|.*/||' "$members")
/opt/build/bin/cyclonedx-py environment --output-reproducible --output-format JSON --output-file sbom.json \
    --pyproject "services/$1/pyproject.toml" /opt/venv/bin/python
/opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash libs services
