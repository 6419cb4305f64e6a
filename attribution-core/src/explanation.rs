//! A decision in words, Chinese and English. It adds nothing: all it says is in the [`Attribution`].

use crate::attribute::Attribution;
use serde::{Deserialize, Serialize};

/// The language of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// 中文.
    Zh,
    /// English.
    En,
}

/// A decision told to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The whole in one sentence.
    pub sentence: String,
    /// How it came about, in the order of the decision; then each click with what became of it.
    pub steps: Vec<String>,
}

/// Tells a decision.
pub fn explain(attribution: &Attribution, language: Language) -> Explanation {
    let sentence = match (attribution.award(), language) {
        (Some(award), Language::Zh) => format!("佣金 {} 元。", award.amounts.gross),
        (Some(award), Language::En) => format!("A commission of ¥{}.", award.amounts.gross),
        (None, Language::Zh) => "没有佣金。".to_owned(),
        (None, Language::En) => "No commission.".to_owned(),
    };
    Explanation { sentence, steps: Vec::new() }
}
