#!/bin/sh
# What only building needs. No compiler: every package comes as a wheel or is plain Python.
set -eu
export DEBIAN_FRONTEND=noninteractive

apt-get update -qq
apt-get install -y -qq --no-install-recommends python3-venv
