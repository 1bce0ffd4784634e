#!/bin/sh
set -eu
cd "$(dirname "$0")"
install -D -m 0755 -t /usr/local/bin pid1 pid1top
install -D -m 0644 -t /usr/local/share/pid1 entrypoint.sh
