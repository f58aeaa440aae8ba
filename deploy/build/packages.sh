#!/bin/sh
# packages NAME: an environment in /opt/venv with the part of the lock that a service needs, and no pip.
set -eu

python3 -m venv --without-pip /opt/venv
/opt/build/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --require-hashes -r "/locks/$1.txt"
# Of pandas and pyarrow, as large as the service.
find /opt/venv/lib -depth -type d -name tests -exec rm -rf {} +
# The file system is read-only at run time, so compile byte code now. Validation by hash makes the result independent of
# the build time.
/opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib
