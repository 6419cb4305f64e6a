//! What a story begins with: shops, products, promoters, and the programmes' rules.
//!
//! A small world is there unless the file says otherwise: the shop `S` with the products `cup` and `tea` at ¥100.00,
//! and the promoters `a`, `b` and `c`.

use super::fault::{Fault, Place, unknown};
use super::read::{entries, find, list};
use super::story::{Event, Given, Merchant, Product, Programme, Promoter};
use super::time;
use super::values::{BASIS_POINTS, times_to_millis, whole};
use super::yaml::{Data, Entry, Node};
use attribution_core::policy::{Policy, Preset};
use attribution_core::time::Instant;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// A shop can settle for a long time with this, unless the file says otherwise.
const BALANCE: i64 = 100_000_000;
const PRICE: i64 = 10_000;
/// The id of a programme that has none.
pub(super) const PROGRAMME: &str = "g";

pub(super) const GIVEN: &[&str] = &["merchants", "products", "promoters", "categories"];
pub(super) const MERCHANT: &[&str] = &["title", "balance", "history_known_from"];
pub(super) const PRODUCT: &[&str] = &["title", "shop", "price", "category"];
pub(super) const CATEGORY: &[&str] = &["title", "parent"];
pub(super) const PROMOTER: &[&str] = &["agency", "buyer", "placement"];
pub(super) const SECTIONS: &[&str] = &[
    "attribution",
    "commission",
    "settlement",
    "eligibility",
    "edge",
    "bans",
    "refund_batches",
    "video_tasks",
];
pub(super) const PROGRAMME_KEYS: &[&str] = &[
    "id",
    "preset",
    "owner",
    "from",
    "rate",
    "rates",
    "attribution",
    "commission",
    "settlement",
    "eligibility",
    "edge",
    "bans",
    "refund_batches",
    "video_tasks",
];
pub(super) const RATE: &[&str] = &["bp", "class", "plan", "product", "category", "shop", "from", "to"];

/// The world of the layers, the later one first where both name the same.
pub(super) fn given(layers: &[&[Entry]], faults: &mut Vec<Fault>) -> Given {
    let mut given = Given::default();
    for layer in layers {
        let Some(entry) = find(layer, "given") else { continue };
        for part in entries(&entry.value, "`given`", GIVEN, faults) {
            for (name, at, node) in named(&part.value, faults) {
                match part.key.as_str() {
                    "merchants" => {
                        if given.merchants.is_empty() {
                            given.first_merchant.clone_from(&name);
                        }
                        given.merchants.insert(name.clone(), merchant(&name, node, faults));
                    }
                    "products" => {
                        if given.products.is_empty() {
                            given.first_product.clone_from(&name);
                        }
                        given.products.insert(name.clone(), product(&name, node, faults));
                    }
                    "categories" => {
                        let fields = fields(node, "a category", CATEGORY, faults);
                        let title = text(fields, "title").unwrap_or_else(|| name.clone());
                        given.categories.insert(name.clone(), (title, text(fields, "parent")));
                    }
                    "promoters" => {
                        given.promoters.insert(name.clone(), promoter(node, faults));
                    }
                    _ => {}
                }
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "._:-".contains(c)) {
                    faults.push(Fault::new(at, format!("`{name}`: a name has letters, digits, '.', '_', ':' and '-'; put other words into `title`")));
                }
            }
        }
    }
    if given.merchants.is_empty() {
        given.first_merchant = "S".to_owned();
        given.merchants.insert("S".to_owned(), merchant("S", None, faults));
    }
    if given.products.is_empty() {
        given.first_product = "cup".to_owned();
        for name in ["cup", "tea"] {
            given.products.insert(name.to_owned(), product_named(name));
        }
    }
    if given.promoters.is_empty() {
        for name in ["a", "b", "c"] {
            given
                .promoters
                .insert(name.to_owned(), Promoter { agency: None, accounts: Vec::new(), placement: true });
        }
    }
    check_shops(&mut given, layers, faults);
    given
}

fn check_shops(given: &mut Given, layers: &[&[Entry]], faults: &mut Vec<Fault>) {
    let at = layers.iter().rev().filter_map(|layer| find(layer, "given")).map(|entry| entry.at).next();
    for (name, product) in &mut given.products {
        if product.shop.is_empty() {
            product.shop.clone_from(&given.first_merchant);
        } else if !given.merchants.contains_key(&product.shop) {
            let message = unknown("shop", &product.shop, given.merchants.keys().map(String::as_str));
            faults.push(Fault::new(at.unwrap_or_default(), format!("product `{name}`: {message}")));
        }
    }
}

