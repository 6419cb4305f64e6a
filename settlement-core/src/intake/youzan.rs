//! 有赞 message push (消息推送), after its public documentation at doc.youzanyun.com.
//!
//! A push is JSON with `type`, `id`, `version` and `msg`; `msg` is JSON in percent encoding, or an object in the newer
//! refund messages. The header `Event-Sign` is the MD5 of client_id, the raw body and client_secret; a push that was
//! taken is answered with a body that contains `success`, within 5 s, or it is pushed again up to 16 times. Amounts are
//! yuan as text, times are Asia/Shanghai without an offset.

use super::mapped::{At, Mapped, Unmappable, buyer, product, unmappable};
use super::source::Shop;
use super::tokens;
use crate::api::ApiTime;
use crate::order_events::{Created, Line, LineAmount, OrderEvent, Paid, RefundStep, Refunded, Step};
use attribution_core::hex::hex;
use attribution_core::ids::{LineId, OrderId};
use attribution_core::policy::settlement::PayMethod;
use attribution_core::time::Instant;
use md5::{Digest, Md5};
use serde_json::Value;
use subtle::ConstantTimeEq;

/// The signature of a push: MD5 over client_id, the raw body (or `msg`) and the secret, in hexadecimal.
pub(super) fn signed(client_id: &str, text: &[u8], secret: &str) -> String {
    let mut md5 = Md5::new();
    md5.update(client_id);
    md5.update(text);
    md5.update(secret);
    hex(&md5.finalize())
}

/// Whether `theirs` is the signature.
pub(super) fn verifies(client_id: &str, text: &[u8], secret: &str, theirs: &str) -> bool {
    let ours = signed(client_id, text, secret);
    theirs.trim().to_ascii_lowercase().as_bytes().ct_eq(ours.as_bytes()).into()
}

/// Names a push: a push that is repeated has the same name, though its `sendCount` grows.
pub(super) fn delivery_id(push: &Value) -> Option<String> {
    let push = At::root(push);
    if let Some(id) = push.get("msg_id").id() {
        return Some(id);
    }
    let version = push.get("version").id().unwrap_or_default();
    Some(format!("{} {} {version}", push.get("type").text(), push.get("id").id()?))
}

/// What a push means.
pub(super) fn map(shop: &Shop, push: &Value) -> Result<Mapped, Unmappable> {
    if push.get("test") == Some(&Value::Bool(true)) {
        return Ok(Mapped::Ignored("a test message".into()));
    }
    let kind = At::root(push).get("type").text().to_owned();
    let message = message(push)?;
    let message = At { value: &message, pointer: "/msg".into() };
    let one = |event| Ok(Mapped::Events(vec![event]));
    match kind.as_str() {
        "trade_TradeCreate" => one(OrderEvent::Created(created(shop, &message)?)),
        "trade_TradePaid" | "trade_TradeBuyerPay" => {
            let created = created(shop, &message)?;
            let paid = paid(&created, &message)?;
            Ok(Mapped::Events(vec![OrderEvent::Created(created), OrderEvent::Paid(paid)]))
        }
        "trade_TradeSellerShip" => one(OrderEvent::Shipped(step(shop, &message, "consign_time")?.into())),
        "trade_TradeSuccess" => one(OrderEvent::Completed(step(shop, &message, "success_time")?.into())),
        "trade_TradeClose" => one(OrderEvent::Closed(step(shop, &message, "update_time")?)),
        // It says neither how the order was paid nor for what, and other times than the messages above.
        "TRADE_ORDER_STATE" => Ok(Mapped::Ignored("each step has a message that tells it whole".into())),
        "trade_refund_BuyerCreated" | "youzan_trade_RefundCreated" => match message.get("refund_type").text()
        {
            "EXCHANGE_GOODS_FLOW" => Ok(Mapped::Ignored("goods are exchanged, nothing is paid back".into())),
            _ => one(OrderEvent::RefundAsked(refund_step(shop, &message)?)),
        },
        "trade_refund_RefundClosed" | "youzan_trade_RefundClosed" => {
            one(OrderEvent::RefundRefused(refund_step(shop, &message)?))
        }
        // The buyer may ask again under the same number, or call Youzan; what ends it is closed or succeeds.
        "trade_refund_RefundSellerRefuse" | "trade_refund_RefundAgain" => {
            Ok(Mapped::Ignored("still disputed: it counts as asked for from the first time on".into()))
        }
        // The same refund's success follows, with its own time.
        "trade_refund_RefundSellerAgree" | "youzan_trade_RefundSellerAgree" => {
            Ok(Mapped::Ignored("agreed to, but nothing is paid back yet".into()))
        }
        "trade_refund_RefundSuccess" | "trade_refund_SysRefund" | "youzan_trade_RefundSuccess" => {
            one(OrderEvent::Refunded(refunded(shop, &message)?))
        }
        other => Ok(Mapped::Ignored(format!("type {other:?} does not concern us"))),
    }
}

