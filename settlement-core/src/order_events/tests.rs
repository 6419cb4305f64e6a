use super::*;
use serde_json::json;

fn read(value: &serde_json::Value) -> Result<OrderEvent, (&'static str, String)> {
    OrderEvent::read(value).map_err(|e| (e.code(), e.pointer()))
}

fn created(lines: &serde_json::Value) -> serde_json::Value {
    json!({"type": "created", "platform": "1688", "order": "o-1", "at": "2020-05-01T15:56:33+08:00",
           "merchant": "shop", "buyer": "buyer-7", "lines": lines})
}

#[test]
fn an_event_is_the_same_whatever_the_spelling_of_its_time_and_its_updated_at() {
    let lines = json!([{"line": "1", "product": "cup", "amount_fen": 100, "quantity": 1}]);
    let mut other = created(&json!([{"amount_fen": 100, "line": "1", "product": "cup"}]));
    other["at"] = json!("2020-05-01T07:56:33Z");
    other["updated_at"] = json!("2020-05-03T00:00:00Z");
    let (a, b) = (read(&created(&lines)).unwrap(), read(&other).unwrap());
    assert_eq!(a.contents(), b.contents());
    assert_eq!(a.key(), b.key());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let line = |amount: i64| json!({"line": "1", "product": "cup", "amount_fen": amount});
    let mut nothing = line(1);
    nothing["quantity"] = json!(0);
    let unreadable = |pointer: &str, value: serde_json::Value| {
        let mut event = created(&json!([line(1)]));
        event[pointer] = value;
        event
    };
    let refund = |id: &str| {
        json!({"type": "refunded", "platform": "1688", "order": "o", "refund_id": id,
               "at": 1_500_000_000_000_i64, "lines": [{"line": "1", "amount_fen": 1}]})
    };
    let asked = |id: &str| {
        json!({"type": "refund_asked", "platform": "1688", "order": "o", "refund_id": id,
               "at": 1_500_000_000_000_i64})
    };
    let rows = [
        (created(&json!([nothing])), "quantity_out_of_range", "/lines/0/quantity"),
        (unreadable("coupon", json!("a\u{0}\n")), "control_character", "/coupon"),
        (unreadable("declared", json!({"channel": "\u{7f}"})), "control_character", "/declared/channel"),
        (unreadable("declared", json!({"distributor": "a\r"})), "control_character", "/declared/distributor"),
        (refund("a\u{0}\n"), "control_character", "/refund_id"),
        (created(&json!([])), "order_without_lines", "/lines"),
        (created(&json!([line(-1)])), "amount_out_of_range", "/lines/0/amount_fen"),
        (created(&json!([line(1), line(1)])), "line_repeated", "/lines/1/line"),
        (json!({"type": "lost", "platform": "1688"}), "order_event_malformed", "/type"),
        (unreadable("at", json!("yesterday")), "order_event_malformed", "/at"),
        (
            created(&json!([{"line": "1", "product": 7, "amount_fen": 1}])),
            "order_event_malformed",
            "/lines/0/product",
        ),
        (refund(""), "refund_id_invalid", "/refund_id"),
        (asked(""), "refund_id_invalid", "/refund_id"),
        (asked("a\n"), "control_character", "/refund_id"),
    ];
    for (value, code, pointer) in rows {
        assert_eq!(read(&value), Err((code, pointer.to_owned())));
    }
}

#[test]
fn an_event_reads_the_same_wherever_its_type_stands() {
    let first = r#"{"type":"refunded","platform":"p","order":"o","refund_id":"r","at":1500000000000,"lines":[{"line":"1","amount_fen":5}]}"#;
    let last = r#"{"lines":[{"amount_fen":5,"line":"1"}],"at":1500000000000,"order":"o","platform":"p","refund_id":"r","type":"refunded"}"#;
    let read = |text: &str| serde_json::from_str::<OrderEvent>(text).map_err(|e| e.to_string());
    let event = read(first).unwrap();
    assert_eq!(read(last).as_ref(), Ok(&event));
    assert_eq!(serde_json::to_string(&event).unwrap(), first);
    let refused = [
        (r#"{"order":"o"}"#, "missing field `type`"),
        (r#"{"type":"eaten"}"#, "unknown variant `eaten`"),
        (r#"{"order":"o","type":"closed","platform":"p","at":1,"colour":1}"#, "unknown field `colour`"),
        (r#"{"type":"closed","order":"o","platform":"p","at":1,"colour":1}"#, "unknown field `colour`"),
        (r#"{"order":"o","order":"p","type":"closed"}"#, "duplicate field `order`"),
        (r#"{"type":"closed","type":"closed"}"#, "unknown field `type`"),
        ("[]", "expected an order event"),
    ];
    for (text, said) in refused {
        let why = read(text).unwrap_err();
        assert!(why.contains(said), "{text}: {why}");
    }
}