/// Names with what is said of them: a list of names, or a mapping.
fn named<'n>(node: &'n Node, faults: &mut Vec<Fault>) -> Vec<(String, Place, Option<&'n Node>)> {
    match &node.data {
        Data::List(items) => {
            let name = |item: &Node| (item.text().unwrap_or_default().to_owned(), item.at, None);
            items.iter().map(name).collect()
        }
        Data::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), entry.at, Some(&entry.value))).collect()
        }
        Data::Scalar { .. } => {
            faults.push(Fault::new(node.at, format!("expected names, not {}", node.shown())));
            Vec::new()
        }
    }
}

fn fields<'n>(node: Option<&'n Node>, what: &str, keys: &[&str], faults: &mut Vec<Fault>) -> &'n [Entry] {
    match node {
        Some(node) if node.text().is_some() || !matches!(node.data, Data::Scalar { .. }) => {
            entries(node, what, keys, faults)
        }
        _ => &[],
    }
}

fn text(fields: &[Entry], key: &str) -> Option<String> {
    find(fields, key).and_then(|entry| entry.value.text()).map(str::to_owned)
}

fn fen(fields: &[Entry], key: &str, default: i64, faults: &mut Vec<Fault>) -> i64 {
    let Some(entry) = find(fields, key) else { return default };
    whole(&entry.value).filter(|fen| *fen >= 0).unwrap_or_else(|| {
        let message =
            format!("`{key}`: expected fen, 0 or more, a whole number, not {}", entry.value.shown());
        faults.push(Fault::new(entry.value.at, message));
        default
    })
}

fn merchant(name: &str, node: Option<&Node>, faults: &mut Vec<Fault>) -> Merchant {
    let fields = fields(node, "a merchant", MERCHANT, faults);
    let title = text(fields, "title").unwrap_or_else(|| name.to_owned());
    let history_known_from = match find(fields, "history_known_from") {
        None => Some(Instant(0)),
        Some(entry) if entry.value.text() == Some("none") => None,
        Some(entry) => {
            let known = entry.value.text().and_then(time::read);
            if known.is_none() {
                let message = format!(
                    "`{}`: expected {}, or `none`, not {}",
                    entry.key,
                    time::FORM,
                    entry.value.shown()
                );
                faults.push(Fault::new(entry.value.at, message));
            }
            known
        }
    };
    Merchant { title, balance: fen(fields, "balance", BALANCE, faults), history_known_from }
}

fn product_named(name: &str) -> Product {
    Product { title: name.to_owned(), shop: String::new(), price: PRICE, category: None }
}

/// A product; `cup: 8800` says its price.
fn product(name: &str, node: Option<&Node>, faults: &mut Vec<Fault>) -> Product {
    if let Some(price) = node.and_then(whole) {
        return Product { price, ..product_named(name) };
    }
    let fields = fields(node, "a product", PRODUCT, faults);
    Product {
        title: text(fields, "title").unwrap_or_else(|| name.to_owned()),
        shop: text(fields, "shop").unwrap_or_default(),
        price: fen(fields, "price", PRICE, faults),
        category: text(fields, "category"),
    }
}

fn promoter(node: Option<&Node>, faults: &mut Vec<Fault>) -> Promoter {
    let fields = fields(node, "a promoter", PROMOTER, faults);
    if let Some(entry) = find(fields, "placement")
        && !matches!(entry.value.text(), Some("true" | "false"))
    {
        let message = format!("`placement`: expected true or false, not {}", entry.value.shown());
        faults.push(Fault::new(entry.value.at, message));
    }
    Promoter {
        agency: text(fields, "agency"),
        accounts: text(fields, "buyer").into_iter().collect(),
        placement: text(fields, "placement").as_deref() != Some("false"),
    }
}

/// The programmes of the layers: the case's fields laid over the file's.
pub(super) fn programmes(layers: &[&[Entry]], given: &Given, faults: &mut Vec<Fault>) -> Vec<Programme> {
    let mut merged: BTreeMap<String, Vec<&Node>> = BTreeMap::new();
    for layer in layers {
        let single = find(layer, "programme").map(|entry| &entry.value);
        let several = find(layer, "programmes").map(|entry| list(&entry.value, faults)).unwrap_or_default();
        for node in single.into_iter().chain(several) {
            let fields = entries(node, "a programme", PROGRAMME_KEYS, faults);
            merged.entry(text(fields, "id").unwrap_or_else(|| PROGRAMME.to_owned())).or_default().push(node);
        }
    }
    if merged.is_empty() {
        faults.push(Fault::new(Place { line: 1, column: 1 }, "`programme` is missing"));
    }
    merged.into_iter().filter_map(|(id, nodes)| programme(id, &nodes, given, faults)).collect()
}

