//! Short spellings for tests: instants as people write them, clicks and goods by letters.

use crate::click::ClickId;
use crate::fold::{Click, ClickTarget, Evidence};
use crate::ids::{MerchantId, PlacementId, PlatformId, ProductId, PromoterId};
use crate::time::Instant;
use serde_json::Value;
use std::collections::BTreeMap;

/// A policy's fields by their paths, `attribution.scope`; a part that is no section is a field itself.
pub(crate) fn policy_fields(policy: &Value) -> BTreeMap<String, Value> {
    const SECTIONS: [&str; 5] = ["attribution", "commission", "settlement", "eligibility", "edge"];
    let mut fields = BTreeMap::new();
    for (part, value) in policy.as_object().unwrap() {
        match value {
            Value::Object(section) if SECTIONS.contains(&part.as_str()) => {
                fields.extend(section.iter().map(|(name, value)| (format!("{part}.{name}"), value.clone())));
            }
            value => drop(fields.insert(part.clone(), value.clone())),
        }
    }
    fields
}

/// `2020-03-05 16:55:35` in Asia/Shanghai; `06-01 10:00:00` is in 2020.
pub(crate) fn at(text: &str) -> Instant {
    let full =
        if text.len() > 5 && text.as_bytes()[4] == b'-' { text.to_owned() } else { format!("2020-{text}") };
    Instant::read(&full).unwrap()
}

pub(crate) fn promoter(name: &str) -> PromoterId {
    PromoterId::new(name).unwrap()
}

/// 甲 and 乙 are products of shop S, 丙 is one of shop T; S and T stand for the shops themselves.
pub(crate) fn goods(name: &str) -> ClickTarget {
    let (merchant, product) = match name {
        "甲" => ("S", Some("jia")),
        "乙" => ("S", Some("yi")),
        "丙" => ("T", Some("bing")),
        shop => (shop, None),
    };
    ClickTarget {
        platform: PlatformId::new("P").unwrap(),
        merchant: MerchantId::new(merchant).unwrap(),
        product: product.map(|p| ProductId::new(p).unwrap()),
    }
}

/// A click that may count, ingested when it was made: `a 06-01 10:00:00` or `a 06-01 10:00:00 乙`; 甲 if not said.
pub(crate) fn click(text: &str) -> Click {
    let parts: Vec<&str> = text.split(' ').collect();
    let [who, day, time, rest @ ..] = parts.as_slice() else { panic!("click {text:?}") };
    let when = at(&format!("{day} {time}"));
    let mut id = [0u8; 16];
    id[..8].copy_from_slice(&when.millis().to_be_bytes());
    id[15] = who.as_bytes()[0];
    Click {
        id: ClickId(id),
        received: when,
        ingested: when,
        promoter: promoter(who),
        placement: PlacementId::new(format!("{who}-1")).unwrap(),
        target: goods(rest.first().copied().unwrap_or("甲")),
        link_expires: None,
        qr: false,
        ineligible: None,
        evidence: Evidence::Journal,
    }
}
