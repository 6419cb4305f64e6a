//! Overriding single fields of a policy: a JSON object laid over it.
//!
//! The patch has the policy's own sections and fields. A field's new value replaces the old one whole (two forms of
//! a choice cannot be mixed), except for the small groups that are named in this file, whose fields can be given one by
//! one. Every mistake is reported, with the name of its field, and of a list with the number of its entry.

use super::Policy;
use super::validate::PolicyError;
use serde_json::{Map, Value};

/// One mistake in a patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct PatchError {
    /// The field, such as `attribution.validity`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What can be wrong with a patch and what it makes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyMistake {
    /// A field that is not there, or a value that does not fit.
    #[error(transparent)]
    Field(#[from] PatchError),
    /// Rules that contradict themselves.
    #[error(transparent)]
    Rule(#[from] PolicyError),
}

/// Groups whose fields may be given one by one.
const GROUPS: [(&str, &str); 5] = [
    ("attribution", "identity"),
    ("commission", "classes"),
    ("settlement", "maturity"),
    ("settlement", "funding"),
    ("eligibility", "sourcing"),
];

impl Policy {
    /// This policy with the fields of `patch` laid over it. It may still be invalid as a whole: see
    /// [`validate`](Self::validate).
    ///
    /// # Errors
    /// Every unknown field and every value that does not fit.
    pub fn patched(&self, patch: &Value) -> Result<Self, Vec<PatchError>> {
        let (policy, errors) = self.laid_over(patch)?;
        if errors.is_empty() { Ok(policy) } else { Err(errors) }
    }

    /// This policy with the fields of `patch` laid over it, checked as a whole.
    ///
    /// # Errors
    /// Every mistake: fields that do not fit, and what is wrong with the rest of it.
    pub fn checked(&self, patch: &Value) -> Result<Self, Vec<PolicyMistake>> {
        let fields = |errors: Vec<PatchError>| errors.into_iter().map(PolicyMistake::Field);
        let (policy, errors) = self.laid_over(patch).map_err(|errors| fields(errors).collect::<Vec<_>>())?;
        let rules = policy.validate().err().unwrap_or_default();
        let mistakes: Vec<_> = fields(errors).chain(rules.into_iter().map(PolicyMistake::Rule)).collect();
        if mistakes.is_empty() { Ok(policy) } else { Err(mistakes) }
    }

    /// What of `patch` fits, laid over this policy, and what does not.
    fn laid_over(&self, patch: &Value) -> Result<(Self, Vec<PatchError>), Vec<PatchError>> {
        let mut errors = Vec::new();
        let mut current = match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => return Err(vec![error("policy", "cannot be written as JSON")]),
        };
        let Value::Object(patch) = patch else {
            return Err(vec![error("policy", "a patch is a JSON object")]);
        };
        for (section, value) in patch {
            match (current.get(section).cloned(), value) {
                (None, _) => errors.push(error(section, &no_such("section", &current))),
                (Some(Value::Object(old)), Value::Object(fields)) => {
                    for (name, new) in fields {
                        lay_field(&mut current, section, &old, name, new, &mut errors);
                    }
                }
                (Some(Value::Object(_)), _) => errors.push(error(section, "is an object with fields")),
                (Some(_), new) => try_set(&mut current, (section, None), new, &mut errors),
            }
        }
        let policy = read(&current).map_err(|e| vec![error("policy", &e.to_string())])?;
        Ok((policy, errors))
    }
}

fn lay_field(
    current: &mut Map<String, Value>,
    section: &str,
    old: &Map<String, Value>,
    name: &str,
    new: &Value,
    errors: &mut Vec<PatchError>,
) {
    let Some(before) = old.get(name) else {
        errors.push(error(&format!("{section}.{name}"), &no_such("field", old)));
        return;
    };
    let whole = match (before, new) {
        (Value::Object(before), Value::Object(over)) if GROUPS.contains(&(section, name)) => {
            let mut group = before.clone();
            group.extend(over.clone());
            Value::Object(group)
        }
        _ => new.clone(),
    };
    try_set(current, (section, Some(name)), &whole, errors);
}

/// A section, or a field of one.
type Place<'a> = (&'a str, Option<&'a str>);

/// Sets one place and keeps it only if the policy still reads. Of a list every entry that does not is named.
fn try_set(current: &mut Map<String, Value>, place: Place<'_>, value: &Value, errors: &mut Vec<PatchError>) {
    let whole = match with(current, place, value.clone()) {
        Ok(whole) => {
            *current = whole;
            return;
        }
        Err(whole) => whole,
    };
    let path = [Some(place.0), place.1].into_iter().flatten().collect::<Vec<_>>().join(".");
    let known = errors.len();
    for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
        if let Err(problem) = with(current, place, Value::Array(vec![entry.clone()])) {
            errors.push(error(&format!("{path}[{index}]"), &problem.to_string()));
        }
    }
    if errors.len() == known {
        errors.push(error(&path, &whole.to_string()));
    }
}

