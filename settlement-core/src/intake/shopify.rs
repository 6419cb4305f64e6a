//! Shopify webhooks, after the public documentation at shopify.dev.
//!
//! A notification is the order or refund itself; its topic, id and signature are headers: `X-Shopify-Topic`,
//! `X-Shopify-Webhook-Id` and `X-Shopify-Hmac-Sha256`, the base64 of HMAC-SHA256 over the raw body. Any 2xx within 5 s
//! is taken for an answer; eight failures in a row end the subscription. Amounts are decimal text in the shop's currency
//! (`shop_money`), times RFC 3339.
//!
//! Shopify knows no trade success: a programme for such a shop matures by `settlement.maturity.auto_after_ship`.

use super::mapped::{At, Mapped, Unmappable, buyer, product};
use super::source::Shop;
use super::tokens;
use crate::api::ApiTime;
use crate::order_events::{CURRENCY, Created, Line, LineAmount, OrderEvent, Paid, Refunded, Step};
use crate::signing::hmac_sha256;
use attribution_core::ids::{LineId, OrderId};
use attribution_core::policy::settlement::PayMethod;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;

/// Whether `theirs` is the body's signature.
pub(super) fn verifies(body: &[u8], secret: &str, theirs: &str) -> bool {
    let ours = hmac_sha256(secret.as_bytes(), &[body]);
    STANDARD.decode(theirs.trim()).is_ok_and(|theirs| bool::from(theirs.as_slice().ct_eq(&ours)))
}

/// What a notification of this topic means.
pub(super) fn map(shop: &Shop, topic: &str, body: &Value) -> Result<Mapped, Unmappable> {
    let body = At::root(body);
    if body.value.get("test") == Some(&Value::Bool(true)) {
        return Ok(Mapped::Ignored("an order of Shopify's test gateway".into()));
    }
    match topic {
        "orders/create" => Ok(Mapped::Events(vec![OrderEvent::Created(created(shop, &body)?)])),
        "orders/paid" => {
            let created = created(shop, &body)?;
            let paid = paid(&created, &body)?;
            Ok(Mapped::Events(vec![OrderEvent::Created(created), OrderEvent::Paid(paid)]))
        }
        "orders/fulfilled" => {
            Ok(Mapped::Events(vec![OrderEvent::Shipped(step(shop, &body, shipped(&body)?)?.into())]))
        }
        "orders/cancelled" => {
            let at = body.get("cancelled_at").timestamp()?;
            Ok(Mapped::Events(vec![OrderEvent::Closed(step(shop, &body, at)?)]))
        }
        "refunds/create" => refund(shop, &body),
        other => Ok(Mapped::Ignored(format!("topic {other:?} does not concern us"))),
    }
}

fn created(shop: &Shop, body: &At<'_>) -> Result<Created, Unmappable> {
    let order = body.get("id").order()?;
    let items = body.get("line_items").items();
    let lines = items.iter().map(|item| line(shop, item)).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Err(body.get("line_items").wrong("an order without goods"));
    }
    let coupon = body.get("discount_codes").items().first().map(|code| code.get("code").text().to_owned());
    Ok(Created {
        platform: shop.platform.clone(),
        at: body.get("created_at").timestamp()?,
        merchant: shop.merchant.clone(),
        buyer: buyer(body.get("customer").get("id").id(), &order)?,
        order,
        payment_method: method(body),
        click_tokens: click_tokens(shop, body, &items),
        declared: None,
        currency: currency(&body.get("currency")),
        coupon: coupon.filter(|code| !code.is_empty()),
        lines,
        updated_at: None,
    })
}

/// In a note attribute, a line's property, the address the buyer landed on, or the buyer's note: in this order.
fn click_tokens(shop: &Shop, body: &At<'_>, items: &[At<'_>]) -> Vec<String> {
    let param = shop.click_param.as_str();
    let properties = items.iter().flat_map(|item| item.get("properties").items());
    let attributes = body.get("note_attributes").items();
    let named = attributes.iter().cloned().chain(properties).filter(|entry| {
        let name = entry.get("name").text();
        name == param || name.strip_prefix('_') == Some(param)
    });
    let mut found: Vec<String> = named.flat_map(|entry| tokens::in_text(entry.get("value").text())).collect();
    found.extend(tokens::in_address(body.get("landing_site").text(), param));
    found.extend(tokens::in_text(body.get("note").text()));
    tokens::distinct(found)
}

/// The pieces at their price, less what was allocated to them of all discounts.
fn line(shop: &Shop, item: &At<'_>) -> Result<Line, Unmappable> {
    let pieces = item.get("quantity");
    let quantity: u32 = pieces
        .value
        .as_u64()
        .and_then(|quantity| u32::try_from(quantity).ok())
        .ok_or_else(|| pieces.wrong("is not a number of pieces"))?;
    let price = item.get("price");
    let too_large = || price.wrong("times its pieces is too large");
    let mut amount = price.fen()?.checked_mul(i64::from(quantity)).ok_or_else(too_large)?;
    for discount in item.get("discount_allocations").items() {
        amount = amount.checked_sub(discount.get("amount").fen()?).ok_or_else(too_large)?;
    }
    if amount < 0 {
        return Err(item.get("discount_allocations").wrong("more than the pieces cost"));
    }
    Ok(Line {
        line: item.get("id").line()?,
        product: product(shop, &item.get("product_id"), &item.get("sku"))?,
        sku: item.get("variant_id").id(),
        amount_fen: amount,
        quantity,
    })
}

