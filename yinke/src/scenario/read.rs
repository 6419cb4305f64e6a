//! From the tree of a file to its stories. Every mistake is reported, each with its line and column.

use super::fault::{Fault, Place, unknown};
use super::given;
use super::story::{Event, Given, Item, Line, Programme, Story, Value};
use super::time;
use super::vocabulary::{CHECK_COMMON, CHECKS, EVENT_COMMON, EVENTS, Field, Kind, Shape};
use super::yaml::{self, Data, Entry, Node};
use attribution_core::time::{Instant, Span};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a bare day looks like.
const DAY: &str = "2020-05-04";

/// The keys of a file.
const TOP: &[&str] =
    &["id", "title", "source", "notes", "programme", "programmes", "given", "events", "expect", "cases"];
/// The keys of a case.
const CASE: &[&str] = &["name", "programme", "programmes", "given", "events", "expect"];

/// Reads a file into its stories.
pub(super) fn stories(text: &str) -> Result<Vec<Story>, Vec<Fault>> {
    let root = yaml::read(text).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();
    let stories = file(&root, &mut faults);
    if faults.is_empty() {
        Ok(stories)
    } else {
        faults.sort_by_key(|fault| fault.at);
        Err(faults)
    }
}

fn file(root: &Node, faults: &mut Vec<Fault>) -> Vec<Story> {
    let top = entries(root, "a scenario", TOP, faults);
    let id = required_text(root, top, "id", faults);
    let title = required_text(root, top, "title", faults);
    required_text(root, top, "source", faults);
    let Some(cases) = find(top, "cases") else {
        return story(id, title, &[top], faults).into_iter().collect();
    };
    let mut stories = Vec::new();
    for case in list(&cases.value, faults) {
        let fields = entries(case, "a case", CASE, faults);
        let name = required_text(case, fields, "name", faults);
        let name = format!("{id} {name}");
        stories.extend(story(name, title.clone(), &[top, fields], faults));
    }
    // A mistake in what the cases share is one mistake.
    faults.sort_by(|a, b| (a.at, &a.message).cmp(&(b.at, &b.message)));
    faults.dedup();
    stories
}

/// One story, from the layers that make it up: the file, and the case.
fn story(name: String, title: String, layers: &[&[Entry]], faults: &mut Vec<Fault>) -> Option<Story> {
    let given = given::given(layers, faults);
    let programmes = given::programmes(layers, &given, faults);
    let scene = Scene::of(&given, &programmes, layers);
    let mut events = Vec::new();
    for entry in layers.iter().filter_map(|layer| find(layer, "events")) {
        let mut before = None;
        for node in list(&entry.value, faults) {
            if let Some(event) = scene.event(node, before, faults) {
                before = Some(event.when);
                events.push(event);
            }
        }
    }
    events.sort_by_key(|event| event.when);
    let mut checks = Vec::new();
    for entry in layers.iter().filter_map(|layer| find(layer, "expect")) {
        checks.extend(scene.checks(&entry.value, faults));
    }
    let Some(begin) = events.first().map(|event| event.when) else {
        let at = layers.first().and_then(|layer| layer.first()).map_or(Place::default(), |entry| entry.at);
        // Where an event has a mistake, that is the mistake.
        if faults.is_empty() {
            faults.push(Fault::new(at, "a scenario has at least one event"));
        }
        return None;
    };
    Some(Story { name, title, begin, programmes, given, events, checks })
}

