//! The demo's CSV files: fixed names and prices, dates relative to now.

use super::{DemoError, Story, history};
use crate::import::Kind;
use attribution_core::time::{DAY_MS, HOUR_MS, Instant};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const MERCHANTS: &str = include_str!("templates/merchants.csv");
const PRODUCTS: &str = include_str!("templates/products.csv");
const PROMOTERS: &str = include_str!("templates/promoters.csv");
const PLACEMENTS: &str = include_str!("templates/placements.csv");

/// In which order the files are imported: later rows name earlier ones.
pub(super) const ORDER: [Kind; 8] = [
    Kind::Merchants,
    Kind::Programmes,
    Kind::Products,
    Kind::Promoters,
    Kind::Placements,
    Kind::Bans,
    Kind::Links,
    Kind::Orders,
];

/// The rules have been in force for so long: longer than any order of the history is old.
const RULES_AGE_DAYS: i64 = 200;

/// One product of the catalogue.
pub(super) struct Product {
    /// Its id.
    pub(super) id: String,
    /// Who sells it.
    pub(super) merchant: String,
    /// Its list price.
    pub(super) price_fen: i64,
}

/// All products, in the order of the file.
pub(super) fn products() -> Vec<Product> {
    let mut reader = csv::Reader::from_reader(PRODUCTS.as_bytes());
    reader
        .records()
        .flatten()
        .map(|r| Product {
            id: r[0].to_owned(),
            merchant: r[1].to_owned(),
            price_fen: r[4].parse().unwrap_or_default(),
        })
        .collect()
}

/// The merchants' ids.
pub(super) fn merchants() -> impl Iterator<Item = &'static str> {
    MERCHANTS.lines().skip(1).filter_map(|line| line.split(',').next())
}

/// The platform of a demo merchant.
pub(super) fn platform_of(merchant: &str) -> &'static str {
    MERCHANTS
        .lines()
        .find_map(|line| line.strip_prefix(merchant)?.strip_prefix(',')?.split(',').next())
        .unwrap_or("1688")
}

/// Writes the files that are not there yet; a restart in the middle goes on with the same ones.
///
/// # Errors
/// If one cannot be written.
pub(super) fn write(dir: &Path, now: Instant) -> Result<(), DemoError> {
    for kind in ORDER {
        let path = dir.join(format!("{}.csv", kind.name()));
        if path.exists() {
            continue;
        }
        let text = match kind {
            Kind::Merchants => MERCHANTS.to_owned(),
            Kind::Products => PRODUCTS.to_owned(),
            Kind::Promoters => PROMOTERS.to_owned(),
            Kind::Placements => PLACEMENTS.to_owned(),
            Kind::Programmes => programmes(now),
            Kind::Bans => BANS.to_owned(),
            Kind::Links => links(now),
            Kind::Orders => history::orders(now),
        };
        let temporary = path.with_extension("new");
        std::fs::write(&temporary, text)
            .and_then(|()| std::fs::rename(&temporary, &path))
            .map_err(|source| DemoError::File { path, source })?;
    }
    Ok(())
}

/// The ban on promoting shopping credit: published two weeks after it took effect.
const BANS: &str = "category,programme,effective_from,announced_at,note\n\
                    shopping-credit,tblm,2021-03-24 00:00:00,2021-04-08 00:00:00,购物金类目禁止推广\n";

fn programmes(now: Instant) -> String {
    let since = now.plus(-RULES_AGE_DAYS * DAY_MS).floor();
    let effective = json!({ "from": since.millis() });
    let rate = |class: Option<&str>, bp: u32| json!({ "class": class, "bp": bp, "effective": effective });
    let fee = |channel: &str, bp: u32| json!({ "channel": channel, "bp": bp, "effective": effective });
    let rates = |rates: Value| json!({ "commission": { "rates": rates } });
    let with_codes = |rates: Value| json!({ "commission": { "rates": rates }, "attribution": { "coupon": "exclusive_code_wins" } });
    let rows = [
        (
            "fx1688",
            "qingchuan",
            "1688分销客",
            "distributor1688",
            with_codes(json!([rate(Some("new"), 800), rate(Some("returning"), 300)])),
        ),
        ("yzxs", "mujian", "有赞销售员（永久）", "youzan_permanent", with_codes(json!([rate(None, 1_000)]))),
        (
            "zwfx",
            "hengtai",
            "1688站外分销货源中心",
            "offsite1688",
            json!({ "commission": { "channel_fees": [fee("taote", 500), fee("alipay", 300), fee("qianniu", 200)] } }),
        ),
        ("tblm", "yunhe", "淘宝联盟（禁推购物金）", "alliance_credit_ban", rates(json!([rate(None, 600)]))),
        ("tblive", "lanxi", "淘宝直播机构", "taobao_live", rates(json!([rate(None, 2_000)]))),
    ];
    let mut table = Table::new(&["id", "merchant", "name", "preset", "policy", "effective_from"]);
    for (id, merchant, name, preset, policy) in rows {
        table.row(&[id, merchant, name, preset, &policy.to_string(), &since.to_string()]);
    }
    table.text()
}

