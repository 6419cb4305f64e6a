#!/usr/bin/env bash
# A link, a tap, an order that carries the click, and whose order it is: with curl and jq.
#
#   YINKE_CORE=http://127.0.0.1:8081 YINKE_EDGE=http://127.0.0.1:8080 YINKE_TOKEN=... ./quickstart.sh
set -euo pipefail
: "${YINKE_CORE:?}" "${YINKE_EDGE:?}" "${YINKE_TOKEN:?}"

# Every write takes an Idempotency-Key: the same request again changes nothing more.
call() { # METHOD PATH [JSON]
  curl -sS --fail-with-body -X "$1" "$YINKE_CORE$2" -H "Authorization: Bearer $YINKE_TOKEN" \
    -H "Content-Type: application/json" -H "Idempotency-Key: quickstart $1 $2" ${3:+-d "$3"}
}

# Who sells, under which rules, what, and who promotes it.
call PUT /v1/merchants/tea '{"platform": "mall", "name": "山里茶行"}' >/dev/null
call PUT /v1/programmes/tea-rules '{"merchant": "tea", "name": "分销", "preset": "distributor1688",
  "policy": {"commission": {"rates": [{"bp": 1000, "effective": {"from": 0}}]}}}' >/dev/null
call PUT /v1/products/cup '{"merchant": "tea", "title": "316不锈钢保温杯", "price_fen": 8900,
  "url": "https://shop.example.cn/cup"}' >/dev/null
call PUT /v1/promoters/lily '{"name": "莉莉"}' >/dev/null
call POST /v1/promoters/lily/placements '{"id": "lily-wechat", "programme": "tea-rules"}' >/dev/null

# A link, and a tap on it. The shop's page receives the click token as yk_click, and keeps it with the cart.
code=$(call POST /v1/links '{"placement": "lily-wechat", "product": "cup"}' | jq -r .code)
for _ in $(seq 100); do # An edge hears of a new link within moments.
  location=$(curl -sS -o /dev/null -w '%{redirect_url}' -A 'Mozilla/5.0 (iPhone)' "$YINKE_EDGE/$code")
  case $location in *yk_click=*) break ;; esac
done
yk_click=$(sed -n 's/.*[?&]yk_click=\([^&#]*\).*/\1/p' <<<"$location")
[ -n "$yk_click" ] || { echo "the tap on $code led to: $location" >&2; exit 1; }
echo "link $code leads to $location"

# The order brings the token back, and is paid.
now=$(date +%s%3N)
call POST /v1/orders/events '{"events": [
  {"type": "created", "platform": "mall", "order": "T1001", "at": '$now', "merchant": "tea", "buyer": "buyer-7",
   "click_tokens": ["'"$yk_click"'"], "lines": [{"line": "1", "product": "cup", "amount_fen": 8900}]},
  {"type": "paid", "platform": "mall", "order": "T1001", "at": '$now', "payment_method": "alipay"}]}' |
  jq -c '.results[] | {order, type, status}'

# Whose order is it, and why?
call GET /v1/orders/T1001/attribution |
  jq -r '.lines[] | "\(.promoter) earns \(.promoter_fen) fen: \(.decision.explanation.en.sentence)"'