/// What events may refer to.
struct Scene<'a> {
    given: &'a Given,
    programmes: BTreeSet<String>,
    orders: BTreeSet<String>,
    links: BTreeSet<String>,
    agencies: BTreeSet<String>,
    /// What events bring about, by the event's name.
    made: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Scene<'a> {
    fn of(given: &'a Given, programmes: &[Programme], layers: &[&[Entry]]) -> Self {
        let mut scene = Self {
            given,
            programmes: programmes.iter().map(|programme| programme.id.clone()).collect(),
            orders: BTreeSet::new(),
            links: BTreeSet::new(),
            agencies: given.promoters.values().filter_map(|promoter| promoter.agency.clone()).collect(),
            made: BTreeMap::new(),
        };
        let nodes = layers.iter().filter_map(|layer| find(layer, "events")).filter_map(|entry| match &entry
            .value
            .data
        {
            Data::List(items) => Some(items),
            _ => None,
        });
        for fields in nodes.flatten().filter_map(event_fields) {
            let text =
                |name: &str| find(fields, name).and_then(|entry| entry.value.text()).map(str::to_owned);
            let first = fields.first().map_or("", |entry| entry.key.as_str());
            match first {
                "order" | "buy" => scene.orders.extend(text(first)),
                "success" => scene.orders.extend(text("order")),
                "share" => scene.links.extend(text("as")),
                "contract" => scene.agencies.extend(text("agency").filter(|agency| agency != "none")),
                _ => {}
            }
            if let Some(name) = text(first) {
                scene.made.entry(first.to_owned()).or_default().insert(name);
            }
        }
        scene
    }

    fn event(&self, node: &Node, before: Option<Instant>, faults: &mut Vec<Fault>) -> Option<Event> {
        let Data::Map(outer) = &node.data else {
            faults.push(Fault::new(node.at, format!("expected `TIME: {{event}}`, not {}", node.shown())));
            return None;
        };
        let [entry] = outer.as_slice() else {
            faults.push(Fault::new(node.at, "expected one `TIME: {event}` per list entry"));
            return None;
        };
        let when = time::read_after(&entry.key, before);
        if when.is_none() {
            let message =
                format!("expected {} (or +15d after the event before), not `{}`", time::FORM, entry.key);
            faults.push(Fault::new(entry.at, message));
        }
        let item = self.item(&entry.value, "event", EVENTS, EVENT_COMMON, faults)?;
        let mut checks = Vec::new();
        if item.name() == "expect"
            && let Data::Map(fields) = &entry.value.data
            && let Some(inner) = find(fields, "expect")
        {
            checks = self.checks(&inner.value, faults);
        }
        Some(Event { when: when?, item, checks })
    }

    fn checks(&self, node: &Node, faults: &mut Vec<Fault>) -> Vec<Item> {
        let one = std::slice::from_ref(node);
        let nodes = match &node.data {
            Data::List(items) => items.as_slice(),
            _ => one,
        };
        nodes.iter().filter_map(|node| self.item(node, "check", CHECKS, CHECK_COMMON, faults)).collect()
    }

    /// An event or a check: its first key says which.
    fn item(
        &self,
        node: &Node,
        what: &str,
        shapes: &'static [Shape],
        common: &'static [Field],
        faults: &mut Vec<Fault>,
    ) -> Option<Item> {
        let Data::Map(fields) = &node.data else {
            faults.push(Fault::new(
                node.at,
                format!("expected a mapping that begins with the {what}'s name, not {}", node.shown()),
            ));
            return None;
        };
        let first = fields.first()?;
        let Some(shape) = shapes.iter().find(|shape| shape.name() == first.key) else {
            faults.push(Fault::new(first.at, unknown(what, &first.key, shapes.iter().map(Shape::name))));
            return None;
        };
        let mut values = BTreeMap::new();
        for entry in fields {
            let Some(field) = shape.all(common).find(|field| field.name == entry.key) else {
                let names = shape.all(common).map(|field| field.name);
                let what = format!("field in `{}`", shape.name());
                faults.push(Fault::new(entry.at, unknown(&what, &entry.key, names)));
                continue;
            };
            match self.value(field, &entry.value) {
                Ok(value) => {
                    values.insert(field.name, (entry.value.at, value));
                }
                Err(fault) => faults.push(fault),
            }
        }
        Some(Item::new(node.at, shape, values))
    }

    fn value(&self, field: &Field, node: &Node) -> Result<Value, Fault> {
        let expected = |what: &str| {
            Fault::new(node.at, format!("`{}`: expected {what}, not {}", field.name, node.shown()))
        };
        let text = || node.text().map(str::to_owned).ok_or_else(|| expected("a text"));
        let one_of = |what: &str, names: &mut dyn Iterator<Item = &String>| {
            let name = text()?;
            let names: Vec<&str> = names.map(String::as_str).collect();
            if names.contains(&name.as_str()) {
                return Ok(Value::Text(name));
            }
            Err(Fault::new(node.at, format!("`{}`: {}", field.name, unknown(what, &name, names))))
        };
        match field.kind {
            Kind::Time => {
                node.text().and_then(time::read).map(Value::Time).ok_or_else(|| expected(time::FORM))
            }
            Kind::When => match (node.text(), node.text().and_then(time::read)) {
                (Some("none"), _) => Ok(Value::Text("none".to_owned())),
                (Some(text), Some(at)) if text.len() == DAY.len() => Ok(Value::Day(at)),
                (_, Some(at)) => Ok(Value::Time(at)),
                _ => Err(expected(&format!("{}, or `none`", time::FORM))),
            },
            Kind::Length => node
                .text()
                .and_then(|text| text.parse::<Span>().ok())
                .map(|span| Value::Number(span.millis()))
                .ok_or_else(|| expected("a length of time such as 10m")),
            Kind::Fen => whole(node).map(Value::Number).ok_or_else(|| expected("fen, a whole number")),
            Kind::Count => whole(node).map(Value::Number).ok_or_else(|| expected("a whole number")),
            Kind::Flag => match node.text() {
                Some("true") => Ok(Value::Flag(true)),
                Some("false") => Ok(Value::Flag(false)),
                _ => Err(expected("true or false")),
            },
            Kind::Text | Kind::NewOrder => text().map(Value::Text),
            Kind::Texts => match &node.data {
                Data::List(items) => {
                    let texts = items.iter().map(|item| item.text().map(str::to_owned));
                    texts.collect::<Option<_>>().map(Value::Texts).ok_or_else(|| expected("a list of texts"))
                }
                _ => text().map(|one| Value::Texts(vec![one])),
            },
            Kind::Choice(words) => {
                let word = text()?;
                if words.contains(&word.as_str()) {
                    return Ok(Value::Text(word));
                }
                let message = unknown("value", &word, words.iter().copied());
                Err(Fault::new(node.at, format!("`{}`: {message}", field.name)))
            }
            Kind::PromoterOrNone if node.text() == Some("none") => Ok(Value::Text("none".to_owned())),
            Kind::Promoter | Kind::PromoterOrNone => one_of("promoter", &mut self.given.promoters.keys()),
            Kind::Payee => {
                one_of("promoter or agency", &mut self.given.promoters.keys().chain(&self.agencies))
            }
            Kind::Programme => one_of("programme", &mut self.programmes.iter()),
            Kind::Made(event) => {
                let none = BTreeSet::new();
                one_of(event, &mut self.made.get(event).unwrap_or(&none).iter())
            }
            Kind::Product => one_of("product", &mut self.given.products.keys()),
            Kind::Merchant => one_of("shop", &mut self.given.merchants.keys()),
            Kind::Order => {
                let name = text()?;
                let order = name.split_once('/').map_or(name.as_str(), |(order, _)| order);
                if self.orders.contains(order) {
                    return Ok(Value::Text(name));
                }
                let message = unknown("order", order, self.orders.iter().map(String::as_str));
                Err(Fault::new(node.at, format!("`{}`: {message}", field.name)))
            }
            Kind::Link => self.link(field, node, text()?),
            Kind::Lines => lines(field, node, self.given),
            Kind::Words => words(node)
                .map(Value::Words)
                .ok_or_else(|| expected("names with texts, such as {a: replaced}")),
            Kind::Sums => {
                let words = words(node).ok_or_else(|| expected("names with fen, such as {platform: 10}"))?;
                let sums = words.into_iter().map(|(name, fen)| fen.parse().ok().map(|fen| (name, fen)));
                sums.collect::<Option<_>>()
                    .map(Value::Sums)
                    .ok_or_else(|| expected("names with fen, such as {platform: 10}"))
            }
            Kind::Any => Ok(Value::Any(node.json(&times_to_millis))),
        }
    }

    fn link(&self, field: &Field, node: &Node, name: String) -> Result<Value, Fault> {
        if self.links.contains(&name) {
            return Ok(Value::Text(name));
        }
        let (promoter, target) = name.split_once('/').map_or((name.as_str(), None), |(p, t)| (p, Some(t)));
        let promoters = self.given.promoters.keys().chain(&self.links).map(String::as_str);
        if !self.given.promoters.contains_key(promoter) {
            let message = unknown("promoter or shared link", promoter, promoters);
            return Err(Fault::new(node.at, format!("`{}`: {message}", field.name)));
        }
        let targets = self.given.products.keys().chain(self.given.merchants.keys()).map(String::as_str);
        match target {
            Some(target) if !targets.clone().any(|known| known == target) => {
                let message = unknown("product or shop", target, targets);
                Err(Fault::new(node.at, format!("`{}`: {message}", field.name)))
            }
            _ => Ok(Value::Text(name)),
        }
    }
}

