//! The language as a JSON schema, for editors: made from the same tables that the parser uses.

use super::given::{CATEGORY, GIVEN, MERCHANT, PRODUCT, PROGRAMME_KEYS, PROMOTER, RATE, SECTIONS};
use super::vocabulary::{CHECK_COMMON, CHECKS, EVENT_COMMON, EVENTS, Field, Form, Kind, POLICY, Rule, Shape};
use attribution_core::policy::Preset;
use serde_json::{Map, Value, json};

/// A length of time.
const LENGTH: &str = r"^\d+(ms|s|m|h|d)$";

/// The schema of a scenario file.
pub(crate) fn schema() -> Value {
    let text = json!({"type": "string"});
    let layer = json!({
        "programme": {"$ref": "#/$defs/programme"},
        "programmes": {"type": "array", "items": {"$ref": "#/$defs/programme"}},
        "given": {"$ref": "#/$defs/given"},
        "events": {"type": "array", "items": {"$ref": "#/$defs/event"}},
        "expect": {"$ref": "#/$defs/checks"},
    });
    let mut top = object(&layer);
    for key in ["id", "title", "source", "notes"] {
        top.insert(key.to_owned(), text.clone());
    }
    let mut case = object(&layer);
    case.insert("name".to_owned(), text);
    top.insert(
        "cases".to_owned(),
        json!({"type": "array", "items": {"type": "object", "properties": case, "required": ["name"], "additionalProperties": false}}),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Yinke scenario",
        "type": "object",
        "properties": top,
        "required": ["id", "title", "source"],
        "additionalProperties": false,
        "$defs": {
            "time": {"type": "string", "description": "2020-05-04 16:55:35 in Asia/Shanghai, a day, or RFC 3339"},
            "line": {
                "type": "object",
                "properties": {"line": {"type": ["string", "integer"]}, "product": {"type": "string"},
                               "sku": {"type": "string"}, "amount": {"type": "integer"}, "quantity": {"type": "integer"}},
                "additionalProperties": false,
            },
            "rate": keyed(RATE, &json!({})),
            "programme": programme(),
            "given": given(),
            "event": {
                "type": "object",
                "description": "TIME: {event}; the time may be +15d after the event before",
                "patternProperties": {r"^(\d{4}-\d\d-\d\d|\+\d)": {"oneOf": shapes(EVENTS, EVENT_COMMON)}},
                "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
            },
            "check": {"oneOf": shapes(CHECKS, CHECK_COMMON)},
            "checks": {"oneOf": [{"$ref": "#/$defs/check"}, {"type": "array", "items": {"$ref": "#/$defs/check"}}]},
        },
    })
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// An object with these keys, of which `known` says more.
fn keyed(keys: &[&str], known: &Value) -> Value {
    let property = |key: &&str| ((*key).to_owned(), known.get(*key).cloned().unwrap_or_else(|| json!({})));
    json!({"type": "object", "properties": keys.iter().map(property).collect::<Map<_, _>>(), "additionalProperties": false})
}

fn programme() -> Value {
    let mut known = json!({
        "id": {"type": "string"},
        "preset": {"enum": Preset::ALL.map(Preset::name)},
        "owner": {"type": "string"},
        "from": {"$ref": "#/$defs/time"},
        "rate": {"type": "integer"},
        "rates": {"oneOf": [{"type": "integer"}, {"type": "object"}, {"type": "array", "items": {"$ref": "#/$defs/rate"}}]},
    });
    for section in SECTIONS {
        known[section] = rules(section);
    }
    keyed(PROGRAMME_KEYS, &known)
}

