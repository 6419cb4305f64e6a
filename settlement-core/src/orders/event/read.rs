//! Reading an event. What is stored has its type first, and a replay reads millions: then each field goes to its place
//! at once.

use super::{Completed, Created, OrderEvent, Paid, RefundStep, Refunded, Step};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};
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
            Self::Shipped => OrderEvent::Shipped(Step::deserialize(fields)?),
            Self::Completed => OrderEvent::Completed(Completed::deserialize(fields)?),
            Self::RefundAsked => OrderEvent::RefundAsked(RefundStep::deserialize(fields)?),
            Self::RefundRefused => OrderEvent::RefundRefused(RefundStep::deserialize(fields)?),
            Self::Refunded => OrderEvent::Refunded(Refunded::deserialize(fields)?),
            Self::Closed => OrderEvent::Closed(Step::deserialize(fields)?),
        })
    }
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
