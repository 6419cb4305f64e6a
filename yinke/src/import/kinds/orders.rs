//! Order events. An order with several lines takes several rows in a row; everything but the line is the same.

use super::Item;
use super::catalogue::put;
use crate::import::fields::Fields;
use attribution_core::ids::{BuyerId, LineId, MerchantId, OrderId, PlatformId, ProductId};
use serde_json::{Map, Value};

const TYPES: &[&str] =
    &["created", "paid", "shipped", "completed", "refund_asked", "refund_refused", "refunded", "closed"];
const METHODS: &[&str] =
    &["wechat_own", "wechat_consignment", "bank_card", "alipay", "cash_on_delivery", "other"];

pub(super) fn event(f: &mut Fields<'_>) -> Option<Item> {
    let kind = f.word("type", TYPES);
    let (platform, order) = (f.parsed::<PlatformId>("platform"), f.parsed::<OrderId>("order"));
    let (at, updated_at) = (f.time("at"), f.time_or_none("updated_at"));
    let kind = kind?;
    let mut body = Map::new();
    body.insert("type".into(), kind.into());
    let line = match kind {
        "created" => created(f, &mut body),
        "paid" => {
            let method = f.word_or_none("payment_method", METHODS);
            let line = amount_line(f, false);
            put(&mut body, "payment_method", method?);
            line
        }
        "shipped" => {
            let parcel = f.text_or_none("parcel");
            put(&mut body, "parcel", parcel?);
            Some(None)
        }
        "refund_asked" | "refund_refused" => {
            body.insert("refund_id".into(), f.text("refund_id")?.into());
            Some(None)
        }
        "refunded" => {
            let refund = f.text("refund_id");
            let line = amount_line(f, true);
            body.insert("refund_id".into(), refund?.into());
            line
        }
        _ => Some(None),
    };
    let (platform, order) = (platform?, order?);
    let number = body.get("refund_id").or_else(|| body.get("parcel"));
    let number = number.and_then(Value::as_str).unwrap_or_default().to_owned();
    let event = event_name(|name| match name {
        "type" => Some(kind),
        "platform" => Some(platform.as_str()),
        "order" => Some(order.as_str()),
        _ => Some(&number),
    });
    body.insert("platform".into(), platform.as_str().into());
    body.insert("order".into(), order.as_str().into());
    body.insert("at".into(), at?.into());
    put(&mut body, "updated_at", updated_at?);
    if let Some(line) = line? {
        body.insert("lines".into(), Value::Array(vec![line]));
    }
    Some(Item::Continues { event: event?, body: Value::Object(body) })
}

/// The event's natural key as text.
pub(super) fn event_name<'v>(cell: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
    let (kind, platform, order) = (cell("type")?, cell("platform")?, cell("order")?);
    let number = ["refund_id", "parcel"].into_iter().filter_map(cell).find(|number| !number.is_empty());
    Some(format!("{kind} {platform} {order} {}", number.unwrap_or_default()).trim_end().to_owned())
}

/// The outer `None` is a fault; the inner says that the row has no line.
fn created(f: &mut Fields<'_>, body: &mut Map<String, Value>) -> Option<Option<Value>> {
    let (merchant, buyer) = (f.parsed::<MerchantId>("merchant"), f.parsed::<BuyerId>("buyer"));
    let (method, tokens) = (f.word_or_none("payment_method", METHODS), f.list("click_tokens"));
    let (channel, distributor) = (f.text_or_none("channel"), f.text_or_none("distributor"));
    let (coupon, line) = (f.text_or_none("coupon"), f.parsed_or_none::<LineId>("line"));
    let (product, amount) = (f.parsed::<ProductId>("product"), f.count("amount_fen"));
    let quantity = f.count_or_none("quantity");
    body.insert("merchant".into(), merchant?.as_str().into());
    body.insert("buyer".into(), buyer?.as_str().into());
    put(body, "payment_method", method?);
    let tokens = tokens?;
    put(body, "click_tokens", (!tokens.is_empty()).then_some(tokens));
    let (channel, distributor) = (channel?, distributor?);
    if channel.is_some() || distributor.is_some() {
        let mut declared = Map::new();
        put(&mut declared, "channel", channel);
        put(&mut declared, "distributor", distributor);
        body.insert("declared".into(), Value::Object(declared));
    }
    put(body, "coupon", coupon?);
    let mut out = Map::new();
    out.insert("line".into(), line?.map_or_else(|| "1".to_owned(), String::from).into());
    out.insert("product".into(), product?.as_str().into());
    out.insert("amount_fen".into(), amount?.into());
    put(&mut out, "quantity", quantity?);
    Some(Some(Value::Object(out)))
}

fn amount_line(f: &mut Fields<'_>, required: bool) -> Option<Option<Value>> {
    let line = f.parsed_or_none::<LineId>("line");
    let amount = if required { f.count("amount_fen").map(Some) } else { f.count_or_none("amount_fen") };
    let Some(amount) = amount? else { return Some(None) };
    let mut out = Map::new();
    out.insert("line".into(), line?.map_or_else(|| "1".to_owned(), String::from).into());
    out.insert("amount_fen".into(), amount.into());
    Some(Some(Value::Object(out)))
}
