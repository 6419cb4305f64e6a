//! Overriding single fields of a policy: a JSON object laid over it.
//!
//! The patch has the policy's own sections and fields. A field's new value replaces the old one whole (two forms of
//! a choice cannot be mixed), except for the small groups that are named in this file, whose fields can be given one by
//! one. Every mistake is reported, with the name of its field, and of a list with the number of its entry.

use super::Policy;
use super::validate::PolicyError;
use serde::Deserialize as _;
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

/// Groups whose fields may be given one by one, as those of a section.
const GROUPS: [&[&str]; 5] = [
    &["attribution", "identity"],
    &["commission", "classes"],
    &["settlement", "maturity"],
    &["settlement", "funding"],
    &["eligibility", "sourcing"],
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
        let Value::Object(sections) = patch else {
            return Err(vec![error("policy", "a patch is a JSON object")]);
        };
        let written =
            serde_json::to_value(self).map_err(|_| vec![error("policy", "cannot be written as JSON")])?;
        let mut laid = Laid { policy: written, errors: Vec::new() };
        for (section, new) in sections {
            laid.lay(&[section], new);
        }
        let policy =
            serde_json::from_value(laid.policy).map_err(|e| vec![error("policy", &e.to_string())])?;
        Ok((policy, laid.errors))
    }
}

/// A policy as JSON, over which a patch is laid; it reads as a policy at any time.
struct Laid {
    policy: Value,
    errors: Vec<PatchError>,
}

impl Laid {
    /// Lays a value over the place at `path`: a section's and a group's field by field, any other as a whole.
    fn lay(&mut self, path: &[&str], new: &Value) {
        let Some(old) = place(&mut self.policy, path) else {
            let (_, above) = path.split_last().unwrap_or((&"", &[]));
            let what = if above.is_empty() { "section" } else { "field" };
            let known = place(&mut self.policy, above).and_then(|above| above.as_object());
            let known: Vec<&str> = known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
            let problem = format!("no such {what}; there are {}", known.join(", "));
            return self.errors.push(error(&path.join("."), &problem));
        };
        let has_fields = old.is_object() && (path.len() == 1 || GROUPS.contains(&path));
        match new {
            Value::Object(fields) if has_fields => {
                for (name, new) in fields {
                    self.lay(&[path, &[name]].concat(), new);
                }
            }
            // What a programme may be without is taken away by a null.
            Value::Null => self.set(path, new),
            _ if has_fields => self.errors.push(error(&path.join("."), "is an object with fields")),
            _ => self.set(path, new),
        }
    }

    /// Sets one place, if the policy still reads. Of a list every entry that does not is named.
    fn set(&mut self, path: &[&str], value: &Value) {
        let whole = match self.with(path, value.clone()) {
            Ok(changed) => {
                self.policy = changed;
                return;
            }
            Err(whole) => whole,
        };
        let path_told = path.join(".");
        let known = self.errors.len();
        for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
            if let Err(problem) = self.with(path, Value::Array(vec![entry.clone()])) {
                self.errors.push(error(&format!("{path_told}[{index}]"), &problem.to_string()));
            }
        }
        if self.errors.len() == known {
            self.errors.push(error(&path_told, &whole.to_string()));
        }
    }

    /// The policy with another value in one place, if it reads.
    fn with(&self, path: &[&str], value: Value) -> Result<Value, serde_json::Error> {
        let mut changed = self.policy.clone();
        if let Some(place) = place(&mut changed, path) {
            *place = value;
        }
        Policy::deserialize(&changed)?;
        Ok(changed)
    }
}

/// What stands at `path`.
fn place<'v>(policy: &'v mut Value, path: &[&str]) -> Option<&'v mut Value> {
    path.iter().try_fold(policy, |value, name| value.get_mut(*name))
}

fn error(field: &str, problem: &str) -> PatchError {
    PatchError { field: field.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests;
