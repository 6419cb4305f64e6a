#!/bin/sh
# Open loop with oha: a fixed rate, latency from the intended time.
#   open-loop.sh http://127.0.0.1:8080 codes.txt [requests per second] [duration]
set -eu
base=${1:?the edge, such as http://127.0.0.1:8080}
codes=${2:?a file of codes, one a line}
rate=${3:-5000}
duration=${4:-10s}
urls=$(mktemp)
trap 'rm -f "$urls"' EXIT
sed "s|^|$base/|" "$codes" > "$urls"
# --latency-correction counts from the intended time; it does nothing without -q. -r 0: a redirect is the answer.
oha --no-tui -r 0 -q "$rate" --latency-correction -z "$duration" -c 64 \
    -H 'User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36' \
    --urls-from-file "$urls"