fn programme(id: String, nodes: &[&Node], given: &Given, faults: &mut Vec<Fault>) -> Option<Programme> {
    let at = nodes.last()?.at;
    let all = || {
        nodes.iter().filter_map(|node| match &node.data {
            Data::Map(entries) => Some(entries.as_slice()),
            _ => None,
        })
    };
    let last = |key: &str| all().filter_map(|fields| find(fields, key)).next_back();
    let preset = preset(at, last("preset"), faults)?;
    let owner = last("owner").and_then(|entry| entry.value.text()).map(str::to_owned);
    if let Some(owner) = owner.as_ref().filter(|owner| !given.merchants.contains_key(*owner)) {
        faults.push(Fault::new(at, unknown("shop", owner, given.merchants.keys().map(String::as_str))));
    }
    let from = match last("from") {
        None => Instant(0),
        Some(entry) => entry.value.text().and_then(time::read).unwrap_or_else(|| {
            faults.push(Fault::new(
                entry.value.at,
                format!("`from`: expected {}, not {}", time::FORM, entry.value.shown()),
            ));
            Instant(0)
        }),
    };
    let mut policy = Map::new();
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    for section in SECTIONS {
        for entry in all().filter_map(|fields| find(fields, section)) {
            lay(&mut policy, &mut places, section, entry, faults);
        }
    }
    if let Some(rates) = last("rates").or_else(|| last("rate")) {
        places.insert("commission.rates".to_owned(), rates.at);
        let rates = self::rates(rates, given, faults);
        let commission = policy.entry("commission").or_insert_with(|| json!({}));
        if let Some(commission) = commission.as_object_mut() {
            commission.insert("rates".to_owned(), rates);
        }
    }
    let policy = Json::Object(policy);
    check(&preset.policy(), &policy, at, &places, faults);
    Some(Programme { id, at, preset, owner, from, policy })
}

fn preset(at: Place, entry: Option<&Entry>, faults: &mut Vec<Fault>) -> Option<Preset> {
    let names = Preset::ALL.map(Preset::name);
    let Some(entry) = entry else {
        faults.push(Fault::new(at, format!("`preset` is missing: {}", names.join(", "))));
        return None;
    };
    let name = entry.value.text().unwrap_or_default();
    let preset = Preset::from_name(name);
    if preset.is_none() {
        faults.push(Fault::new(entry.value.at, unknown("preset", name, names)));
    }
    preset
}

/// Lays one section of one layer over what is there, field by field.
fn lay(
    policy: &mut Map<String, Json>,
    places: &mut BTreeMap<String, Place>,
    section: &str,
    entry: &Entry,
    faults: &mut Vec<Fault>,
) {
    let new = entry.value.json(&times_to_millis);
    let fits = match (&entry.value.data, section) {
        (Data::Map(fields), _) => {
            places.extend(fields.iter().map(|field| (format!("{section}.{}", field.key), field.at)));
            true
        }
        (Data::List(_), _) => ["bans", "refund_batches"].contains(&section),
        // A programme may have none.
        (Data::Scalar { .. }, _) => section == "video_tasks" && entry.value.text().is_none(),
    };
    if !fits {
        faults.push(Fault::new(
            entry.value.at,
            format!("`{section}` is a mapping, not {}", entry.value.shown()),
        ));
        return;
    }
    match (policy.get_mut(section).and_then(Json::as_object_mut), new) {
        (Some(old), Json::Object(new)) => old.extend(new),
        (_, new) => {
            policy.insert(section.to_owned(), new);
        }
    }
}

/// `500`, `{new: 1000, returning: 300}`, or a list of rates with dates and subjects.
fn rates(entry: &Entry, given: &Given, faults: &mut Vec<Fault>) -> Json {
    let node = &entry.value;
    let since = |bp: Json, class: Option<&str>| json!({"bp": bp, "class": class, "effective": {"from": 0}});
    if let Some(bp) = whole(node) {
        return json!([since(json!(bp), None)]);
    }
    match &node.data {
        Data::Map(classes) => {
            let rate = |entry: &Entry| since(entry.value.json(&|_, _| None), Some(&entry.key));
            Json::Array(classes.iter().map(rate).collect())
        }
        Data::List(items) => Json::Array(items.iter().map(|item| rate(item, given, faults)).collect()),
        Data::Scalar { .. } => {
            faults.push(Fault::new(
                node.at,
                format!(
                    "expected basis points, {{new: 1000, returning: 300}} or a list of rates, not {}",
                    node.shown()
                ),
            ));
            json!([])
        }
    }
}