fn message(push: &Value) -> Result<Value, Unmappable> {
    match push.get("msg") {
        Some(Value::String(text)) => {
            let json = if text.trim_start().starts_with('{') { text.clone() } else { decoded(text) };
            serde_json::from_str(&json).map_err(|error| unmappable("/msg", format!("is not JSON: {error}")))
        }
        Some(message @ Value::Object(_)) => Ok(message.clone()),
        _ => Ok(Value::Null),
    }
}

/// Percent encoding undone; a blank may have become a plus, and a plus never stays one.
fn decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("m={text}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn created(shop: &Shop, message: &At<'_>) -> Result<Created, Unmappable> {
    let full = message.get("full_order_info");
    let info = full.get("order_info");
    let order = info.get("tid").order()?;
    let account = full.get("buyer_info");
    let known = ["yz_open_id", "buyer_id", "outer_user_id", "fans_id"];
    let known = known.into_iter().find_map(|name| account.get(name).id());
    let items = full.get("orders").items();
    let lines = items.iter().map(|item| line(shop, item)).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Err(full.get("orders").wrong("an order without goods"));
    }
    let mut texts = vec![full.get("remark_info").get("buyer_message").text()];
    texts.extend(items.iter().map(|item| item.get("buyer_messages").text()));
    let found = texts.into_iter().flat_map(tokens::in_text);
    Ok(Created {
        platform: shop.platform.clone(),
        at: time(&info.get("created"))?,
        merchant: shop.merchant.clone(),
        buyer: buyer(known, &order)?,
        order,
        payment_method: None,
        click_tokens: tokens::distinct(found),
        declared: None,
        currency: None,
        coupon: None,
        lines,
        updated_at: None,
    })
}

fn line(shop: &Shop, item: &At<'_>) -> Result<Line, Unmappable> {
    let payment = item.get("payment");
    let amount = if payment.value.is_null() { item.get("total_fee") } else { payment };
    let pieces = item.get("num");
    let quantity = match pieces.id() {
        None => 1,
        Some(text) => text.parse().map_err(|_| pieces.wrong("is not a number of pieces"))?,
    };
    Ok(Line {
        line: item.get("oid").line()?,
        product: product(shop, &item.get("item_id"), &item.get("outer_item_id"))?,
        sku: item.get("sku_id").id(),
        amount_fen: amount.fen()?,
        quantity,
    })
}

fn paid(created: &Created, message: &At<'_>) -> Result<Paid, Unmappable> {
    let info = message.get("full_order_info").get("order_info");
    let lines = created.lines.iter().map(|l| LineAmount { line: l.line.clone(), amount_fen: l.amount_fen });
    Ok(Paid {
        platform: created.platform.clone(),
        order: created.order.clone(),
        at: time(&info.get("pay_time"))?,
        payment_method: Some(method(info.get("pay_type").value.as_i64())),
        currency: None,
        lines: lines.collect(),
        updated_at: None,
    })
}

/// `pay_type`: 1 微信自有支付, 10 大账号代销, 9 货到付款, the forms of 支付宝, and much that is none of these.
fn method(pay_type: Option<i64>) -> PayMethod {
    match pay_type {
        Some(1 | 110) => PayMethod::WechatOwn,
        Some(10) => PayMethod::WechatConsignment,
        Some(2 | 3 | 30 | 103 | 111) => PayMethod::Alipay,
        Some(9) => PayMethod::CashOnDelivery,
        Some(37 | 104 | 112 | 113) => PayMethod::BankCard,
        _ => PayMethod::Other,
    }
}

/// A step of an order, told by a whole order or by its number and time alone.
fn step(shop: &Shop, message: &At<'_>, field: &str) -> Result<Step, Unmappable> {
    let info = message.get("full_order_info").get("order_info");
    let told = if info.value.is_null() { message.clone() } else { info };
    let own = told.get(field);
    let at = if own.text().is_empty() { time(&told.get("update_time"))? } else { time(&own)? };
    Ok(Step { platform: shop.platform.clone(), order: told.get("tid").order()?, at, updated_at: None })
}

