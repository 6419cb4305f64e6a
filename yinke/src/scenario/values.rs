//! One field of an event or a check: from a node of the file to a value of the field's kind, or every mistake in it.

use super::events::split;
use super::fault::{Fault, unknown};
use super::read::{Scene, find};
use super::story::{Given, Line, Value};
use super::time;
use super::vocabulary::{Field, Kind};
use super::yaml::{Data, Entry, Node};
use attribution_core::time::Span;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// What a bare day looks like.
const DAY: &str = "2020-05-04";
/// What a rate may be.
pub(super) const BASIS_POINTS: RangeInclusive<i64> = 0..=10_000;
/// The fields of a line.
const LINE: [&str; 5] = ["line", "product", "sku", "amount", "quantity"];

impl Scene<'_> {
    /// What a field of an event or a check says; names must be of somebody or something that is there, and what is told must
    /// be possible, unless the core is to be `refused` it.
    pub(super) fn value(&self, field: &Field, node: &Node, refused: bool) -> Result<Value, Vec<Fault>> {
        let fault = |message: String| vec![Fault::new(node.at, format!("`{}`: {message}", field.name))];
        let expected = |what: &str| fault(format!("expected {what}, not {}", node.shown()));
        let number = |what: &str| {
            let number = whole(node).ok_or_else(|| expected(what))?;
            let possible = number >= 0 || field.expected || refused;
            if possible { Ok(Value::Number(number)) } else { Err(expected("0 or more")) }
        };
        let rate = || whole(node).filter(|bp| BASIS_POINTS.contains(bp) || refused);
        let text = || node.text().map(str::to_owned).ok_or_else(|| expected("a text"));
        let one_of = |what: &str, names: &mut dyn Iterator<Item = &String>| {
            let name = text()?;
            let names: Vec<&str> = names.map(String::as_str).collect();
            if names.contains(&name.as_str()) {
                return Ok(Value::Text(name));
            }
            Err(fault(unknown(what, &name, names)))
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
            Kind::Fen => number("fen, a whole number"),
            Kind::Count => number("a whole number"),
            Kind::Rate => rate().map(Value::Number).ok_or_else(|| expected("0 to 10000 basis points")),
            Kind::RateOrNone => match (node.text(), rate()) {
                (Some("none"), _) => Ok(Value::Text("none".to_owned())),
                (_, Some(bp)) => Ok(Value::Text(bp.to_string())),
                (_, None) => Err(expected("0 to 10000 basis points, or `none`")),
            },
            Kind::Flag => match node.text() {
                Some("true") => Ok(Value::Flag(true)),
                Some("false") => Ok(Value::Flag(false)),
                _ => Err(expected("true or false")),
            },
            Kind::Text | Kind::NewOrder => text().map(Value::Text),
            Kind::Texts => texts(field, node).map(Value::Texts),
            Kind::Choice(words) => {
                let word = text()?;
                all_of_these(field, node, words, [word.as_str()])?;
                Ok(Value::Text(word))
            }
            Kind::Codes(codes) => {
                let texts = texts(field, node)?;
                all_of_these(field, node, codes, texts.iter().map(String::as_str))?;
                Ok(Value::Texts(texts))
            }
            Kind::Coded(codes) => {
                let form = || format!("names with codes, such as {{a: {}}}", codes.first().unwrap_or(&""));
                let words = words(node).ok_or_else(|| expected(&form()))?;
                let each = words.values().flat_map(|codes| codes.split_whitespace());
                all_of_these(field, node, codes, each)?;
                Ok(Value::Words(words))
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
            Kind::Order | Kind::OrderLine => self.order(field, node, text()?),
            Kind::Link => self.link(field, node, text()?),
            Kind::Lines => lines(field, node, self.given, refused),
            Kind::Words => words(node)
                .map(Value::Words)
                .ok_or_else(|| expected("names with texts, such as {a: replaced}")),
            Kind::Sums => {
                sums(node).map(Value::Sums).ok_or_else(|| expected("names with fen, such as {platform: 10}"))
            }
            Kind::Any => Ok(Value::Any(node.json(&times_to_millis))),
        }
    }

    fn order(&self, field: &Field, node: &Node, name: String) -> Result<Value, Vec<Fault>> {
        let fault = |message: String| vec![Fault::new(node.at, format!("`{}`: {message}", field.name))];
        let (order, line) = split(&name);
        let Some(lines) = self.orders.get(order) else {
            return Err(fault(unknown("order", order, self.orders.keys().map(String::as_str))));
        };
        // What is told may be of a line that is not there: the core says so. What is looked at must be.
        match line.filter(|line| field.kind == Kind::OrderLine && !lines.contains(*line)) {
            Some(line) => {
                let what = format!("line of order `{order}`");
                Err(fault(unknown(&what, line, lines.iter().map(String::as_str))))
            }
            None => Ok(Value::Text(name)),
        }
    }

    fn link(&self, field: &Field, node: &Node, name: String) -> Result<Value, Vec<Fault>> {
        let fault = |message: String| vec![Fault::new(node.at, format!("`{}`: {message}", field.name))];
        if self.links.contains(&name) {
            return Ok(Value::Text(name));
        }
        let (promoter, target) = name.split_once('/').map_or((name.as_str(), None), |(p, t)| (p, Some(t)));
        let promoters = self.given.promoters.keys().chain(&self.links).map(String::as_str);
        if !self.given.promoters.contains_key(promoter) {
            return Err(fault(unknown("promoter or shared link", promoter, promoters)));
        }
        let targets = self.given.products.keys().chain(self.given.merchants.keys()).map(String::as_str);
        match target {
            Some(target) if !targets.clone().any(|known| known == target) => {
                Err(fault(unknown("product or shop", target, targets)))
            }
            _ => Ok(Value::Text(name)),
        }
    }
}