/// The fields of an event, before anything is known about it.
fn event_fields(node: &Node) -> Option<&[Entry]> {
    let Data::Map(outer) = &node.data else { return None };
    match &outer.first()?.value.data {
        Data::Map(fields) => Some(fields),
        _ => None,
    }
}

/// Texts that are times become milliseconds, as the API writes them.
pub(super) fn times_to_millis(text: &str) -> Option<Json> {
    time::read(text).map(|at| json!(at.millis()))
}

fn lines(field: &Field, node: &Node, given: &Given) -> Result<Value, Fault> {
    let expected = |at| {
        Fault::new(at, format!("`{}`: expected a list such as [{{product: cup, amount: 10000}}]", field.name))
    };
    let Data::List(items) = &node.data else { return Err(expected(node.at)) };
    let mut lines = Vec::new();
    for (position, item) in items.iter().enumerate() {
        let Data::Map(fields) = &item.data else { return Err(expected(item.at)) };
        let mut line =
            Line { line: (position + 1).to_string(), product: None, sku: None, amount: None, quantity: 1 };
        for entry in fields {
            let value = &entry.value;
            let number = || {
                whole(value).ok_or_else(|| {
                    Fault::new(value.at, format!("expected a whole number, not {}", value.shown()))
                })
            };
            match entry.key.as_str() {
                "line" => line.line = value.text().unwrap_or_default().to_owned(),
                "product" => {
                    let name = value.text().unwrap_or_default();
                    if !given.products.contains_key(name) {
                        return Err(Fault::new(
                            value.at,
                            unknown("product", name, given.products.keys().map(String::as_str)),
                        ));
                    }
                    line.product = Some(name.to_owned());
                }
                "sku" => line.sku = value.text().map(str::to_owned),
                "amount" => line.amount = Some(number()?),
                "quantity" => line.quantity = number()?,
                other => {
                    return Err(Fault::new(
                        entry.at,
                        unknown("field in a line", other, ["line", "product", "sku", "amount", "quantity"]),
                    ));
                }
            }
        }
        lines.push(line);
    }
    Ok(Value::Lines(lines))
}