fn refunded(shop: &Shop, message: &At<'_>) -> Result<Refunded, Unmappable> {
    let order: OrderId = message.get("tid").order()?;
    let oids = message.get("oids");
    let lines = oids_of(&oids)?;
    let [line] = lines.as_slice() else {
        let what = format!("names {} lines: how much of the refund is for each is not told", lines.len());
        return Err(oids.wrong(what));
    };
    let amount_fen = message.get("refunded_fee").fen()?;
    Ok(Refunded {
        platform: shop.platform.clone(),
        order,
        refund_id: message.get("refund_id").required_id()?,
        at: time(&message.get("update_time"))?,
        initiated_at: None,
        credit_part: None,
        special: false,
        currency: None,
        lines: vec![LineAmount { line: line.clone(), amount_fen }],
        updated_at: None,
    })
}

/// A refund is asked for, or ends without money; for which goods does not matter.
fn refund_step(shop: &Shop, message: &At<'_>) -> Result<RefundStep, Unmappable> {
    Ok(RefundStep {
        platform: shop.platform.clone(),
        order: message.get("tid").order()?,
        refund_id: message.get("refund_id").required_id()?,
        at: time(&message.get("update_time"))?,
        updated_at: None,
    })
}

/// `123`, `"123,124"`, `"[123]"`, `[123, "124"]` or `[{"oid": 123}]`.
fn oids_of(oids: &At<'_>) -> Result<Vec<LineId>, Unmappable> {
    let items = oids.items();
    if !items.is_empty() {
        let id = |item: &At<'_>| if item.value.is_object() { item.get("oid").line() } else { item.line() };
        return items.iter().map(id).collect();
    }
    let text = oids.required_id()?;
    let parts = text.trim_matches(['[', ']']).split(',').map(|part| part.trim().trim_matches('"'));
    parts.map(|part| LineId::new(part).map_err(|error| oids.wrong(error.to_string()))).collect()
}