/// One part of the rules.
fn rules(section: &str) -> Value {
    let fields: Vec<&Rule> = POLICY.iter().filter(|rule| rule.section == section).collect();
    if let [whole] = fields.as_slice()
        && whole.name == section
    {
        return json!({"type": "array", "description": whole.about});
    }
    let property = |rule: &&Rule| {
        let mut value = form(rule);
        value["description"] = json!(rule.about);
        (rule.name.to_owned(), value)
    };
    let properties = fields.iter().map(property).collect::<Map<_, _>>();
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn form(rule: &Rule) -> Value {
    match rule.form {
        Form::Choice(words) => json!({"enum": words}),
        Form::Words(words) => json!({"type": "array", "items": {"enum": words}}),
        Form::Length => json!({"type": "string", "pattern": LENGTH}),
        Form::MayLength => json!({"type": ["string", "null"], "pattern": LENGTH}),
        Form::Flag => json!({"type": "boolean"}),
        Form::Count | Form::Fen => json!({"type": "integer"}),
        Form::MayTime => json!({"oneOf": [{"$ref": "#/$defs/time"}, {"type": "null"}]}),
        Form::As(examples) => {
            json!({"type": ["string", "object", "array", "null"], "$comment": examples.join(" | ")})
        }
    }
}

fn given() -> Value {
    let names = |keys: &[&str]| {
        json!({"oneOf": [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": {"oneOf": [keyed(keys, &json!({})), {"type": ["integer", "null"]}]}},
        ]})
    };
    keyed(
        GIVEN,
        &json!({"merchants": names(MERCHANT), "products": names(PRODUCT), "promoters": names(PROMOTER),
                "categories": names(CATEGORY)}),
    )
}

fn shapes(shapes: &'static [Shape], common: &'static [Field]) -> Vec<Value> {
    let one = |shape: &Shape| {
        let property = |field: &Field| {
            let mut value = kind(field);
            value["description"] = json!(field.about);
            (field.name.to_owned(), value)
        };
        json!({
            "type": "object",
            "description": shape.about,
            "properties": shape.all(common).map(property).collect::<Map<_, _>>(),
            "required": [shape.name()],
            "additionalProperties": false,
        })
    };
    shapes.iter().map(one).collect()
}

fn kind(field: &Field) -> Value {
    match field.kind {
        Kind::Time => json!({"$ref": "#/$defs/time"}),
        Kind::When => json!({"oneOf": [{"$ref": "#/$defs/time"}, {"const": "none"}]}),
        Kind::Length => json!({"type": "string", "pattern": LENGTH}),
        Kind::Fen | Kind::Count | Kind::Rate => json!({"type": "integer"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Choice(words) => json!({"enum": words}),
        Kind::Texts => json!({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
        Kind::Codes(words) => {
            json!({"oneOf": [{"enum": words}, {"type": "array", "items": {"enum": words}}]})
        }
        Kind::Coded(words) => {
            let one = json!({"enum": words});
            let several = json!({"type": "array", "items": {"enum": words}});
            json!({"type": "object", "additionalProperties": {"oneOf": [one, several]}})
        }
        Kind::Lines => json!({"type": "array", "items": {"$ref": "#/$defs/line"}}),
        Kind::Words => {
            json!({"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean", "array"]}})
        }
        Kind::Sums => json!({"type": "object", "additionalProperties": {"type": "integer"}}),
        Kind::Any if field.name == "expect" => json!({"$ref": "#/$defs/checks"}),
        Kind::Any => json!({}),
        Kind::Text
        | Kind::RateOrNone
        | Kind::Payee
        | Kind::Programme
        | Kind::Made(_)
        | Kind::Promoter
        | Kind::PromoterOrNone
        | Kind::Product
        | Kind::Merchant
        | Kind::Link
        | Kind::Order
        | Kind::OrderLine
        | Kind::NewOrder => json!({"type": ["string", "integer"]}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words as the manual lists them.
    fn reference() -> String {
        let mut text = String::new();
        for (title, shapes, common) in [("Events", EVENTS, EVENT_COMMON), ("Checks", CHECKS, CHECK_COMMON)] {
            let shared: Vec<String> = common.iter().map(|f| format!("`{}` ({})", f.name, f.about)).collect();
            text.push_str(&format!("## {title}\n\nEach may also have {}.\n", shared.join(" and ")));
            for shape in shapes {
                text.push_str(&format!("\n### `{}`\n\n{}\n\n", shape.name(), shape.about));
                for field in shape.fields {
                    text.push_str(&format!("- `{}`: {}{}\n", field.name, field.about, form_of(field.kind)));
                }
            }
            text.push('\n');
        }
        text.push_str(
            "## Fields of the rules\n\nOf a programme, of an event `rules`, and of `PUT /v1/programmes/{id}`. What a story \
             does not say is as the preset has it.\n",
        );
        let mut section = "";
        for rule in POLICY {
            if rule.section != section {
                section = rule.section;
                text.push_str(&format!("\n### In `{section}`\n\n"));
            }
            text.push_str(&format!("- `{}`: {}. {}\n", rule.name, rule.about, rule.shown().join(", ")));
        }
        text.trim_end().to_owned() + "\n"
    }

    fn form_of(kind: Kind) -> String {
        match kind {
            Kind::Time => " (time)".into(),
            Kind::When => " (time, day or `none`)".into(),
            Kind::Length => " (length of time)".into(),
            Kind::Fen => " (fen)".into(),
            Kind::Rate | Kind::RateOrNone => " (0 to 10000)".into(),
            Kind::Choice(words) | Kind::Codes(words) | Kind::Coded(words) => {
                format!(" ({})", words.join(", "))
            }
            _ => String::new(),
        }
    }

    #[test]
    fn the_manual_lists_every_word() {
        const BEGIN: &str = "<!-- made from the tables of words; the test that compares prints it -->\n\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenarios.md");
        let manual = std::fs::read_to_string(path).unwrap();
        let (before, kept) = manual.split_once(BEGIN).unwrap_or((&manual, ""));
        if kept != reference() {
            let made = std::env::temp_dir().join("scenarios.md");
            std::fs::write(&made, format!("{before}{BEGIN}{}", reference())).unwrap();
            panic!("the manual is not up to date; it should be as {}", made.display());
        }
    }

    #[test]
    fn the_schema_in_the_repository_is_the_language() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/scenario.schema.json");
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        let made = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        assert_eq!(
            kept, made,
            "write it anew: cargo run -- scenario schema > scenarios/scenario.schema.json"
        );
    }

    #[test]
    fn every_word_is_explained_and_unique() {
        for (shapes, common) in [(EVENTS, EVENT_COMMON), (CHECKS, CHECK_COMMON)] {
            let mut names: Vec<&str> = shapes.iter().map(Shape::name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count);
            for shape in shapes {
                let mut fields: Vec<&str> = shape.all(common).map(|field| field.name).collect();
                fields.sort_unstable();
                let count = fields.len();
                fields.dedup();
                assert_eq!(fields.len(), count, "{}", shape.name());
                assert!(shape.all(common).all(|field| !field.about.is_empty()) && !shape.about.is_empty());
            }
        }
    }
}
