#!/bin/sh
# The command `footnote` inside the container. `serve` is reached from outside, so it never starts without a key:
# FOOTNOTE_API_KEY, or the file that FOOTNOTE_API_KEY_FILE names (a secret), or one made at the first start.
set -eu
umask 077

key=${FOOTNOTE_API_KEY:-}
key_file=${FOOTNOTE_API_KEY_FILE:-}
unset FOOTNOTE_API_KEY FOOTNOTE_API_KEY_FILE

if [ ! -w "$FOOTNOTE_DATA_DIR" ]; then
    echo "The data folder $FOOTNOTE_DATA_DIR cannot be written by user $(id -u);" \
        "use a named volume, or chown the folder to $(id -u):$(id -g)." >&2
    exit 1
fi

if [ -z "$key" ] && [ -n "$key_file" ]; then
    if ! key=$(cat "$key_file") || [ -z "$key" ]; then
        echo "FOOTNOTE_API_KEY_FILE names $key_file, which cannot be read or is empty; mount the secret there." >&2
        exit 1
    fi
elif [ -z "$key" ]; then
    kept=$FOOTNOTE_DATA_DIR/api-key
    if [ "${1:-}" = serve ] && [ ! -s "$kept" ]; then
        python -c 'import secrets; print(secrets.token_urlsafe(32))' >"$kept.new"
        mv "$kept.new" "$kept"
        echo "The API's key is in $kept; FOOTNOTE_API_KEY sets another." >&2
    fi
    if [ -s "$kept" ]; then
        key=$(cat "$kept")
    fi
fi

if [ -n "$key" ]; then
    export FOOTNOTE_API_KEY="$key"
fi
exec python -P -m api "$@"
