//! Whose click was it: a device's logins decide.
//!
//! A click made while an account was logged in is that account's. Clicks before a login belong to it too, back to
//! the previous account of that device and at most so far back as the policy says.
//!
//! Who a visitor is, a shop says of its own customers. What it says counts for itself: or it could tell of its own
//! accomplice's device that it is the customers of another shop, which would then pay the accomplice.

use crate::ids::{BuyerId, MerchantId};
use crate::policy::attribution::IdentityRule;
use crate::time::Instant;

/// A buyer was seen to be this visitor: a login, or a click token on an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Join {
    /// When.
    pub at: Instant,
    /// Who.
    pub buyer: BuyerId,
    /// The merchant that said so; `None` for the platform's operator, whose word counts for all shops.
    pub told_by: Option<MerchantId>,
}

impl Join {
    /// Whether this counts for what is asked about a shop.
    fn counts_for(&self, shop: &MerchantId) -> bool {
        self.told_by.as_ref().is_none_or(|merchant| merchant == shop)
    }
}

/// Whether a click of this visitor at `clicked` counts as `buyer`'s at `shop`, asked at `as_of` (the order's instant: a
/// login after it does not count). `joins` are the visitor's, in any order, whoever told of them.
pub fn is_buyers_click(
    rule: &IdentityRule,
    joins: &[Join],
    (buyer, shop): (&BuyerId, &MerchantId),
    clicked: Instant,
    as_of: Instant,
) -> bool {
    let known = |join: &&Join| join.at.floor_seconds() <= as_of.floor_seconds();
    let later = |join: &&Join| join.at.floor_seconds() > clicked.floor_seconds();
    let joins = || joins.iter().filter(|join| join.counts_for(shop));
    let logged_in = joins().filter(known).filter(|join| !later(join)).max();
    if let Some(current) = logged_in
        && rule.account
        && current.buyer == *buyer
    {
        return true;
    }
    // From here on the click counts as anonymous for this buyer.
    if logged_in.is_some() && rule.stop_at_account_switch {
        return false;
    }
    let next = joins().filter(known).filter(later);
    let login = if rule.stop_at_account_switch {
        next.min().filter(|join| join.buyer == *buyer)
    } else {
        next.filter(|join| join.buyer == *buyer).min()
    };
    login.is_some_and(|join| {
        (join.at.floor_seconds() - clicked.floor_seconds()).saturating_mul(crate::time::SECOND_MS)
            <= rule.device_ttl.millis()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY_MS, Span};

    fn join(day: i64, buyer: &str) -> Join {
        Join { at: Instant(day * DAY_MS), buyer: BuyerId::new(buyer).unwrap(), told_by: None }
    }

    #[test]
    fn clicks_belong_to_the_account_of_their_time() {
        let joins = [join(10, "U"), join(20, "V"), join(30, "U")];
        let rule = IdentityRule { device_ttl: Span::days(5), ..IdentityRule::default() };
        let loose = IdentityRule { stop_at_account_switch: false, ..rule };
        // day of the click, day of the order, rule, whether it is U's, whether it is V's
        let rows = [
            (7, 12, rule, true, false),  // anonymous, three days before U's login
            (5, 12, rule, true, false),  // exactly as far back as allowed
            (4, 12, rule, false, false), // too far back
            (7, 9, rule, false, false),  // the login comes only after the order
            (12, 40, rule, true, false), // while U is logged in
            (18, 40, rule, true, false), // still U's, though V logs in soon after
            (22, 40, rule, false, true), // while V is logged in
            (28, 40, rule, false, true), // V's, though U returns soon after
            (31, 40, rule, true, false), // U again
            (18, 40, loose, true, true), // without the stop V's login reaches back behind U
            (28, 40, loose, true, true),
        ];
        for (clicked, ordered, rule, us, vs) in rows {
            let is = |buyer: &str| {
                let buyer = BuyerId::new(buyer).unwrap();
                let shop = MerchantId::new("m1").unwrap();
                let (clicked, ordered) = (Instant(clicked * DAY_MS), Instant(ordered * DAY_MS));
                is_buyers_click(&rule, &joins, (&buyer, &shop), clicked, ordered)
            };
            assert_eq!((is("U"), is("V")), (us, vs), "click day {clicked}, order day {ordered}, {rule:?}");
        }
    }

    #[test]
    fn a_shops_word_counts_for_itself_alone() {
        let told =
            |day, buyer, by: &str| Join { told_by: Some(MerchantId::new(by).unwrap()), ..join(day, buyer) };
        let (rule, buyer) = (IdentityRule::default(), BuyerId::new("U").unwrap());
        let is = |joins: &[Join], shop: &str| {
            let shop = MerchantId::new(shop).unwrap();
            is_buyers_click(&rule, joins, (&buyer, &shop), Instant(7 * DAY_MS), Instant(12 * DAY_MS))
        };
        let stranger = [told(5, "U", "m2")];
        assert_eq!((is(&stranger, "m1"), is(&stranger, "m2")), (false, true));
        // Nor can it take a customer away: by a later account, or by one that was there before.
        for other in [told(6, "V", "m2"), told(8, "V", "m2")] {
            let joins = [told(5, "U", "m1"), other.clone()];
            assert!(is(&joins, "m1"), "{other:?}");
            let joins = [told(10, "U", "m1"), other.clone()];
            assert!(is(&joins, "m1"), "{other:?}");
        }
        assert_eq!((is(&[join(5, "U")], "m1"), is(&[join(5, "U")], "m2")), (true, true));
    }
}