fn paid(created: &Created, body: &At<'_>) -> Result<Paid, Unmappable> {
    let lines = created.lines.iter().map(|l| LineAmount { line: l.line.clone(), amount_fen: l.amount_fen });
    Ok(Paid {
        platform: created.platform.clone(),
        order: created.order.clone(),
        // An order names no time of its payment; this notification is made when it is paid.
        at: body.get("updated_at").timestamp()?,
        payment_method: method(body),
        currency: created.currency.clone(),
        lines: lines.collect(),
        updated_at: None,
    })
}

fn method(body: &At<'_>) -> Option<PayMethod> {
    let gateways = body.get("payment_gateway_names").items();
    let name = gateways.first()?.text().to_lowercase();
    Some(if name.contains("alipay") || name.contains("支付宝") {
        PayMethod::Alipay
    } else if name.contains("cash on delivery") || name.contains("cod") || name.contains("货到付款") {
        PayMethod::CashOnDelivery
    } else {
        PayMethod::Other
    })
}

fn currency(at: &At<'_>) -> Option<String> {
    Some(at.text().to_owned()).filter(|code| !code.is_empty() && code != CURRENCY)
}

/// When the last parcel left.
fn shipped(body: &At<'_>) -> Result<ApiTime, Unmappable> {
    let parcels = body.get("fulfillments").items();
    let left = parcels.iter().map(|parcel| parcel.get("created_at").timestamp());
    match left.collect::<Result<Vec<_>, _>>()?.into_iter().max() {
        Some(at) => Ok(at),
        None => body.get("updated_at").timestamp(),
    }
}

fn step(shop: &Shop, body: &At<'_>, at: ApiTime) -> Result<Step, Unmappable> {
    let order: OrderId = body.get("id").order()?;
    Ok(Step { platform: shop.platform.clone(), order, at, updated_at: None })
}