fn words(node: &Node) -> Option<BTreeMap<String, String>> {
    let Data::Map(entries) = &node.data else { return None };
    let word = |node: &Node| match &node.data {
        Data::List(items) => {
            let mut words: Vec<&str> = items.iter().map(Node::text).collect::<Option<_>>()?;
            words.sort_unstable();
            Some(words.join(" "))
        }
        _ => node.text().map(str::to_owned),
    };
    entries.iter().map(|entry| Some((entry.key.clone(), word(&entry.value)?))).collect()
}

/// A whole number; `10_000` is one.
pub(super) fn whole(node: &Node) -> Option<i64> {
    node.text()?.replace('_', "").parse().ok()
}

/// The entry of a key.
pub(super) fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key == key)
}

/// The entries of a mapping; unknown keys are faults.
pub(super) fn entries<'n>(node: &'n Node, what: &str, keys: &[&str], faults: &mut Vec<Fault>) -> &'n [Entry] {
    let Data::Map(entries) = &node.data else {
        faults.push(Fault::new(node.at, format!("{what} is a mapping, not {}", node.shown())));
        return &[];
    };
    for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
        faults
            .push(Fault::new(entry.at, unknown(&format!("key of {what}"), &entry.key, keys.iter().copied())));
    }
    entries
}

/// The items of a list.
pub(super) fn list<'n>(node: &'n Node, faults: &mut Vec<Fault>) -> &'n [Node] {
    match &node.data {
        Data::List(items) => items,
        _ => {
            faults.push(Fault::new(node.at, format!("expected a list, not {}", node.shown())));
            &[]
        }
    }
}

fn required_text(node: &Node, entries: &[Entry], key: &str, faults: &mut Vec<Fault>) -> String {
    let text = find(entries, key).and_then(|entry| entry.value.text());
    if text.is_none() {
        faults.push(Fault::new(node.at, format!("`{key}` is missing")));
    }
    text.unwrap_or_default().to_owned()
}
