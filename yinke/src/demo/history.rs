//! A few weeks of orders, and some old ones: without a history nobody is a returning customer.

use super::chance::Chance;
use super::files::{COUPON, COUPONS, Product, Table, platform_of, products};
use attribution_core::time::{DAY_MS, HOUR_MS, Instant, SECOND_MS};

const HEADER: [&str; 15] = [
    "type",
    "platform",
    "order",
    "at",
    "merchant",
    "buyer",
    "payment_method",
    "channel",
    "distributor",
    "refund_id",
    "line",
    "product",
    "amount_fen",
    "quantity",
    "coupon",
];

/// Orders of the last four weeks.
const RECENT: u64 = 120;
const RECENT_DAYS: i64 = 28;
/// Buyers with such a number bought for the first time more than 60 days ago.
const OLD_CUSTOMERS: std::ops::RangeInclusive<u64> = 1..=8;
const OLD_AGE_DAYS: i64 = 78;
/// Every so many of the recent orders of a shop that takes it comes with a promoter's own code: nobody tapped a link before
/// there were links, and whoever signs in is to find weeks of orders.
const WITH_CODE: u64 = 2;
/// Buyers who come and go.
const BUYERS: u64 = 40;

const MINUTE_MS: i64 = 60 * SECOND_MS;

/// All events of one order, in time.
struct Order<'p> {
    number: String,
    buyer: String,
    product: &'p Product,
    created: Instant,
    fate: Fate,
    /// A promoter's own code; empty for none.
    coupon: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Completed,
    Refunded,
    Unpaid,
}

/// The history as the file `orders.csv`, in the order of time.
pub(super) fn orders(now: Instant) -> String {
    let products = products();
    let mut chance = Chance::new(20_171_213);
    let mut events = Vec::new();
    for buyer in OLD_CUSTOMERS {
        // One old purchase at every shop, so that the class of later ones does not depend on the shop.
        for merchant in ["qingchuan", "mujian", "yunhe", "lanxi"] {
            let of_shop: Vec<&Product> = products.iter().filter(|p| p.merchant == merchant).collect();
            let age = OLD_AGE_DAYS * DAY_MS + hours(&mut chance, 24 * 12);
            Order {
                number: format!("OLD-{merchant}-{buyer:02}"),
                buyer: format!("u-{buyer:03}"),
                product: chance.pick::<&Product>(&of_shop),
                created: now.plus(-age).floor(),
                fate: Fate::Completed,
                coupon: "",
            }
            .tell(&mut chance, now, &mut events);
        }
    }
    for number in 1..=RECENT {
        let age = hours(&mut chance, RECENT_DAYS.unsigned_abs() * 24 - 2) + 2 * HOUR_MS;
        let fate = match chance.below(20) {
            0 => Fate::Refunded,
            1 => Fate::Unpaid,
            _ => Fate::Completed,
        };
        let buyer = format!("u-{:03}", 1 + chance.below(BUYERS));
        let product = chance.pick::<Product>(&products);
        let taken = COUPONS.iter().any(|(_, merchant)| product.merchant == *merchant);
        Order {
            number: format!("H{number:04}"),
            buyer,
            product,
            created: now.plus(-age).floor(),
            fate,
            coupon: if taken && number % WITH_CODE == 0 { COUPON } else { "" },
        }
        .tell(&mut chance, now, &mut events);
    }
    events.sort();
    let mut table = Table::new(&HEADER);
    for (_, row) in events {
        table.row(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    table.text()
}

fn hours(chance: &mut Chance, below: u64) -> i64 {
    let minutes = i64::try_from(chance.below(below * 60)).unwrap_or_default();
    minutes * MINUTE_MS
}

impl Order<'_> {
    /// Adds the events that have happened by `now`.
    fn tell(&self, chance: &mut Chance, now: Instant, out: &mut Vec<(Instant, [String; 15])>) {
        let platform = platform_of(&self.product.merchant);
        let (channel, distributor) = match self.product.merchant.as_str() {
            // Off-site orders name their channel themselves; nobody taps a link.
            "hengtai" => (*chance.pick(&["taote", "alipay", "qianniu"]), "xu-daren"),
            _ => ("", ""),
        };
        let method = match platform {
            "youzan" => {
                *chance.pick(&["wechat_consignment", "wechat_consignment", "wechat_own", "bank_card"])
            }
            _ => "alipay",
        };
        let quantity = 1 + chance.below(2);
        let amount = self.product.price_fen * i64::try_from(quantity).unwrap_or(1);
        let mut add = |kind: &str, at: Instant, refund: &str| {
            if at > now {
                return;
            }
            let created = kind == "created";
            let line = if created || kind == "refunded" { "1" } else { "" };
            let only = |yes: bool, text: &str| if yes { text.to_owned() } else { String::new() };
            let row = [
                kind.to_owned(),
                platform.to_owned(),
                self.number.clone(),
                at.to_string(),
                only(created, &self.product.merchant),
                only(created, &self.buyer),
                only(created, method),
                only(created, channel),
                only(created, distributor),
                refund.to_owned(),
                line.to_owned(),
                only(created, &self.product.id),
                only(!line.is_empty(), &amount.to_string()),
                only(created, &quantity.to_string()),
                only(created, self.coupon),
            ];
            out.push((at, row));
        };
        let paid = self.created.plus(4 * MINUTE_MS);
        let shipped = paid.plus(20 * HOUR_MS);
        add("created", self.created, "");
        match self.fate {
            Fate::Unpaid => add("closed", self.created.plus(DAY_MS), ""),
            Fate::Refunded => {
                add("paid", paid, "");
                add("refunded", paid.plus(6 * HOUR_MS), &format!("R-{}", self.number));
                add("closed", paid.plus(6 * HOUR_MS + MINUTE_MS), "");
            }
            Fate::Completed => {
                add("paid", paid, "");
                add("shipped", shipped, "");
                add("completed", shipped.plus(6 * DAY_MS), "");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_lies_in_the_past_and_is_always_the_same() {
        let now = Instant(1_793_000_000_000);
        let text = orders(now);
        assert_eq!(text, orders(now));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let times: Vec<String> = reader.records().map(|r| r.unwrap()[3].to_owned()).collect();
        assert!(times.len() > 400, "{}", times.len());
        assert!(times.is_sorted());
        assert!(times.last().unwrap() <= &now.to_string());
    }
}
