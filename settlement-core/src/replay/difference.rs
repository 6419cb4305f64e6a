//! Where what is stored and what is computed again are not the same.

use attribution_core::ids::{LineId, OrderId, PlatformId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More differing fields of one thing than this are not named: the first ones tell what is wrong.
const FIELDS_MAX: usize = 20;

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Difference {
    /// The platform.
    pub platform: String,
    /// The order.
    pub order: String,
    /// The line.
    pub line: String,
    /// The decision's number; none if it is about the line's books.
    pub decision: Option<i64>,
    /// Which field: a path into the decision, a column of the line, or a transfer.
    pub field: String,
    /// What is stored.
    pub stored: String,
    /// What comes out now.
    pub recomputed: String,
}

/// A line, for saying where something differs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub platform: &'a PlatformId,
    pub order: &'a OrderId,
    pub line: &'a LineId,
}

impl Place<'_> {
    /// One field of the line.
    pub(super) fn differs(
        self,
        decision: Option<i64>,
        field: &str,
        stored: impl Into<String>,
        recomputed: impl Into<String>,
    ) -> Difference {
        Difference {
            platform: self.platform.to_string(),
            order: self.order.to_string(),
            line: self.line.to_string(),
            decision,
            field: field.to_owned(),
            stored: stored.into(),
            recomputed: recomputed.into(),
        }
    }

    /// Every field in which two JSON values differ.
    pub(super) fn differing(
        self,
        decision: Option<i64>,
        under: &str,
        stored: &Value,
        recomputed: &Value,
    ) -> Vec<Difference> {
        let mut found = Vec::new();
        walk(under, stored, recomputed, &mut |path, stored, recomputed| {
            if found.len() < FIELDS_MAX {
                found.push(self.differs(decision, path, show(stored), show(recomputed)));
            }
        });
        found
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn walk(path: &str, a: &Value, b: &Value, found: &mut impl FnMut(&str, &Value, &Value)) {
    let under = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (a, b) {
        _ if a == b => {}
        (Value::Object(a), Value::Object(b)) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let field =
                    |of: &serde_json::Map<String, Value>| of.get(name).cloned().unwrap_or(Value::Null);
                walk(&under(name), &field(a), &field(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (position, (a, b)) in a.iter().zip(b).enumerate() {
                walk(&under(&position.to_string()), a, b, found);
            }
        }
        _ => found(path, a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_named_by_its_path() {
        let (platform, order, line) =
            (PlatformId::new("p").unwrap(), OrderId::new("o").unwrap(), LineId::new("1").unwrap());
        let place = Place { platform: &platform, order: &order, line: &line };
        let a = json!({"outcome": {"award": {"rate": 500}}, "candidates": [{"verdict": "won"}], "flags": []});
        let b =
            json!({"outcome": {"award": {"rate": 600}}, "candidates": [{"verdict": "won"}], "flags": ["x"]});
        let found: Vec<_> = place
            .differing(Some(1), "", &a, &b)
            .into_iter()
            .map(|d| (d.field, d.stored, d.recomputed))
            .collect();
        let row = |field: &str, stored: &str, recomputed: &str| {
            (field.to_owned(), stored.to_owned(), recomputed.to_owned())
        };
        assert_eq!(found, [row("flags", "[]", "[\"x\"]"), row("outcome.award.rate", "500", "600")]);
    }
}
