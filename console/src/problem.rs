//! What the API refuses, in the person's words: by the problem's stable code, or by its sentence.

use crate::form::Mistake;
use crate::lang::Lang;
use crate::texts::Texts;
use settlement_core::api::ProblemBody;

/// The mistake that a problem tells of.
pub(crate) fn mistake(t: &Texts, lang: Lang, problem: &ProblemBody) -> Mistake {
    let field = problem.facts.get("field").and_then(|field| field.as_str()).map(str::to_owned);
    // The sentence of a wrong field begins with its name, which the person sees as the label.
    let detail = match &field {
        Some(name) => problem.detail.strip_prefix(&format!("{name}: ")).unwrap_or(&problem.detail),
        None => &problem.detail,
    };
    let words = t.problem.get(&problem.code).or_else(|| t.detail.get(detail)).cloned();
    let words = words.unwrap_or_else(|| match lang {
        Lang::En => capital(detail),
        Lang::Zh => t.failure.wrong_detail.replace("{detail}", detail),
    });
    Mistake { field, words }
}

fn capital(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: &str, detail: &str) -> ProblemBody {
        serde_json::from_value(serde_json::json!({
            "type": "", "title": "", "status": 422, "code": code, "detail": detail, "field": "name"
        }))
        .unwrap()
    }

    #[test]
    fn a_problem_is_told_in_the_persons_language() {
        let rows = [
            (Lang::Zh, problem("alias_taken", "x"), "这个别名已被占用,请换一个。"),
            (Lang::Zh, problem("invalid", "name: must not be empty"), "请填写这一项。"),
            (Lang::Zh, problem("invalid", "name: is odd"), "这一项不正确(is odd)。"),
            (Lang::En, problem("invalid", "name: is odd"), "Is odd"),
        ];
        for (lang, problem, words) in rows {
            let got = mistake(&Texts::load(lang).unwrap(), lang, &problem);
            assert_eq!((got.field.as_deref(), got.words.as_str()), (Some("name"), words));
        }
    }
}
