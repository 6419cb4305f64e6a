//! A checked file as the calls to make, in order. Nothing is sent here.

use super::fault::Fault;
use super::fields::Fields;
use super::kinds::{Item, Kind};
use super::source::{self, FileFormat, Row};
use attribution_core::hex::hex;
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// PUT or POST.
    pub(crate) method: Method,
    /// Where.
    pub(crate) path: String,
    /// The body.
    pub(crate) body: Value,
    /// The lines of the file behind each item of the body (one item if it is no bulk call).
    pub(crate) lines: Vec<u64>,
}

/// What a file comes to.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What it holds.
    pub(crate) kind: Kind,
    /// Hex of the contents' hash; with the step's number it makes the idempotency key.
    pub(crate) content: String,
    /// The calls.
    pub(crate) steps: Vec<Step>,
    /// Rows that are not part of any step.
    pub(crate) faults: Vec<Fault>,
}

/// Why an event is left out of which another row is wrong.
const OF_THE_SAME: &str = "of the same event is wrong";

impl Plan {
    /// Reads and checks a whole file.
    pub(crate) fn make(kind: Kind, bytes: &[u8], format: FileFormat) -> Self {
        let columns: Vec<&str> = kind.columns().iter().map(|c| c.name).collect();
        let (rows, mut faults) = source::read(bytes, format, &columns);
        let needed: Vec<&str> = kind.columns().iter().filter(|c| c.required).map(|c| c.name).collect();
        faults.extend(source::missing_columns(bytes, format, &needed));
        let mut items: Vec<(Vec<u64>, Item)> = Vec::new();
        let mut seen: HashMap<String, u64> = HashMap::new();
        // A header that is wrong would fail every row for the same reason: the reason is enough.
        let readable =
            if faults.iter().any(|f| f.line == 1 && format == FileFormat::Csv) { &[][..] } else { &rows[..] };
        // Events of which a row is wrong: half an order is worse than none.
        let mut broken = beside_unreadable(kind, readable, &faults);
        for row in readable {
            let mut fields = Fields::new(row);
            let Some(item) = kind.read(&mut fields) else {
                faults.extend(fields.into_faults());
                if let Some(event) = kind.event_of(row) {
                    broken.entry(event).or_insert((row.line, OF_THE_SAME));
                }
                continue;
            };
            match item {
                Item::Call { ref key, .. } | Item::Bulk { key: Some(ref key), .. } => {
                    match seen.entry(key.clone()) {
                        Entry::Occupied(before) => {
                            let why = format!("{key} stands in line {} already", before.get());
                            faults.push(Fault::row(row.line, why));
                        }
                        Entry::Vacant(place) => {
                            place.insert(row.line);
                            items.push((vec![row.line], item));
                        }
                    }
                }
                Item::Bulk { key: None, .. } => items.push((vec![row.line], item)),
                Item::Continues { event, body } => {
                    if let Err(clash) = join(&mut items, &mut seen, event.clone(), body, row.line) {
                        faults.push(Fault::row(row.line, clash.to_string()));
                        broken.entry(event).or_insert((row.line, OF_THE_SAME));
                    }
                }
            }
        }
        leave_out(&mut items, &broken, &mut faults);
        faults.sort_by_key(|f| f.line);
        let content = hex(&Sha256::digest(bytes));
        Self { kind, content, steps: steps(kind, items), faults }
    }

    /// Items (rows; events) that the steps carry.
    pub(crate) fn items(&self) -> usize {
        self.steps.iter().map(|s| s.lines.len()).sum()
    }
}

/// Why a row of an order event does not go with those before it.
#[derive(Debug, thiserror::Error)]
enum Clash {
    #[error("another row of the same event ({event}) says otherwise in line {line}")]
    Otherwise { event: String, line: u64 },
    #[error("the event ({event}) stands in line {line} already")]
    Again { event: String, line: u64 },
    #[error("the event ({event}) stands in line {line} already; rows of one event stand together")]
    Apart { event: String, line: u64 },
}

/// Events that stand beside a row that cannot be read, which may belong to them: by name, with that row's line.
fn beside_unreadable(kind: Kind, rows: &[Row], unreadable: &[Fault]) -> HashMap<String, (u64, &'static str)> {
    let mut broken = HashMap::new();
    for unread in unreadable {
        let at = rows.partition_point(|row| row.line < unread.line);
        let beside = rows[at.saturating_sub(1)..].iter().take(if at > 0 { 2 } else { 1 });
        for event in beside.filter_map(|row| kind.event_of(row)) {
            broken.entry(event).or_insert((unread.line, "cannot be read and may be of the same event"));
        }
    }
    broken
}

/// Takes the broken events out, and says of each of their rows why.
fn leave_out(
    items: &mut Vec<(Vec<u64>, Item)>,
    broken: &HashMap<String, (u64, &str)>,
    faults: &mut Vec<Fault>,
) {
    items.retain(|(lines, item)| {
        let Item::Continues { event, .. } = item else { return true };
        let Some((line, why)) = broken.get(event) else { return true };
        // Its rows stand together, but for the wrong one and empty lines.
        faults
            .extend(lines.iter().map(|own| Fault::row(*own, format!("left out, because line {line} {why}"))));
        false
    });
}

/// Adds a row of order events: to the event just before it if it is the same, else as a new one.
fn join(
    items: &mut Vec<(Vec<u64>, Item)>,
    seen: &mut HashMap<String, u64>,
    event: String,
    body: Value,
    line: u64,
) -> Result<(), Clash> {
    if let Some((lines, Item::Continues { event: last, body: whole })) = items.last_mut()
        && *last == event
    {
        let mut rest = body;
        let more = rest["lines"].take();
        let mut plain = whole.clone();
        plain["lines"].take();
        if rest != plain {
            return Err(Clash::Otherwise { event, line: lines[0] });
        }
        let (Some(have), Value::Array(more)) = (whole["lines"].as_array_mut(), more) else {
            return Err(Clash::Again { event, line: lines[0] });
        };
        have.extend(more);
        lines.push(line);
        return Ok(());
    }
    if let Some(before) = seen.insert(event.clone(), line) {
        return Err(Clash::Apart { event, line: before });
    }
    items.push((vec![line], Item::Continues { event, body }));
    Ok(())
}

fn steps(kind: Kind, items: Vec<(Vec<u64>, Item)>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut bulk_items = Vec::new();
    let mut bulk_lines = Vec::new();
    for (lines, item) in items {
        match item {
            Item::Call { method, path, body, .. } => steps.push(Step { method, path, body, lines }),
            Item::Bulk { body, .. } | Item::Continues { body, .. } => {
                bulk_items.push(body);
                bulk_lines.push(lines[0]);
            }
        }
    }
    if let Some(bulk) = kind.bulk() {
        for (items, lines) in bulk_items.chunks(bulk.at_once).zip(bulk_lines.chunks(bulk.at_once)) {
            steps.push(Step {
                method: bulk.method.clone(),
                path: bulk.path.to_owned(),
                body: json!({ bulk.name: items }),
                lines: lines.to_vec(),
            });
        }
    }
    steps
}

#[cfg(test)]
mod tests;
