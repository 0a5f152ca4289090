#!/bin/sh
# What the image holds besides Python packages: Python, an init, tesseract, and the user Footnote runs as.
# OCR_LANGUAGES: languages of scans, as tesseract names them.
set -eu
export DEBIAN_FRONTEND=noninteractive

set --
for language in ${OCR_LANGUAGES:-}; do
    set -- "$@" "tesseract-ocr-$(echo "$language" | tr _ -)"
done

apt-get update -qq
apt-get upgrade -y -qq # security fixes newer than the base image's tag
apt-get install -y -qq --no-install-recommends ca-certificates python3 tesseract-ocr tini "$@"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log

groupadd --gid 10001 footnote
useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin footnote
install -d -o footnote -g footnote -m 0700 /data