/// The policy with another value in one place, if it reads.
fn with(
    current: &Map<String, Value>,
    (section, field): Place<'_>,
    value: Value,
) -> Result<Map<String, Value>, serde_json::Error> {
    let mut changed = current.clone();
    match (field, changed.get_mut(section)) {
        (Some(field), Some(Value::Object(fields))) => fields.insert(field.to_owned(), value),
        _ => changed.insert(section.to_owned(), value),
    };
    read(&changed)?;
    Ok(changed)
}

fn read(fields: &Map<String, Value>) -> Result<Policy, serde_json::Error> {
    serde_json::from_value(Value::Object(fields.clone()))
}

fn no_such(what: &str, known: &Map<String, Value>) -> String {
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    format!("no such {what}; there are {}", names.join(", "))
}

fn error(field: &str, problem: &str) -> PatchError {
    PatchError { field: field.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::attribution::{Rebind, Validity};
    use super::super::commission::DayCount;
    use super::super::{Preset, Scope};
    use crate::time::Span;
    use serde_json::json;

    #[test]
    fn one_field_changes_and_all_others_stay() {
        let base = Preset::Distributor1688.policy();
        let patched = base.patched(&json!({"attribution": {"scope": "shop"}})).unwrap();
        let mut expected = base.clone();
        expected.attribution.scope = Scope::Shop;
        assert_eq!(patched, expected);
        assert_eq!(base.patched(&json!({})), Ok(base));
    }

    #[test]
    fn a_choice_is_replaced_whole_and_a_group_field_by_field() {
        let patched = Preset::Distributor1688
            .policy()
            .patched(&json!({
                "attribution": {"validity": {"from_bind": "30d"}, "identity": {"device_ttl": "30d"}, "rebind": "never"},
                "commission": {"classes": {"count": "whole_days"}},
            }))
            .unwrap();
        assert_eq!(patched.attribution.validity, Validity::FromBind(Span::days(30)));
        assert_eq!(patched.attribution.rebind, Rebind::Never);
        assert_eq!(patched.attribution.identity.device_ttl, Span::days(30));
        assert!(patched.attribution.identity.stop_at_account_switch);
        let classes = patched.commission.classes.unwrap();
        assert_eq!((classes.days, classes.count), (60, DayCount::WholeDays));
        let short = Preset::YouzanPermanent.policy();
        let runs_on = json!({"settlement": {"maturity": {"runs_during_refunds": true}}});
        let maturity = short.patched(&runs_on).unwrap().settlement.maturity;
        assert_eq!(maturity.auto_after_ship, Some(Span::days(7)));
        assert!(maturity.runs_during_refunds);
        let none = patched.patched(&json!({"commission": {"classes": null}})).unwrap();
        assert_eq!(none.commission.classes, None);
    }

    #[test]
    fn every_mistake_is_named() {
        let errors = Preset::TaobaoLive
            .policy()
            .patched(&json!({
                "attribution": {"validty": "permanent", "scope": "galaxy", "protection": "a while"},
                "commission": {
                    "rounding": "up",
                    "split": [{"party": "promoter", "weight": -1}],
                    "rates": [{"bp": 10_001, "effective": {"from": 0}}, {"bp": 5, "effective": {"from": 0}}, {"bp": 5}],
                },
                "bans": [{"category": "cups"}],
                "payments": {},
                "settlement": 5,
            }))
            .unwrap_err();
        let mut fields: Vec<&str> = errors.iter().map(|e| e.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "attribution.protection",
                "attribution.scope",
                "attribution.validty",
                "bans[0]",
                "commission.rates[0]",
                "commission.rates[2]",
                "commission.rounding",
                "commission.split[0]",
                "payments",
                "settlement"
            ]
        );
    }

    #[test]
    fn contradictions_are_named_beside_fields_that_do_not_fit() {
        let patch = json!({
            "attribution": {"validity": {"from_last_click": "0s"}, "scope": "galaxy"},
            "commission": {
                "rates": [{"bp": 10_001, "effective": {"from": 0}}],
                "split": [{"party": "platform", "weight": 1}, {"party": "platform", "weight": 2}, {"party": "promoter", "weight": 7}],
            },
        });
        let mistakes = Preset::TaobaoLive.policy().checked(&patch).unwrap_err();
        let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        let parts = [
            "attribution.scope: unknown variant",
            "commission.rates[0]: 10001 basis points",
            "attribution.validity: must be longer",
            "commission.split: Platform occurs twice",
        ];
        assert_eq!(told.len(), parts.len(), "{told:?}");
        for (told, part) in told.iter().zip(parts) {
            assert!(told.contains(part), "{told}");
        }
        assert!(Preset::TaobaoLive.policy().checked(&json!({})).is_ok());
    }
}
