//! YAML as a tree whose every value knows its line and column. No anchors, no tags: a scenario is plain data.

use super::fault::{Fault, Place};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};
use serde_json::{Map, Number, Value};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Where it begins.
    pub(super) at: Place,
    /// What it is.
    pub(super) data: Data,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    /// Text, a number, or nothing; `plain` says that it stood without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// One key of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Where the key stands.
    pub(super) at: Place,
    /// The key.
    pub(super) key: String,
    /// Its value.
    pub(super) value: Node,
}

impl Node {
    /// The text of a scalar that is there.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, plain } if !(*plain && matches!(text.as_str(), "" | "~" | "null")) => {
                Some(text)
            }
            _ => None,
        }
    }

    /// What it is, for a message.
    pub(super) fn shown(&self) -> String {
        match &self.data {
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a mapping".to_owned(),
            Data::Scalar { text, .. } => {
                self.text().map_or_else(|| "nothing".to_owned(), |_| format!("`{text}`"))
            }
        }
    }

    /// As JSON. Plain numbers, `true`, `false` and `null` are themselves; every text that `convert` knows, with the name of
    /// its field, becomes what it says.
    pub(super) fn json(&self, convert: &impl Fn(&str, &str) -> Option<Value>) -> Value {
        self.field_json("", convert)
    }

    fn field_json(&self, field: &str, convert: &impl Fn(&str, &str) -> Option<Value>) -> Value {
        match &self.data {
            Data::List(items) => {
                Value::Array(items.iter().map(|item| item.field_json(field, convert)).collect())
            }
            Data::Map(entries) => {
                let pair = |entry: &Entry| (entry.key.clone(), entry.value.field_json(&entry.key, convert));
                Value::Object(entries.iter().map(pair).collect::<Map<_, _>>())
            }
            Data::Scalar { text, plain } => match text.as_str() {
                "" | "~" | "null" if *plain => Value::Null,
                "true" if *plain => Value::Bool(true),
                "false" if *plain => Value::Bool(false),
                _ => {
                    let number = plain.then(|| text.parse::<i64>().ok().map(Number::from)).flatten();
                    let number = number.map(Value::Number);
                    number.or_else(|| convert(field, text)).unwrap_or_else(|| Value::String(text.clone()))
                }
            },
        }
    }
}

/// Reads one document.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let mut events = Parser::new_from_str(text);
    let mut document = None;
    while let Some(next) = events.next() {
        let (event, span) = next.map_err(|error| not_yaml(&error))?;
        let at = place(&span.start);
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            Event::StreamEnd => break,
            _ if document.is_some() => return Err(Fault::new(at, "one file holds one scenario")),
            event => document = Some(node(event, at, &mut events)?),
        }
    }
    document.ok_or_else(|| Fault::new(Place { line: 1, column: 1 }, "the file is empty"))
}

fn not_yaml(error: &ScanError) -> Fault {
    let hint =
        if error.info().contains("mapping values") { "; a text with `: ` in it needs quotes" } else { "" };
    Fault::new(place(error.marker()), format!("not YAML: {}{hint}", error.info()))
}

fn place(marker: &Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}

type Events<'input> = Parser<'input, saphyr_parser::StrInput<'input>>;

fn node<'input>(event: Event<'input>, at: Place, events: &mut Events<'input>) -> Result<Node, Fault> {
    let data = match event {
        Event::Scalar(text, style, _, _) => {
            Data::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
        }
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            while let Some((event, at)) = inside(events, &Event::SequenceEnd)? {
                items.push(node(event, at, events)?);
            }
            Data::List(items)
        }
        Event::MappingStart(..) => {
            let mut entries: Vec<Entry> = Vec::new();
            while let Some((event, at)) = inside(events, &Event::MappingEnd)? {
                let key = node(event, at, events)?;
                let Data::Scalar { text: key, .. } = key.data else {
                    return Err(Fault::new(at, "a key is one word"));
                };
                if entries.iter().any(|entry| entry.key == key) {
                    return Err(Fault::new(at, format!("`{key}` stands here twice")));
                }
                let Some((event, value_at)) = inside(events, &Event::MappingEnd)? else {
                    return Err(Fault::new(at, format!("`{key}` has no value")));
                };
                entries.push(Entry { at, key, value: node(event, value_at, events)? });
            }
            Data::Map(entries)
        }
        _ => return Err(Fault::new(at, "anchors and aliases are not used in scenarios")),
    };
    Ok(Node { at, data })
}

/// The next event, unless it is the end.
fn inside<'input>(
    events: &mut Events<'input>,
    end: &Event<'_>,
) -> Result<Option<(Event<'input>, Place)>, Fault> {
    let Some(next) = events.next() else { return Ok(None) };
    let (event, span) = next.map_err(|error| not_yaml(&error))?;
    Ok((event != *end).then(|| (event, place(&span.start))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_place() {
        let node = read("id: T1\nevents:\n  - 2020-01-01 10:00:00: {click: a, by: U}\n").unwrap();
        let Data::Map(entries) = &node.data else { panic!("{node:?}") };
        let Data::List(events) = &entries[1].value.data else { panic!("{node:?}") };
        let Data::Map(event) = &events[0].data else { panic!("{node:?}") };
        assert_eq!(
            (event[0].key.as_str(), event[0].at),
            ("2020-01-01 10:00:00", Place { line: 3, column: 5 })
        );
        let Data::Map(click) = &event[0].value.data else { panic!("{node:?}") };
        assert_eq!((click[1].value.text(), click[1].at), (Some("U"), Place { line: 3, column: 37 }));
    }

    #[test]
    fn what_is_no_scenario_is_refused_with_its_place() {
        for (text, line, part) in [
            ("", 1, "empty"),
            ("a: 1\na: 2\n", 2, "twice"),
            ("a: &x 1\nb: *x\n", 2, "aliases"),
            ("a: [1, 2\n", 2, "not YAML"),
            ("a: 1\n---\nb: 2\n", 3, "one file"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.at.line >= line && fault.message.contains(part), "{text:?}: {fault:?}");
        }
    }
}