fn rate(node: &Node, given: &Given, faults: &mut Vec<Fault>) -> Json {
    let known = faults.len();
    let fields = entries(node, "a rate", RATE, faults);
    let names = |names: Vec<&str>| format!("one of {}", names.join(", "));
    for Entry { key, value, .. } in fields.iter().filter(|entry| entry.value.text().is_some()) {
        let text = value.text().unwrap_or_default();
        let (fits, expected) = match key.as_str() {
            "bp" => (
                whole(value).is_some_and(|bp| BASIS_POINTS.contains(&bp)),
                "0 to 10000 basis points".to_owned(),
            ),
            "class" => (["new", "returning"].contains(&text), "new or returning".to_owned()),
            "from" | "to" => (time::read(text).is_some(), time::FORM.to_owned()),
            "product" => (
                given.products.contains_key(text),
                names(given.products.keys().map(String::as_str).collect()),
            ),
            "shop" => (
                given.merchants.contains_key(text),
                names(given.merchants.keys().map(String::as_str).collect()),
            ),
            _ => (true, String::new()),
        };
        if !fits {
            faults.push(Fault::new(value.at, format!("`{key}`: expected {expected}, not {}", value.shown())));
        }
    }
    // What was named here is not named once more by the rules.
    if faults.len() > known {
        return json!({"bp": 0, "effective": {"from": 0}});
    }
    let get = |key: &str| find(fields, key).map(|entry| entry.value.json(&times_to_millis));
    let mut rate = json!({
        "bp": get("bp"),
        "effective": {"from": get("from").unwrap_or_else(|| json!(0)), "to": get("to")},
    });
    if let Some(class) = get("class") {
        rate["class"] = class;
    }
    match get("plan") {
        Some(Json::String(plan)) if plan != "general" => rate["plan"] = json!({"targeted": plan}),
        _ => {}
    }
    for subject in ["product", "category", "shop"] {
        if let Some(id) = get(subject) {
            rate["subject"] = json!({subject: id});
        }
    }
    rate
}

/// What events change in the rules, in the order of time.
pub(super) fn check_changes(programmes: &[Programme], changes: &[(Event, &Node)], faults: &mut Vec<Fault>) {
    // Where the rules are wrong to begin with, that is the mistake.
    let mut rules: BTreeMap<&str, Policy> =
        programmes.iter().filter_map(|of| Some((of.id.as_str(), of.rules()?))).collect();
    let first = programmes.first().map_or(PROGRAMME, |programme| programme.id.as_str());
    for (event, node) in changes.iter().filter(|(event, _)| event.item.text("refused").is_none()) {
        let Some(before) = rules.get_mut(event.item.text("programme").unwrap_or(first)) else { continue };
        let mut patch = Map::new();
        let mut places = BTreeMap::new();
        let sections = entries(node, "`rules`", SECTIONS, faults).iter();
        for section in sections.filter(|section| SECTIONS.contains(&section.key.as_str())) {
            lay(&mut patch, &mut places, &section.key, section, faults);
        }
        if let Some(after) = check(before, &Json::Object(patch), node.at, &places, faults) {
            *before = after;
        }
    }
}

/// The core checks the rules too; here their mistakes get a line.
fn check(
    before: &Policy,
    patch: &Json,
    at: Place,
    places: &BTreeMap<String, Place>,
    faults: &mut Vec<Fault>,
) -> Option<Policy> {
    // A mistake within a field stands where the field does.
    let place = |field: &str| {
        let mut name = field;
        loop {
            match (places.get(name), name.rsplit_once('.')) {
                (Some(place), _) => break *place,
                (None, Some((outer, _))) => name = outer,
                (None, None) => break at,
            }
        }
    };
    let mistakes = match before.checked(patch) {
        Ok(after) => return Some(after),
        Err(mistakes) => mistakes,
    };
    faults.extend(mistakes.iter().map(|mistake| {
        let text = mistake.to_string();
        let field = text.split([':', '[']).next().unwrap_or_default();
        Fault::new(place(field), text)
    }));
    None
}
