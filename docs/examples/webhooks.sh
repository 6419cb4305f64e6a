#!/usr/bin/env bash
# Webhooks in and out, after quickstart.sh: opens an intake source and an endpoint, sends an order from Python and one
# from Node, and waits until both receivers have heard of it. Needs curl, jq, python3 and node.
#
#   YINKE_CORE=... YINKE_TOKEN=... ./webhooks.sh     (against `yinke up --allow-private-destinations`)
set -euo pipefail
: "${YINKE_CORE:?}" "${YINKE_TOKEN:?}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
receivers=()
trap 'kill "${receivers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

call() { # METHOD PATH [JSON]
  curl -sS --fail-with-body -X "$1" "$YINKE_CORE$2" -H "Authorization: Bearer $YINKE_TOKEN" \
    -H "Content-Type: application/json" ${3:+-d "$3"}
}

await() { # SECONDS COMMAND...
  local end=$(($(date +%s) + $1))
  until "${@:2}"; do
    [ "$(date +%s)" -lt "$end" ] || { echo "waited in vain for: ${*:2}" >&2; exit 1; }
    read -r -t 0.05 <> <(:) || true
  done
}

# Who wants to hear: one receiver in Python, one in Node, both for the merchant.
for language in py mjs; do
  runner=python3; [ "$language" = py ] || runner=node
  "$runner" "$here/receive.$language" 0 "$work/secret.$language" >"$work/heard.$language" &
  receivers+=($!)
  await 20 test -s "$work/heard.$language"
  url=$(head -n 1 "$work/heard.$language")
  opened=$(call POST /v1/webhooks '{"owner": "merchant/tea", "url": "'"$url"'", "label": "'"$language"'"}')
  jq -r .secret <<<"$opened" >"$work/secret.$language"
  call POST "/v1/webhooks/$(jq -r .id <<<"$opened")/test" '{}' >/dev/null
  await 20 grep -q '^webhook.test ' "$work/heard.$language"
done

# Orders come in, signed, from Python and from Node. They carry no click: the buyer of quickstart.sh is known.
source=$(call POST /v1/intake-sources '{"merchant": "tea", "kind": "standard", "label": "our shop"}')
intake=$YINKE_CORE$(jq -r .path <<<"$source")
secret=$(jq -r .secret <<<"$source")
now=$(date +%s%3N)
for language in py mjs; do
  runner=python3; [ "$language" = py ] || runner=node
  echo '{"type": "created", "platform": "mall", "order": "T-'$language'", "at": '$now', "merchant": "tea",
    "buyer": "buyer-7", "lines": [{"line": "1", "product": "cup", "amount_fen": 8900}]}' >"$work/order.json"
  "$runner" "$here/send_order.$language" "$intake" "$secret" "$work/order.json"
done
for language in py mjs; do
  await 20 grep -q '"T-py"' "$work/heard.$language"
  await 20 grep -q '"T-mjs"' "$work/heard.$language"
  grep '^order.attributed ' "$work/heard.$language"
done
