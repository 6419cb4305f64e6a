//! Reading an event. What is stored has its type first, and a replay reads millions: then each field goes to its place
//! at once. What comes from outside is read by its fields' names: whoever sent it hears which one is wrong.

use super::{Completed, Created, EventError, OrderEvent, Paid, RefundStep, Refunded, Shipped, Step};
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment, Track};
use std::fmt;

/// The types by their names.
#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Created,
    Paid,
    Shipped,
    Completed,
    RefundAsked,
    RefundRefused,
    Refunded,
    Closed,
}

impl Kind {
    fn read<'de, D: Deserializer<'de>>(&self, fields: D) -> Result<OrderEvent, D::Error> {
        Ok(match self {
            Self::Created => OrderEvent::Created(Created::deserialize(fields)?),
            Self::Paid => OrderEvent::Paid(Paid::deserialize(fields)?),
            Self::Shipped => OrderEvent::Shipped(Shipped::deserialize(fields)?),
            Self::Completed => OrderEvent::Completed(Completed::deserialize(fields)?),
            Self::RefundAsked => OrderEvent::RefundAsked(RefundStep::deserialize(fields)?),
            Self::RefundRefused => OrderEvent::RefundRefused(RefundStep::deserialize(fields)?),
            Self::Refunded => OrderEvent::Refunded(Refunded::deserialize(fields)?),
            Self::Closed => OrderEvent::Closed(Step::deserialize(fields)?),
        })
    }
}

/// An event that somebody sends.
///
/// # Errors
/// Where the first mistake is, and which.
pub(super) fn from_outside(event: &Value) -> Result<OrderEvent, EventError> {
    let shape = |pointer: String, why: serde_json::Error| EventError::Shape { pointer, why: why.to_string() };
    let Value::Object(fields) = event else {
        return Err(shape(String::new(), serde_json::Error::custom("an order event is an object")));
    };
    let kind = fields.get("type").ok_or_else(|| shape(String::new(), Error::missing_field("type")))?;
    let kind = Kind::deserialize(kind).map_err(|why| shape("/type".to_owned(), why))?;
    let others = fields.iter().filter(|(name, _)| *name != "type");
    let others = MapDeserializer::new(others.map(|(name, value)| (name.as_str(), value)));
    let mut track = Track::new();
    let read = kind.read(serde_path_to_error::Deserializer::new(others, &mut track));
    read.map_err(|why| shape(pointer(&track.path()), why))
}

/// A path as a JSON pointer. Our fields' names have nothing that needs to be escaped in one.
fn pointer(path: &Path) -> String {
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{key}")),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().map_while(part).collect()
}

impl<'de> Deserialize<'de> for OrderEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Event)
    }
}

struct Event;

impl<'de> Visitor<'de> for Event {
    type Value = OrderEvent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an order event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OrderEvent, A::Error> {
        let mut before = Map::new();
        let kind: Kind = loop {
            match map.next_key::<String>()? {
                None => return Err(A::Error::missing_field("type")),
                Some(name) if name == "type" => break map.next_value()?,
                Some(name) => keep(&mut before, name, &mut map)?,
            }
        };
        if before.is_empty() {
            return kind.read(MapAccessDeserializer::new(map));
        }
        while let Some(name) = map.next_key()? {
            keep(&mut before, name, &mut map)?;
        }
        kind.read(Value::Object(before)).map_err(A::Error::custom)
    }
}

/// Keeps a field until the type is known.
fn keep<'de, A: MapAccess<'de>>(
    before: &mut Map<String, Value>,
    name: String,
    map: &mut A,
) -> Result<(), A::Error> {
    if before.contains_key(&name) {
        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
    }
    before.insert(name, map.next_value()?);
    Ok(())
}
