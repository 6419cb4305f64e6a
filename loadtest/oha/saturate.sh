#!/bin/sh
# Closed loop with oha: as fast as answers come.
#   saturate.sh http://127.0.0.1:8080 codes.txt [connections] [duration]
set -eu
base=${1:?the edge, such as http://127.0.0.1:8080}
codes=${2:?a file of codes, one a line}
connections=${3:-64}
duration=${4:-10s}
urls=$(mktemp)
trap 'rm -f "$urls"' EXIT
sed "s|^|$base/|" "$codes" > "$urls"
oha --no-tui -r 0 -z "$duration" -c "$connections" --urls-from-file "$urls"
