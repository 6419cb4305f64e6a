//! What the buyers do after their taps: orders, payments, a refund; as the shops' servers would report them.

use super::taps::Tapped;
use attribution_core::time::Instant;
use serde_json::{Value, json};

/// One purchase of the story.
struct Purchase {
    order: &'static str,
    platform: &'static str,
    merchant: &'static str,
    /// Who taps with which browser; nobody for orders that name their channel.
    browser: Option<&'static str>,
    buyer: &'static str,
    product: &'static str,
    amount_fen: i64,
    method: &'static str,
    channel: Option<&'static str>,
    completed: bool,
    refund_fen: Option<i64>,
}

/// The order that the story shows first.
pub(super) const FIRST: &str = "DEMO-1001";

const PURCHASES: [Purchase; 9] = [
    Purchase {
        completed: true,
        ..purchase(FIRST, "1688", "qingchuan", "phone-051", "u-051", "qc-001", 3_980)
    },
    purchase("DEMO-1002", "1688", "qingchuan", "phone-003", "u-003", "qc-002", 2_650),
    Purchase {
        method: "wechat_consignment",
        refund_fen: Some(8_800),
        ..purchase("DEMO-1003", "youzan", "mujian", "phone-052", "u-052", "mj-004", 38_800)
    },
    Purchase {
        method: "cash_on_delivery",
        ..purchase("DEMO-1004", "youzan", "mujian", "phone-053", "u-053", "mj-012", 23_800)
    },
    purchase("DEMO-1005", "taobao", "yunhe", "phone-054", "u-054", "yh-018", 50_000),
    purchase("DEMO-1006", "taobao", "yunhe", "phone-055", "u-055", "yh-002", 18_900),
    Purchase {
        completed: true,
        ..purchase("DEMO-1007", "taobao", "lanxi", "phone-056", "u-056", "lx-011", 19_900)
    },
    purchase("DEMO-1008", "1688", "qingchuan", "desktop-057", "u-057", "qc-004", 6_900),
    Purchase {
        browser: None,
        channel: Some("taote"),
        ..purchase("DEMO-1009", "1688", "hengtai", "", "u-058", "ht-001", 8_900)
    },
];

const fn purchase(
    order: &'static str,
    platform: &'static str,
    merchant: &'static str,
    browser: &'static str,
    buyer: &'static str,
    product: &'static str,
    amount_fen: i64,
) -> Purchase {
    Purchase {
        order,
        platform,
        merchant,
        browser: Some(browser),
        buyer,
        product,
        amount_fen,
        method: "alipay",
        channel: None,
        completed: false,
        refund_fen: None,
    }
}

/// All purchases as one body for the core.
pub(super) fn events(taps: &[Tapped], now: Instant) -> Value {
    let events: Vec<Value> = PURCHASES.iter().flat_map(|purchase| purchase.events(taps, now)).collect();
    json!({ "events": events })
}

impl Purchase {
    fn events(&self, taps: &[Tapped], now: Instant) -> Vec<Value> {
        let at = now.millis();
        let tokens: Vec<&str> = taps
            .iter()
            .filter(|tap| Some(tap.browser) == self.browser)
            .filter_map(|tap| tap.click_token.as_deref())
            .collect();
        let mut created = json!({
            "type": "created", "platform": self.platform, "order": self.order, "at": at,
            "merchant": self.merchant, "buyer": self.buyer, "payment_method": self.method,
            "click_tokens": tokens,
            "lines": [{ "line": "1", "product": self.product, "amount_fen": self.amount_fen, "quantity": 1 }],
        });
        if let Some(channel) = self.channel {
            created["declared"] = json!({ "channel": channel, "distributor": "xu-daren" });
        }
        let step =
            |kind: &str| json!({ "type": kind, "platform": self.platform, "order": self.order, "at": at });
        let mut events = vec![created, step("paid")];
        if let Some(fen) = self.refund_fen {
            events.push(json!({
                "type": "refunded", "platform": self.platform, "order": self.order, "at": at,
                "refund_id": format!("R-{}", self.order), "lines": [{ "line": "1", "amount_fen": fen }],
            }));
        }
        if self.completed {
            events.push(step("completed"));
        }
        events
    }
}
