//! What the API refuses, in the person's words.
//!
//! English is the API's own words made a sentence, unless a friendlier one stands under the problem's stable code. Chinese has a sentence
//! for every code, and for every detail that a form can bring about: a detail's pattern has `{}` where it names a value,
//! and its words have `{1}`, `{2}` there. Facts of the problem are named: `{available_fen}`.

use crate::form::Mistake;
use crate::lang::Lang;
use crate::show::yuan;
use crate::texts::Texts;
use serde_json::{Map, Value};
use settlement_core::api::ProblemBody;

/// In front of what serde says of a body.
const BODY: &str = "the body does not fit: ";

/// The mistake that a problem tells of.
pub(crate) fn mistake(t: &Texts, lang: Lang, problem: &ProblemBody) -> Mistake {
    told(t, lang, &problem.code, &problem.detail, &problem.facts)
}

/// Everything that a problem tells of: all that is wrong with the fields, or the one mistake that it is.
pub(crate) fn mistakes(t: &Texts, lang: Lang, problem: &ProblemBody) -> Vec<Mistake> {
    let errors = problem.facts.get("errors").and_then(Value::as_array).into_iter().flatten();
    let field = |error: &Value| {
        // What is wrong with an entry of a list names a field of that entry; a path such as `rates[0].shop` says all.
        let of_entry = |facts: &Map<String, Value>| {
            let path = facts.get("field").and_then(Value::as_str);
            facts.contains_key("index") && !path.is_some_and(|path| path.contains('['))
        };
        let facts = error.as_object().filter(|facts| !of_entry(facts))?;
        Some(told(t, lang, error["code"].as_str()?, error["detail"].as_str()?, facts))
    };
    let all: Vec<Mistake> = errors.filter_map(field).collect();
    if all.is_empty() { vec![mistake(t, lang, problem)] } else { all }
}

/// What is wrong with the entries of a list of which nothing was taken, each with its index; nothing, if it is the list as a
/// whole.
pub(crate) fn of_entries(t: &Texts, lang: Lang, problem: &ProblemBody) -> Vec<(usize, Mistake)> {
    let errors = problem.facts.get("errors").and_then(Value::as_array).into_iter().flatten();
    let entry = |error: &Value| {
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        let index = usize::try_from(error["index"].as_u64()?).ok()?;
        Some((index, told(t, lang, text("code"), text("detail"), error.as_object()?)))
    };
    errors.filter_map(entry).collect()
}

/// The same, of a list that was typed into `field`: each mistake behind the name of its entry.
pub(crate) fn of_typed(
    t: &Texts,
    lang: Lang,
    problem: &ProblemBody,
    field: &str,
    names: &[&str],
) -> Vec<Mistake> {
    let colon = &t.common.colon;
    let named = |(index, mistake): (usize, Mistake)| Mistake {
        field: Some(field.to_owned()),
        words: format!("{}{colon}{}", names.get(index).copied().unwrap_or_default(), mistake.words),
    };
    of_entries(t, lang, problem).into_iter().map(named).collect()
}

/// What is wrong, and where, by the code, the sentence and the facts of a refusal.
fn told(t: &Texts, lang: Lang, code: &str, detail: &str, facts: &Map<String, Value>) -> Mistake {
    let field = facts.get("field").and_then(Value::as_str);
    // What a form makes is named in the path of its request, by the field for its id.
    let field = field.or((code == "invalid_path").then_some("id")).map(str::to_owned);
    let detail = detail.strip_prefix(BODY).unwrap_or(detail);
    // The sentence of a wrong field begins with its name, which the person sees as the label.
    let detail = match &field {
        Some(name) => detail.strip_prefix(&format!("{name}: ")).unwrap_or(detail),
        None => detail,
    };
    Mistake { words: words(t, lang, code, detail, facts), field }
}

/// One of the mistakes in a policy, which the API tells as `FIELD: SENTENCE`.
pub(crate) fn policy_mistake(t: &Texts, lang: Lang, told: &str) -> String {
    let Some((field, detail)) = told.split_once(": ") else {
        return words(t, lang, "invalid_policy", told, &Map::new());
    };
    let words = words(t, lang, "invalid_policy", detail, &Map::new());
    let colon = &t.common.colon;
    format!("{field}{colon}{words}")
}

