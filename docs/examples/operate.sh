#!/usr/bin/env bash
# What operators do without the console, with `yinke api`: every operation of the API, as the core itself describes it.
#
#   YINKE_CORE_URL=http://127.0.0.1:8081 YINKE_TOKEN=... ./operate.sh      (on the core's own machine neither is needed)
set -euo pipefail

# What there is to ask.
yinke api | grep -c /v1/

# A platform, a shop of it, a category below another, and rules for all its shops.
yinke api put /v1/platforms/mall name=商城
yinke api put /v1/merchants/mill platform=mall name=磨坊
yinke api put /v1/categories/bread name=面包
yinke api put /v1/categories/rye name=黑麦面包 parent=bread
yinke api put /v1/programmes/mall-rules platform=mall name=全平台 preset=taobao_live
yinke api put /v1/promoters/anna name=安娜

# Rates: 12 % for a shop, and from the new year on 15 %. Nested bodies are JSON.
yinke api post /v1/rates --json '{"programme": "mall-rules",
  "rates": [{"shop": "mill", "bp": 1200}, {"shop": "mill", "bp": 1500, "from": "2099-01-01T00:00:00+08:00"}]}'
yinke api get /v1/rates programme=mall-rules

# A targeted plan, and an exclusive coupon of one promoter.
yinke api post /v1/plans --json '{"id": "gold", "programme": "mall-rules", "name": "金牌", "approval": "manual",
  "rates": [{"shop": "mill", "bp": 2000}]}'
yinke api post /v1/coupons programme=mall-rules code=ANNA20 promoter=anna
yinke api get /v1/coupons programme=mall-rules --output csv

# A ban from a day on (milliseconds since 1970, hence :=), and its end.
yinke api post /v1/bans category=rye effective_from:="$(date -d '2099-01-01 00:00 +0800' +%s)000" note=公告
yinke api post /v1/bans/lift category=rye

# Money that a merchant paid in (the reference counts once), and a video that it orders.
yinke api post /v1/merchants/mill/top-ups amount_fen:=100000 reference=bank-7
yinke api post /v1/video-tasks id=v-1 programme=mall-rules merchant=mill talent=anna price_fen:=40000
yinke api post /v1/video-tasks/v-1/confirm

# What waits to be settled by hand, payouts, accounts to check, and the calendar.
yinke api get /v1/merchants/mill/settlements
yinke api get /v1/payout-runs programme=mall-rules
yinke api get /v1/payout-accounts
yinke api get /v1/calendar

# A platform's statement against the books.
statement=$(mktemp)
printf 'order,line,commission_fen,state\nT-1,1,250,settled\n' >"$statement"
yinke api post '/v1/reconciliations?platform=mall&programme=mall-rules&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z' \
  --csv "$statement" --output json
rm "$statement"

# A token of the shop's own program (its secret is in this answer alone), where its orders come in, and who is told.
yinke api post /v1/tokens role=merchant subject=mill label=ERP
yinke api post /v1/intake-sources merchant=mill kind=standard label=ERP
yinke api post /v1/webhooks owner=merchant/mill url=https://erp.example.com/yinke
yinke api get /v1/tokens subject=mill --output json