/// Texts that are times become milliseconds, as the API writes them, but for a batch's civil day.
pub(super) fn times_to_millis(field: &str, text: &str) -> Option<Json> {
    time::read(text).filter(|_| field != "record_on").map(|at| json!(at.millis()))
}

/// A text, or a list of texts.
fn texts(field: &Field, node: &Node) -> Result<Vec<String>, Vec<Fault>> {
    let all: Option<Vec<&str>> = match &node.data {
        Data::List(items) => items.iter().map(Node::text).collect(),
        _ => node.text().map(|one| vec![one]),
    };
    let all = all.ok_or_else(|| {
        let message = format!("`{}`: expected a text or a list of texts, not {}", field.name, node.shown());
        vec![Fault::new(node.at, message)]
    })?;
    Ok(all.into_iter().map(str::to_owned).collect())
}

/// Every word must be one of `words`.
fn all_of_these<'w>(
    field: &Field,
    node: &Node,
    words: &[&str],
    said: impl IntoIterator<Item = &'w str>,
) -> Result<(), Vec<Fault>> {
    let unknown = said.into_iter().filter(|word| !words.contains(word)).map(|word| {
        let message = unknown("value", word, words.iter().copied());
        Fault::new(node.at, format!("`{}`: {message}", field.name))
    });
    let faults: Vec<Fault> = unknown.collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Names with fen.
fn sums(node: &Node) -> Option<BTreeMap<String, i64>> {
    words(node)?.into_iter().map(|(name, fen)| Some((name, fen.parse().ok()?))).collect()
}

/// The lines of an order, or amounts for some of them.
fn lines(field: &Field, node: &Node, given: &Given, refused: bool) -> Result<Value, Vec<Fault>> {
    let expected = |at| {
        Fault::new(at, format!("`{}`: expected a list such as [{{product: cup, amount: 10000}}]", field.name))
    };
    let Data::List(items) = &node.data else { return Err(vec![expected(node.at)]) };
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for (position, item) in items.iter().enumerate() {
        let Data::Map(fields) = &item.data else {
            faults.push(expected(item.at));
            continue;
        };
        let mut line =
            Line { line: line_name(item, position), product: None, sku: None, amount: None, quantity: 1 };
        for Entry { at, key, value } in fields {
            let mut number = |least: i64| {
                let number = whole(value).filter(|number| *number >= least || refused);
                if number.is_none() {
                    let message =
                        format!("`{key}`: expected {least} or more, a whole number, not {}", value.shown());
                    faults.push(Fault::new(value.at, message));
                }
                number
            };
            match key.as_str() {
                "line" => {}
                "product" => {
                    let name = value.text().unwrap_or_default();
                    if !given.products.contains_key(name) {
                        let names = given.products.keys().map(String::as_str);
                        faults.push(Fault::new(value.at, unknown("product", name, names)));
                    }
                    line.product = Some(name.to_owned());
                }
                "sku" => line.sku = value.text().map(str::to_owned),
                "amount" => line.amount = number(0),
                "quantity" => line.quantity = number(1).unwrap_or(1),
                other => faults.push(Fault::new(*at, unknown("field in a line", other, LINE))),
            }
        }
        lines.push(line);
    }
    if faults.is_empty() { Ok(Value::Lines(lines)) } else { Err(faults) }
}

/// What a line of an order is called: its place in the list, unless it says so.
pub(super) fn line_name(item: &Node, position: usize) -> String {
    let said = match &item.data {
        Data::Map(fields) => find(fields, "line").and_then(|entry| entry.value.text()),
        _ => None,
    };
    said.map_or_else(|| (position + 1).to_string(), str::to_owned)
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
