//! The fold by rule: each file is one question that rules answer. What they share is here.

mod any_order;
mod binding;
mod eligible;
mod last_click;
mod prior_orders;
mod times;

use super::*;
use crate::click::ClickId;
use crate::ids::{OrderId, PromoterId};
use crate::policy::attribution::{Model, Validity};
use crate::testing::{at, click, goods};
use crate::time::Span;
use std::collections::BTreeSet;

fn window(days: u32) -> AttributionPolicy {
    AttributionPolicy {
        scope: Scope::Product,
        validity: Validity::FromLastClick(Span::days(days)),
        ..AttributionPolicy::default()
    }
}

fn bound() -> AttributionPolicy {
    AttributionPolicy { model: Model::Binding, validity: Validity::Permanent, ..AttributionPolicy::default() }
}

/// An order asked about, with all that the answer rests on.
struct Ask<'a> {
    clicks: Vec<Click>,
    orders: Vec<PriorOrder>,
    own: BTreeSet<PromoterId>,
    token: Option<ClickId>,
    final_at: Option<Instant>,
    bought: &'a str,
}

impl Ask<'_> {
    fn of(clicks: &[&str]) -> Self {
        Self {
            clicks: clicks.iter().map(|c| click(c)).collect(),
            orders: Vec::new(),
            own: BTreeSet::new(),
            token: None,
            final_at: None,
            bought: "甲",
        }
    }

    fn fold(&self, policy: &AttributionPolicy, order: &str) -> Folded {
        let id = OrderId::new("this").unwrap();
        let target = goods(self.bought);
        let question = Question {
            at: at(order),
            order: Some(&id),
            target: &target,
            token: self.token,
            final_at: self.final_at,
            own_promoters: &self.own,
        };
        fold(policy, &question, &self.clicks, &self.orders)
    }

    fn owner(&self, policy: &AttributionPolicy, order: &str) -> String {
        self.fold(policy, order).owner.map_or_else(|| "nobody".to_owned(), |owner| owner.promoter.to_string())
    }
}

fn order(id: &str, when: &str, what: &str) -> PriorOrder {
    PriorOrder {
        at: at(when),
        paid: None,
        order: OrderId::new(id).unwrap(),
        target: goods(what),
        method: None,
    }
}

/// Each click's promoter and the code of its verdict, in the order of the clicks.
fn codes(folded: &Folded) -> Vec<String> {
    folded
        .candidates
        .iter()
        .map(|c| {
            let json = serde_json::to_value(&c.verdict).unwrap();
            format!("{} {}", c.promoter, json["code"].as_str().unwrap())
        })
        .collect()
}