fn refund(shop: &Shop, body: &At<'_>) -> Result<Mapped, Unmappable> {
    let order = body.get("order_id").order()?;
    for adjustment in body.get("order_adjustments").items() {
        let amount = adjustment.get("amount");
        if adjustment.get("kind").text() == "refund_discrepancy" && amount.fen()? != 0 {
            return Err(amount.wrong("differs from the lines: of which line it is, is not told"));
        }
    }
    let mut lines: BTreeMap<LineId, i64> = BTreeMap::new();
    let mut foreign = None;
    for item in body.get("refund_line_items").items() {
        let money = item.get("subtotal_set").get("shop_money");
        let (line, subtotal) = (item.get("line_item_id").line()?, money.get("amount").fen()?);
        foreign = foreign.or_else(|| currency(&money.get("currency_code")));
        let sum = lines.entry(line).or_default();
        *sum = sum.checked_add(subtotal).ok_or_else(|| money.wrong("is too large"))?;
    }
    lines.retain(|_, amount| *amount != 0);
    if lines.is_empty() {
        return Ok(Mapped::Ignored("a refund of no goods".into()));
    }
    let processed = body.get("processed_at");
    let at = if processed.text().is_empty() { body.get("created_at") } else { processed };
    Ok(Mapped::Events(vec![OrderEvent::Refunded(Refunded {
        platform: shop.platform.clone(),
        order,
        refund_id: body.get("id").required_id()?,
        at: at.timestamp()?,
        initiated_at: None,
        credit_part: None,
        special: false,
        currency: foreign,
        lines: lines.into_iter().map(|(line, amount_fen)| LineAmount { line, amount_fen }).collect(),
        updated_at: None,
    })]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::source::Settings;
    use serde_json::json;

    fn shop() -> Shop {
        Shop {
            platform: "shopify".parse().unwrap(),
            merchant: "cups".parse().unwrap(),
            click_param: "yk_click".into(),
            settings: Settings { product_prefix: "sf-".into(), ..Settings::default() },
        }
    }

    fn body(topic: &str) -> Value {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/shopify/");
        let name = topic.replace('/', "_");
        serde_json::from_str(&std::fs::read_to_string(format!("{folder}{name}.json")).unwrap()).unwrap()
    }

    fn mapped(topic: &str, body: &Value) -> Value {
        match map(&shop(), topic, body).unwrap() {
            Mapped::Events(events) => serde_json::to_value(events).unwrap(),
            Mapped::Ignored(why) => json!(why),
        }
    }

    #[test]
    fn signatures_are_over_the_raw_body() {
        // HMAC-SHA256 of RFC 4231, test case 2.
        let theirs = STANDARD.encode(hmac_sha256(b"Jefe", &[b"what do ya want for nothing?"]));
        assert_eq!(theirs, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
        assert!(verifies(b"what do ya want for nothing?", "Jefe", &theirs));
        assert!(!verifies(b"what do ya want for nothing!", "Jefe", &theirs) && !verifies(b"", "Jefe", ""));
    }

    #[test]
    fn an_order_is_told_whole_and_its_token_is_found() {
        let order = body("orders/create");
        let created = json!({"type": "created", "platform": "shopify", "order": "820982911946154508",
            "at": 1_794_398_400_000_i64, "merchant": "cups", "buyer": "115310627314723954",
            "payment_method": "alipay", "click_tokens": ["v1.1-7.AAAA.BBBB", "v1.1-7.CCCC.DDDD"], "coupon": "DOUBLE11",
            "lines": [
                {"line": "866550311766439020", "product": "sf-788032119674292922", "sku": "43729076", "amount_fen": 35_800, "quantity": 2},
                {"line": "141249953214522974", "product": "sf-788032119674292923", "sku": "49148386", "amount_fen": 1_999, "quantity": 1}]});
        assert_eq!(mapped("orders/create", &order), json!([created]));
        let paid = mapped("orders/paid", &order);
        assert_eq!(paid[0], created);
        assert_eq!((&paid[1]["type"], &paid[1]["at"]), (&json!("paid"), &json!(1_794_398_460_000_i64)));
        assert_eq!(paid[1]["lines"][0], json!({"line": "866550311766439020", "amount_fen": 35_800}));
    }

    #[test]
    fn a_token_is_found_in_the_landing_page_and_in_the_note() {
        let mut order = body("orders/create");
        order["note_attributes"] = json!([]);
        assert_eq!(mapped("orders/create", &order)[0]["click_tokens"], json!(["v1.1-7.CCCC.DDDD"]));
        order["landing_site"] = json!(null);
        order["note"] = json!("代朋友下单 v1.1-7.EEEE.FFFF");
        assert_eq!(mapped("orders/create", &order)[0]["click_tokens"], json!(["v1.1-7.EEEE.FFFF"]));
        order["currency"] = json!("USD");
        order["customer"] = json!(null);
        let event = &mapped("orders/create", &order)[0];
        assert_eq!(
            (&event["currency"], &event["buyer"]),
            (&json!("USD"), &json!("guest-820982911946154508"))
        );
    }

    #[test]
    fn parcels_cancellations_and_refunds() {
        let step = |kind: &str, at: i64| json!([{"type": kind, "platform": "shopify", "order": "820982911946154508", "at": at}]);
        assert_eq!(mapped("orders/fulfilled", &body("orders/fulfilled")), step("shipped", 1_794_484_800_000));
        assert_eq!(mapped("orders/cancelled", &body("orders/cancelled")), step("closed", 1_794_500_000_000));
        let refund = body("refunds/create");
        assert_eq!(
            mapped("refunds/create", &refund),
            json!([{"type": "refunded", "platform": "shopify", "order": "820982911946154508",
                "refund_id": "890088186047892319", "at": 1_794_500_000_000_i64,
                "lines": [{"line": "866550311766439020", "amount_fen": 17_900}]}])
        );
        let mut freight = refund.clone();
        freight["refund_line_items"] = json!([]);
        freight["order_adjustments"] = json!([{"kind": "shipping_refund", "amount": "-10.00"}]);
        assert_eq!(mapped("refunds/create", &freight), json!("a refund of no goods"));
        let mut partly = refund;
        partly["order_adjustments"] = json!([{"kind": "refund_discrepancy", "amount": "-5.00"}]);
        let why = map(&shop(), "refunds/create", &partly).unwrap_err().to_string();
        assert!(why.starts_with("/order_adjustments/0/amount: differs"), "{why}");
        assert!(matches!(map(&shop(), "products/update", &json!({})), Ok(Mapped::Ignored(_))));
    }

    #[test]
    fn what_is_not_told_is_refused_with_its_place() {
        let refused = |change: &dyn Fn(&mut Value)| {
            let mut order = body("orders/create");
            change(&mut order);
            map(&shop(), "orders/create", &order).unwrap_err().to_string()
        };
        assert!(
            refused(&|o| o["line_items"][1]["price"] = json!("19.999"))
                .starts_with("/line_items/1/price: 19.999")
        );
        assert!(
            refused(&|o| o["line_items"][0]["price"] = json!("1.00"))
                .starts_with("/line_items/0/discount_allocations")
        );
        assert!(
            refused(&|o| o["line_items"][0]["product_id"] = json!(null))
                .starts_with("/line_items/0/product_id")
        );
        assert!(refused(&|o| o["created_at"] = json!("2026-11-11")).starts_with("/created_at: a time"));
        assert!(refused(&|o| o["line_items"] = json!([])).starts_with("/line_items: an order without goods"));
    }
}
