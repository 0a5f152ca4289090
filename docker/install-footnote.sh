#!/bin/sh
# Footnote itself, in /opt/footnote/app, where the environment of install-packages.sh looks for it.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv /build/venv
/build/venv/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --no-deps \
    --target /opt/footnote/app .
rm -r /opt/footnote/app/bin # its command names the environment it was installed from