/// `2026-11-11 20:00:00` in Asia/Shanghai.
fn time(at: &At<'_>) -> Result<ApiTime, Unmappable> {
    let read = Instant::read(at.text());
    read.map(ApiTime::from).ok_or_else(|| at.wrong("a time such as 2026-11-11 20:00:00 is missing here"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::source::{ProductFrom, Settings};
    use serde_json::json;

    pub(super) fn shop() -> Shop {
        Shop {
            platform: "youzan".parse().unwrap(),
            merchant: "tea".parse().unwrap(),
            click_param: "yk_click".into(),
            settings: Settings::default(),
        }
    }

    fn push(name: &str) -> Value {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/youzan/");
        serde_json::from_str(&std::fs::read_to_string(format!("{folder}{name}.json")).unwrap()).unwrap()
    }

    fn mapped(name: &str) -> Value {
        match map(&shop(), &push(name)).unwrap() {
            Mapped::Events(events) => serde_json::to_value(events).unwrap(),
            Mapped::Ignored(why) => json!(why),
        }
    }

    #[test]
    fn signatures_are_the_md5_of_id_body_and_secret() {
        // md5("abc")
        assert_eq!(signed("a", b"b", "c"), "900150983cd24fb0d6963f7d28e17f72");
        assert!(verifies("a", b"b", "c", "900150983CD24FB0D6963F7D28E17F72"));
        assert!(
            !verifies("a", b"b", "d", "900150983cd24fb0d6963f7d28e17f72") && !verifies("a", b"b", "c", "")
        );
    }

    #[test]
    fn a_paid_order_is_told_whole() {
        let order = json!({"platform": "youzan", "order": "E20261111200000000001"});
        let with = |extra: Value| {
            let mut event = order.clone();
            event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            event
        };
        assert_eq!(
            mapped("trade_TradePaid"),
            json!([
                with(
                    json!({"type": "created", "at": 1_794_398_400_000_i64, "merchant": "tea", "buyer": "yz-7788",
                    "click_tokens": ["v1.1-7.AAAA.BBBB"], "lines": [
                        {"line": "2847201", "product": "501", "sku": "36167", "amount_fen": 9_000, "quantity": 2},
                        {"line": "2847202", "product": "502", "sku": "36168", "amount_fen": 1_999, "quantity": 1}]})
                ),
                with(
                    json!({"type": "paid", "at": 1_794_398_431_000_i64, "payment_method": "wechat_consignment",
                    "lines": [{"line": "2847201", "amount_fen": 9_000}, {"line": "2847202", "amount_fen": 1_999}]})
                ),
            ])
        );
        let mut by_code = shop();
        by_code.settings =
            Settings { product_from: ProductFrom::Code, product_prefix: "yz-".into(), ..Settings::default() };
        let Mapped::Events(events) = map(&by_code, &push("trade_TradePaid")).unwrap() else {
            panic!("ignored")
        };
        let OrderEvent::Created(created) = &events[0] else { panic!("{events:?}") };
        assert_eq!(created.lines[0].product.as_str(), "yz-CUP-316");
    }

    #[test]
    fn steps_and_refunds_are_told_by_number_and_time() {
        let step = |kind: &str, at: i64| json!([{"type": kind, "platform": "youzan", "order": "E20261111200000000001", "at": at}]);
        assert_eq!(mapped("trade_TradeSellerShip"), step("shipped", 1_794_484_800_000));
        assert_eq!(mapped("trade_TradeSuccess"), step("completed", 1_795_003_200_000));
        assert_eq!(mapped("TRADE_ORDER_STATE"), json!("each step has a message that tells it whole"));
        // What the seller agrees to carries the number of the refund that follows, and another time.
        for kind in ["REFUND_ONLY", "REFUND_AND_RETURN"] {
            let mut agreed = push("youzan_trade_RefundSuccess");
            agreed["type"] = json!("trade_refund_RefundSellerAgree");
            agreed["msg"]["refund_type"] = json!(kind);
            assert!(matches!(map(&shop(), &agreed), Ok(Mapped::Ignored(_))), "{kind}");
        }
        assert_eq!(
            mapped("youzan_trade_RefundSuccess"),
            json!([{"type": "refunded", "platform": "youzan", "order": "E20261111200000000001",
                "refund_id": "202611122000000001", "at": 1_794_500_000_000_i64,
                "lines": [{"line": "2847202", "amount_fen": 1_999}]}])
        );
        let asked = |kind: &str, at: i64| {
            json!([{"type": kind, "platform": "youzan", "order": "E20261111200000000001",
                    "refund_id": "202611122000000001", "at": at}])
        };
        assert_eq!(mapped("trade_refund_BuyerCreated"), asked("refund_asked", 1_794_450_000_000));
        let named = |name: &str| {
            let mut message = push("trade_refund_BuyerCreated");
            message["type"] = json!(name);
            map(&shop(), &message).unwrap()
        };
        let Mapped::Events(closed) = named("trade_refund_RefundClosed") else { panic!("ignored") };
        assert_eq!(serde_json::to_value(closed).unwrap(), asked("refund_refused", 1_794_450_000_000));
        for name in ["trade_refund_RefundSellerRefuse", "trade_refund_RefundAgain"] {
            assert!(matches!(named(name), Mapped::Ignored(_)), "{name}");
        }
        let exchange =
            json!({"type": "youzan_trade_RefundCreated", "msg": {"refund_type": "EXCHANGE_GOODS_FLOW"}});
        assert!(matches!(map(&shop(), &exchange), Ok(Mapped::Ignored(_))));
        let mut test = push("trade_TradeSuccess");
        test["test"] = json!(true);
        assert_eq!(map(&shop(), &test), Ok(Mapped::Ignored("a test message".into())));
        let other = json!({"type": "ITEM_STATE", "id": "1", "version": 3, "msg": "%7B%7D"});
        assert!(matches!(map(&shop(), &other), Ok(Mapped::Ignored(why)) if why.contains("ITEM_STATE")));
        assert_eq!(delivery_id(&other).unwrap(), "ITEM_STATE 1 3");
    }

    #[test]
    fn what_is_not_told_is_refused_with_its_place() {
        let refund = |change: &dyn Fn(&mut Value)| {
            let mut push = push("youzan_trade_RefundSuccess");
            change(&mut push["msg"]);
            map(&shop(), &push).unwrap_err().to_string()
        };
        assert!(refund(&|m| m["oids"] = json!("1,2")).starts_with("/msg/oids: names 2 lines"));
        assert!(
            refund(&|m| m["refunded_fee"] = json!("1.999")).starts_with("/msg/refunded_fee: 1.999 has parts")
        );
        assert!(
            refund(&|m| m["refunded_fee"] = json!(19.99)).starts_with("/msg/refunded_fee: an amount must be")
        );
        assert!(refund(&|m| m["update_time"] = json!("soon")).starts_with("/msg/update_time: a time"));
        let broken = json!({"type": "trade_TradePaid", "msg": "%7B"});
        assert!(map(&shop(), &broken).unwrap_err().to_string().starts_with("/msg: is not JSON"));
    }
}
