//! One field of an event or a check: from a node of the file to a value of the field's kind.

use super::fault::{Fault, unknown};
use super::read::Scene;
use super::story::{Given, Line, Value};
use super::time;
use super::vocabulary::{Field, Kind};
use super::yaml::{Data, Node};
use attribution_core::time::Span;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a bare day looks like.
const DAY: &str = "2020-05-04";

impl Scene<'_> {
    /// What a field of an event or a check says; names must be of somebody or something that is there.
    pub(super) fn value(&self, field: &Field, node: &Node) -> Result<Value, Fault> {
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
            Kind::Texts => texts(field, node).map(Value::Texts),
            Kind::Choice(words) => {
                let word = text()?;
                one_of_these(field, node, words, &word)?;
                Ok(Value::Text(word))
            }
            Kind::Codes(codes) => {
                let texts = texts(field, node)?;
                texts.iter().try_for_each(|text| one_of_these(field, node, codes, text))?;
                Ok(Value::Texts(texts))
            }
            Kind::Coded(codes) => {
                let form = || format!("names with codes, such as {{a: {}}}", codes.first().unwrap_or(&""));
                let words = words(node).ok_or_else(|| expected(&form()))?;
                let mut each = words.values().flat_map(|codes| codes.split_whitespace());
                each.try_for_each(|code| one_of_these(field, node, codes, code))?;
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

/// Texts that are times become milliseconds, as the API writes them, but for a batch's civil day.
pub(super) fn times_to_millis(field: &str, text: &str) -> Option<Json> {
    time::read(text).filter(|_| field != "record_on").map(|at| json!(at.millis()))
}

/// A text, or a list of texts.
fn texts(field: &Field, node: &Node) -> Result<Vec<String>, Fault> {
    let all: Option<Vec<&str>> = match &node.data {
        Data::List(items) => items.iter().map(Node::text).collect(),
        _ => node.text().map(|one| vec![one]),
    };
    let all = all.ok_or_else(|| {
        Fault::new(
            node.at,
            format!("`{}`: expected a text or a list of texts, not {}", field.name, node.shown()),
        )
    })?;
    Ok(all.into_iter().map(str::to_owned).collect())
}

fn one_of_these(field: &Field, node: &Node, words: &[&str], word: &str) -> Result<(), Fault> {
    if words.contains(&word) {
        return Ok(());
    }
    let message = unknown("value", word, words.iter().copied());
    Err(Fault::new(node.at, format!("`{}`: {message}", field.name)))
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
