//! A scenario as data: who is there, under which rules, what happens when, and what must be so.

use super::fault::Place;
use super::vocabulary::Shape;
use attribution_core::policy::{Policy, Preset};
use attribution_core::time::Instant;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// One story with one ending. A file with `cases` is several.
#[derive(Debug, Clone)]
pub(super) struct Story {
    /// `T20`, or `T20 one second later` for a case of a file.
    pub(super) name: String,
    /// One line.
    pub(super) title: String,
    /// When it begins.
    pub(super) begin: Instant,
    /// The rules.
    pub(super) programmes: Vec<Programme>,
    /// Who and what is there at the beginning.
    pub(super) given: Given,
    /// What happens, in the order of time.
    pub(super) events: Vec<Event>,
    /// What must be so at the end.
    pub(super) checks: Vec<Item>,
}

/// A programme.
#[derive(Debug, Clone)]
pub(super) struct Programme {
    /// Its id.
    pub(super) id: String,
    /// Where its rules stand in the file.
    pub(super) at: Place,
    /// What it begins with.
    pub(super) preset: Preset,
    /// The merchant that owns it; the platform if none.
    pub(super) owner: Option<String>,
    /// In force from here on.
    pub(super) from: Instant,
    /// Fields that differ from the preset.
    pub(super) policy: Json,
}

impl Programme {
    /// What it begins with; none if that is wrong.
    pub(super) fn rules(&self) -> Option<Policy> {
        self.preset.policy().checked(&self.policy).ok()
    }

    /// Whether promoters have a share in it.
    pub(super) fn pays_promoters(&self) -> bool {
        self.rules().is_some_and(|rules| rules.commission.pays_promoters())
    }
}

/// Who and what is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) merchants: BTreeMap<String, Merchant>,
    pub(super) products: BTreeMap<String, Product>,
    pub(super) promoters: BTreeMap<String, Promoter>,
    /// Categories with their titles and the category above.
    pub(super) categories: BTreeMap<String, (String, Option<String>)>,
    /// Which product and shop are meant where none is named.
    pub(super) first_product: String,
    pub(super) first_merchant: String,
}

/// A shop.
#[derive(Debug, Clone)]
pub(super) struct Merchant {
    pub(super) title: String,
    /// Money paid in at the beginning.
    pub(super) balance: i64,
    /// Its buyers' history is known for orders placed from here on.
    pub(super) history_known_from: Option<Instant>,
}

/// A product.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) title: String,
    pub(super) shop: String,
    pub(super) price: i64,
    pub(super) category: Option<String>,
}

/// A promoter.
#[derive(Debug, Clone)]
pub(super) struct Promoter {
    pub(super) agency: Option<String>,
    /// Their own buyer accounts.
    pub(super) accounts: Vec<String>,
    /// Whether they have a placement in every programme.
    pub(super) placement: bool,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// When.
    pub(super) when: Instant,
    /// What.
    pub(super) item: Item,
    /// The checks of an `expect` event.
    pub(super) checks: Vec<Item>,
}

/// An event or a check with its fields.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Where it stands.
    pub(super) at: Place,
    /// What it is.
    pub(super) shape: &'static Shape,
    fields: BTreeMap<&'static str, (Place, Value)>,
}

/// What stands in a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Time(Instant),
    /// Any time of this day.
    Day(Instant),
    Number(i64),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Lines(Vec<Line>),
    Words(BTreeMap<String, String>),
    Sums(BTreeMap<String, i64>),
    Any(Json),
}

/// A line of an order, or an amount for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) line: String,
    pub(super) product: Option<String>,
    pub(super) sku: Option<String>,
    pub(super) amount: Option<i64>,
    pub(super) quantity: i64,
}

impl Item {
    /// An event or check with these fields.
    pub(super) const fn new(
        at: Place,
        shape: &'static Shape,
        fields: BTreeMap<&'static str, (Place, Value)>,
    ) -> Self {
        Self { at, shape, fields }
    }

    /// Its name.
    pub(super) const fn name(&self) -> &'static str {
        self.shape.name()
    }

    /// A field.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).map(|(_, value)| value)
    }

    /// Where a field stands.
    pub(super) fn place(&self, name: &str) -> Place {
        self.fields.get(name).map_or(self.at, |(at, _)| *at)
    }

    /// A field that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it is compared with anything.
    pub(super) fn expects(&self) -> bool {
        self.fields.keys().any(|name| self.shape.expects(name))
    }

    /// What it is about: its first field.
    pub(super) fn subject(&self) -> &str {
        self.text(self.name()).unwrap_or_default()
    }

    /// A field that is a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A field that is an instant.
    pub(super) fn time(&self, name: &str) -> Option<Instant> {
        match self.get(name) {
            Some(Value::Time(at)) => Some(*at),
            _ => None,
        }
    }

    /// A field that is yes or no.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A field that is a list of texts; empty if it is not there.
    pub(super) fn texts(&self, name: &str) -> &[String] {
        match self.get(name) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// A field with lines; empty if it is not there.
    pub(super) fn lines(&self, name: &str) -> &[Line] {
        match self.get(name) {
            Some(Value::Lines(lines)) => lines,
            _ => &[],
        }
    }

    /// A field with anything.
    pub(super) fn any(&self, name: &str) -> Option<&Json> {
        match self.get(name) {
            Some(Value::Any(json)) => Some(json),
            _ => None,
        }
    }

    /// A field of names with fen.
    pub(super) fn sums(&self, name: &str) -> Option<&BTreeMap<String, i64>> {
        match self.get(name) {
            Some(Value::Sums(sums)) => Some(sums),
            _ => None,
        }
    }

    /// A field of names with texts.
    pub(super) fn words(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        match self.get(name) {
            Some(Value::Words(words)) => Some(words),
            _ => None,
        }
    }
}

#[cfg(test)]
impl Item {
    /// Changes everything that a check expects, and leaves alone what it asks for; returns how much that is.
    pub(super) fn spoil(&mut self) -> usize {
        let mut spoiled = 0;
        for (_, (_, value)) in self.fields.iter_mut().filter(|(field, _)| self.shape.expects(field)) {
            match value {
                Value::Time(at) => *at = at.plus(1_000),
                Value::Day(at) => *at = at.next_shanghai_midnight(),
                Value::Number(number) => *number += 1,
                Value::Flag(flag) => *flag = !*flag,
                Value::Text(text) => text.push('~'),
                Value::Texts(texts) => texts.push("~".to_owned()),
                Value::Words(words) => words.values_mut().for_each(|word| word.push('~')),
                Value::Sums(sums) => sums.values_mut().for_each(|sum| *sum += 1),
                Value::Any(any) => *any = serde_json::json!({"~": 1}),
                Value::Lines(_) => continue,
            }
            spoiled += 1;
        }
        spoiled
    }
}
