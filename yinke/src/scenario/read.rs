//! From the tree of a file to its stories. Every mistake is reported, each with its line and column.

use super::fault::{Fault, Place, unknown};
use super::given;
use super::story::{Event, Given, Item, Programme, Story};
use super::time;
use super::values::line_name;
use super::vocabulary::{CHECK_COMMON, CHECKS, EVENT_COMMON, EVENTS, Field, Shape};
use super::yaml::{self, Data, Entry, Node};
use attribution_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

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
    let mut names = BTreeSet::new();
    for case in list(&cases.value, faults) {
        let fields = entries(case, "a case", CASE, faults);
        let name = required_text(case, fields, "name", faults);
        if !name.is_empty() && !names.insert(name.clone()) {
            let at = find(fields, "name").map_or(case.at, |entry| entry.value.at);
            faults.push(Fault::new(at, format!("there is a case `{name}` already")));
        }
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
    let mut changes = Vec::new();
    for entry in layers.iter().filter_map(|layer| find(layer, "events")) {
        let mut before = None;
        for node in list(&entry.value, faults) {
            if let Some(event) = scene.event(node, before, faults) {
                before = Some(event.when);
                let rules = event_fields(node).and_then(|fields| find(fields, "rules"));
                changes.extend(rules.map(|rules| (event.clone(), &rules.value)));
                events.push(event);
            }
        }
    }
    events.sort_by_key(|event| event.when);
    changes.sort_by_key(|(event, _)| event.when);
    given::check_changes(&programmes, &changes, faults);
    check_placed_once(&events, faults);
    let mut checks = Vec::new();
    for entry in layers.iter().filter_map(|layer| find(layer, "expect")) {
        checks.extend(scene.checks(&entry.value, faults));
    }
    let at = layers.last().and_then(|layer| layer.first()).map_or(Place::default(), |entry| entry.at);
    let Some(begin) = events.first().map(|event| event.when) else {
        // Where an event has a mistake, that is the mistake.
        if faults.is_empty() {
            faults.push(Fault::new(at, "a scenario has at least one event"));
        }
        return None;
    };
    let expects = |event: &Event| !event.checks.is_empty() || event.item.expects();
    if checks.is_empty() && !events.iter().any(expects) && faults.is_empty() {
        let message =
            "nothing is expected: a story has an `expect`, or an event with `refused` or another expectation";
        faults.push(Fault::new(at, message));
    }
    Some(Story { name, title, begin, programmes, given, events, checks })
}

/// An order is placed at one instant. The platform may tell of it again, or, to its shame, otherwise.
fn check_placed_once(events: &[Event], faults: &mut Vec<Fault>) {
    let mut placed: BTreeMap<&str, Instant> = BTreeMap::new();
    for Event { when, item, .. } in
        events.iter().filter(|event| ["order", "buy"].contains(&event.item.name()))
    {
        let first = *placed.entry(item.subject()).or_insert(*when);
        if first != *when && item.flag("again") != Some(true) && item.text("refused").is_none() {
            let message = format!(
                "order `{}` was placed at {first}; say `again: true` where the platform contradicts itself",
                item.subject()
            );
            faults.push(Fault::new(item.at, message));
        }
    }
}

/// What events may refer to.
pub(super) struct Scene<'a> {
    pub(super) given: &'a Given,
    pub(super) programmes: BTreeSet<String>,
    /// Orders with their lines.
    pub(super) orders: BTreeMap<String, BTreeSet<String>>,
    pub(super) links: BTreeSet<String>,
    pub(super) agencies: BTreeSet<String>,
    /// What events bring about, by the event's name.
    pub(super) made: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Scene<'a> {
    fn of(given: &'a Given, programmes: &[Programme], layers: &[&[Entry]]) -> Self {
        let mut scene = Self {
            given,
            programmes: programmes.iter().map(|programme| programme.id.clone()).collect(),
            orders: BTreeMap::new(),
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
                "order" | "buy" => {
                    if let Some(order) = text(first) {
                        scene.orders.entry(order).or_default().extend(lines_of(fields));
                    }
                }
                "success" => {
                    if let Some(order) = text("order") {
                        scene.orders.entry(order).or_default().insert("1".to_owned());
                    }
                }
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
        let refused = find(fields, "refused").is_some();
        let mut whole = true;
        for entry in fields {
            let Some(field) = shape.all(common).find(|field| field.name == entry.key) else {
                let names = shape.all(common).map(|field| field.name);
                let what = format!("field in `{}`", shape.name());
                faults.push(Fault::new(entry.at, unknown(&what, &entry.key, names)));
                whole = false;
                continue;
            };
            match self.value(field, &entry.value, refused) {
                Ok(value) => {
                    values.insert(field.name, (entry.value.at, value));
                }
                Err(mistakes) => {
                    faults.extend(mistakes);
                    whole = false;
                }
            }
        }
        let item = Item::new(node.at, shape, values);
        // A bare `get` expects an answer.
        if what == "check" && whole && !item.expects() && item.name() != "get" {
            let all = shape.all(common).filter(|field| field.expected).map(|field| field.name);
            let all: Vec<&str> = all.collect();
            let message = format!("`{}` expects nothing; it may have {}", item.name(), all.join(", "));
            faults.push(Fault::new(node.at, message));
        }
        Some(item)
    }
}

/// The lines that an order is placed with.
fn lines_of(fields: &[Entry]) -> Vec<String> {
    match find(fields, "lines").map(|entry| &entry.value.data) {
        Some(Data::List(items)) => items.iter().enumerate().map(|(n, item)| line_name(item, n)).collect(),
        _ => vec!["1".to_owned()],
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