/// The own code of the promoter who signs in, which comes with orders, and the programmes and shops that take it.
pub(super) const COUPON: &str = "AMEI";
pub(super) const COUPONS: [(&str, &str); 2] = [("fx1688", "qingchuan"), ("yzxs", "mujian")];

/// The code's owner has had it as long as there are rules.
pub(super) fn coupons(now: Instant) -> Vec<Value> {
    let from = now.plus(-RULES_AGE_DAYS * DAY_MS).floor().millis();
    let coupon = |(programme, _)| json!({ "programme": programme, "code": COUPON, "promoter": "chen-amei", "from": from });
    COUPONS.into_iter().map(coupon).collect()
}

/// Placement and product of every demo link.
const LINKS: [(&str, &str); 24] = [
    ("chen-wx", "qc-001"),
    ("zhou-wx", "qc-001"),
    ("zhou-wx", "qc-002"),
    ("chen-wx", "qc-002"),
    ("wu-blog", "qc-004"),
    ("wu-blog", "qc-011"),
    ("zhou-wx", "qc-018"),
    ("chen-wx", "qc-020"),
    ("lin-shop", "mj-001"),
    ("lin-shop", "mj-011"),
    ("he-shop", "mj-001"),
    ("he-shop", "mj-004"),
    ("he-shop", "mj-012"),
    ("xu-wb", "yh-001"),
    ("xu-wb", "yh-004"),
    ("xu-wb", "yh-010"),
    ("chen-tb", "yh-002"),
    ("chen-tb", "yh-015"),
    ("sun-live", "lx-004"),
    ("sun-live", "lx-011"),
    ("sun-live", "lx-013"),
    ("ding-live", "lx-011"),
    ("ding-live", "lx-001"),
    ("ding-live", "lx-016"),
];

fn links(now: Instant) -> String {
    let mut table = Table::new(&["placement", "product", "shared_at", "badge", "converted"]);
    for (age, (placement, product)) in (1i64..).zip(LINKS) {
        let shared = now.plus(-age * 9 * HOUR_MS).floor().to_string();
        let badge = if product.starts_with("mj") { "yes" } else { "no" };
        table.row(&[placement, product, &shared, badge, "yes"]);
    }
    table.text()
}

/// The codes the core gave, by `placement/product`.
///
/// # Errors
/// If the file is not the one that was imported.
pub(super) fn links_by_name(
    path: &Path,
    answers: &[(u64, Value)],
) -> Result<BTreeMap<String, String>, DemoError> {
    let mut reader = csv::Reader::from_path(path)
        .map_err(|e| DemoError::File { path: path.to_owned(), source: e.into() })?;
    let names = reader.records().flatten().map(|r| format!("{}/{}", &r[0], &r[1]));
    let codes = answers.iter().filter_map(|(_, link)| link.get("code")?.as_str().map(str::to_owned));
    Ok(names.zip(codes).collect())
}

/// What the story tells of.
///
/// # Errors
/// If its link is missing.
pub(super) fn story(links: &BTreeMap<String, String>, order: String) -> Result<Story, DemoError> {
    let (placement, product) = LINKS[0];
    let name = format!("{placement}/{product}");
    let code = links.get(&name).cloned().ok_or(DemoError::NoLink(name))?;
    let products = products();
    let found = products.iter().find(|p| p.id == product);
    Ok(Story {
        code,
        product: product.to_owned(),
        merchant: found.map(|p| p.merchant.clone()).unwrap_or_default(),
        platform: platform_of(found.map_or("", |p| p.merchant.as_str())).to_owned(),
        price_fen: found.map_or(0, |p| p.price_fen),
        order,
        accounts: Vec::new(),
    })
}

/// CSV in the making.
pub(super) struct Table(csv::Writer<Vec<u8>>);

impl Table {
    /// With its header.
    pub(super) fn new(header: &[&str]) -> Self {
        let mut table = Self(csv::Writer::from_writer(Vec::new()));
        table.row(header);
        table
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: &[&str]) {
        let written = self.0.write_record(cells);
        debug_assert!(written.is_ok(), "rows have the header's length");
    }

    /// The whole file.
    pub(super) fn text(self) -> String {
        String::from_utf8_lossy(&self.0.into_inner().unwrap_or_default()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{FileFormat, Plan};

    #[test]
    fn every_file_of_the_demo_passes_the_merchants_own_checks() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), Instant(1_793_000_000_000)).unwrap();
        for kind in ORDER {
            let bytes = std::fs::read(dir.path().join(format!("{}.csv", kind.name()))).unwrap();
            let plan = Plan::make(kind, &bytes, FileFormat::Csv);
            assert_eq!(plan.faults, [], "{}", kind.name());
            assert!(plan.items() > 0, "{}", kind.name());
        }
    }

    #[test]
    fn links_lead_to_products_that_exist() {
        let products = products();
        assert_eq!(products.len(), 100);
        for (_, product) in LINKS {
            assert!(products.iter().any(|p| p.id == product), "{product}");
        }
        assert_eq!(platform_of("mujian"), "youzan");
    }
}