/// A sentence of the API's that is no refusal: why a person must look at something.
pub(crate) fn sentence(t: &Texts, detail: &str) -> String {
    // In front of what is wrong with a notification stands where in it, as a JSON pointer.
    match detail.split_once(": ").filter(|(place, _)| place.starts_with('/')) {
        Some((place, wrong)) => format!("{place}{}{}", t.common.colon, sentence(t, wrong)),
        None => translated(t, detail).unwrap_or_else(|| whole(detail)),
    }
}

/// What is wrong, by the code and the sentence of a refusal.
pub(crate) fn words(t: &Texts, lang: Lang, code: &str, detail: &str, facts: &Map<String, Value>) -> String {
    // Where in the JSON it was says nothing to whoever filled in a form.
    let detail = detail.split_once(" at line ").map_or(detail, |(sentence, _)| sentence);
    let of_code = || t.problem.get(code).map(|words| with_facts(words, facts));
    // What is not there or not allowed, and where a statement cannot be read, is named in the detail alone.
    let known = if matches!(code, "not_found" | "forbidden" | "statement_unreadable") {
        translated(t, detail).or_else(of_code)
    } else {
        of_code().or_else(|| translated(t, detail))
    };
    if let Some(words) = known {
        return words;
    }
    match lang {
        Lang::En => whole(detail),
        Lang::Zh => t.failure.wrong_detail.replace("{detail}", detail),
    }
}

/// The words under the pattern that fits, the one that says most if several do.
fn translated(t: &Texts, detail: &str) -> Option<String> {
    let said = |pattern: &str| pattern.len() - 2 * pattern.matches("{}").count();
    let fitting =
        t.detail.iter().filter_map(|(pattern, words)| Some((pattern, words, values(pattern, detail)?)));
    let (_, words, values) = fitting.max_by_key(|(pattern, ..)| said(pattern))?;
    let numbered = values.iter().enumerate();
    Some(numbered.fold(words.clone(), |words, (at, value)| words.replace(&format!("{{{}}}", at + 1), value)))
}

/// What stands in a sentence where its pattern has `{}`; none if it is not such a sentence.
fn values<'d>(pattern: &str, detail: &'d str) -> Option<Vec<&'d str>> {
    let mut parts = pattern.split("{}");
    let mut rest = detail.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // The last one reaches to the end: what it stands for may hold the same words.
        let at = if parts.peek().is_none() { rest.len().checked_sub(part.len())? } else { rest.find(part)? };
        let (value, from) = rest.split_at_checked(at)?;
        rest = from.strip_prefix(part)?;
        values.push(value);
    }
    rest.is_empty().then_some(values)
}

/// A text with the facts that it names; amounts as yuan.
fn with_facts(words: &str, facts: &Map<String, Value>) -> String {
    facts.iter().fold(words.to_owned(), |words, (name, value)| {
        let hole = format!("{{{name}}}");
        match (value.as_i64(), value.as_str()) {
            (Some(fen), _) if name.ends_with("_fen") => words.replace(&hole, &yuan(fen)),
            (Some(number), _) => words.replace(&hole, &number.to_string()),
            (None, Some(text)) => words.replace(&hole, text),
            (None, None) => words,
        }
    })
}

/// What the API says of a field begins with a verb, as the field's name stands in front of it there; beside the field it is
/// a sentence of its own.
fn whole(detail: &str) -> String {
    const VERBS: [&str; 10] =
        ["must", "may", "is", "has", "stands", "begins", "ends", "holds", "occurs", "overlaps"];
    let verb = detail.split(' ').next().is_some_and(|first| VERBS.contains(&first));
    let sentence = if verb { format!("this {detail}") } else { detail.to_owned() };
    let mut rest = sentence.chars();
    let capital = rest.next().map(char::to_uppercase).into_iter().flatten();
    let end = if sentence.is_empty() || sentence.ends_with(['.', '!', '?']) { "" } else { "." };
    capital.chain(rest).chain(end.chars()).collect()
}

#[cfg(test)]
mod tests;
