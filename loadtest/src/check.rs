//! The comparison: every answered click is in the core exactly once, as it was answered, and none is invented.
//!
//! A request is found again by its label, which the edge records as the sub-id; so clicks without a token (bots,
//! previews, dead links) are compared one by one as well.

use crate::core_client::CoreClick;
use crate::mix::Kind;
use crate::oracle::Entry;
use attribution_core::ids::VisitorId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// Outcomes for which the edge writes no record.
const ONLY_COUNTED: [&str; 4] = ["refused", "rate_limited", "not_found", "overloaded"];
/// So many examples of each fault are named.
const EXAMPLES: usize = 5;

/// A kind of fault: how often, and a few of the labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// How often.
    pub count: u64,
    /// Some of them, in words.
    pub examples: Vec<String>,
}

impl Fault {
    fn note(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

/// What the comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Requests that were answered and whose outcome has a record.
    pub answered: u64,
    /// Of these, found in the core exactly once and alike.
    pub confirmed: u64,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Of these, found in the core: recorded, but the answer did not arrive.
    pub in_doubt: u64,
    /// Clicks of the core that belong to no run of this oracle.
    pub others: u64,
    /// Answered, but not in the core.
    pub lost: Fault,
    /// In the core more than once.
    pub twice: Fault,
    /// In the core under a label that was never sent, or for an answer that has no record.
    pub invented: Fault,
    /// In the core with another code, outcome, visitor or click than was answered.
    pub differing: Fault,
    /// By outcome: answered, and in the core.
    pub by_outcome: BTreeMap<String, (u64, u64)>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub const fn holds(&self) -> bool {
        self.lost.count == 0 && self.twice.count == 0 && self.invented.count == 0 && self.differing.count == 0
    }
}

/// Compares the oracle's entries with the core's clicks.
pub fn compare(entries: &[Entry], clicks: &[CoreClick]) -> Verdict {
    let runs: HashSet<&str> = entries.iter().filter_map(|entry| run_of(&entry.label)).collect();
    let by_label: HashMap<&str, &Entry> = entries.iter().map(|entry| (entry.label.as_str(), entry)).collect();
    let mut verdict = Verdict::default();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut ids: HashSet<&str> = HashSet::new();
    for click in clicks {
        if !ids.insert(&click.click_id) {
            verdict.twice.note(|| format!("click {}", click.click_id));
        }
        let label = click.sub_id.as_deref().unwrap_or_default();
        if !run_of(label).is_some_and(|run| runs.contains(run)) {
            verdict.others += 1;
            continue;
        }
        let Some(entry) = by_label.get(label) else {
            verdict.invented.note(|| format!("{label}: never sent"));
            continue;
        };
        if !seen.insert(label) {
            verdict.twice.note(|| label.to_owned());
            continue;
        }
        verdict.by_outcome.entry(click.outcome.clone()).or_default().1 += 1;
        if entry.status.is_none() {
            verdict.in_doubt += 1;
        } else if !has_record(entry) {
            verdict.invented.note(|| format!("{label}: answered {:?}", entry.outcome));
        } else if let Some(difference) = difference(entry, click) {
            verdict.differing.note(|| format!("{label}: {difference}"));
        } else {
            verdict.confirmed += 1;
            verdict.by_outcome.entry(click.outcome.clone()).or_default().0 += 1;
        }
    }
    for entry in entries {
        if entry.status.is_none() {
            verdict.unanswered += 1;
        } else if has_record(entry) {
            verdict.answered += 1;
            if !seen.contains(entry.label.as_str()) {
                verdict.lost.note(|| format!("{} ({} {})", entry.label, entry.kind.name(), entry.code));
            }
        }
    }
    verdict
}

/// The run that a label belongs to.
fn run_of(label: &str) -> Option<&str> {
    let (run, number) = label.split_once('-')?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(run)
}

fn has_record(entry: &Entry) -> bool {
    entry.outcome.as_deref().is_none_or(|outcome| !ONLY_COUNTED.contains(&outcome))
}

fn difference(entry: &Entry, click: &CoreClick) -> Option<String> {
    if click.code != entry.code {
        return Some(format!("code {} instead of {}", click.code, entry.code));
    }
    let expected = expected_outcomes(entry);
    if !expected.contains(&click.outcome.as_str()) {
        return Some(format!("outcome {} instead of {}", click.outcome, expected.join(" or ")));
    }
    let answered = entry.click.map(attribution_core::click::ClickId::to_hex);
    if answered.as_ref().is_some_and(|answered| *answered != click.click_id) {
        return Some(format!("click {} instead of {}", click.click_id, answered.unwrap_or_default()));
    }
    let visitor = entry.visitor.filter(|visitor| visitor.is_some()).map(VisitorId::to_hex);
    if visitor.is_some() && click.visitor != visitor {
        return Some(format!("visitor {:?} instead of {visitor:?}", click.visitor));
    }
    None
}

/// What the answer allows: it names the outcome, has a token, or leaves a few.
fn expected_outcomes(entry: &Entry) -> Vec<&str> {
    if let Some(outcome) = &entry.outcome {
        return vec![outcome];
    }
    match (entry.click, entry.kind) {
        (Some(_), _) => vec!["attributed"],
        (None, Kind::Head) => vec!["head"],
        (None, Kind::Preview) => vec!["preview"],
        (None, Kind::Embed) => vec!["not_navigation"],
        (None, Kind::Bot) => vec!["bot"],
        // A dead link whose programme names a fallback redirects there.
        (None, Kind::Withdrawn) => vec!["promotion_cancelled", "product_delisted", "link_expired"],
        (None, _) => vec!["promoter_disabled", "untracked"],
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "answered with a record {}, confirmed in the core {}; unanswered {}, of these recorded {}; other clicks {}",
            self.answered, self.confirmed, self.unanswered, self.in_doubt, self.others
        )?;
        for (outcome, (answered, core)) in &self.by_outcome {
            writeln!(f, "{outcome}: confirmed {answered}, in the core {core}")?;
        }
        let faults = [
            ("lost", &self.lost),
            ("counted twice", &self.twice),
            ("invented", &self.invented),
            ("differing", &self.differing),
        ];
        for (name, fault) in faults {
            writeln!(f, "{name}: {}", fault.count)?;
            for example in &fault.examples {
                writeln!(f, "  {example}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::click::ClickId;

    fn tap(number: u8) -> Entry {
        Entry {
            label: format!("run-{number}"),
            kind: Kind::Tap,
            code: "abcdefghi".to_owned(),
            status: Some(302),
            outcome: None,
            visitor: Some(VisitorId([number; 16])),
            click: Some(ClickId([number; 16])),
        }
    }

    fn in_core(entry: &Entry, outcome: &str) -> CoreClick {
        CoreClick {
            click_id: entry.click.map_or_else(|| format!("id of {}", entry.label), ClickId::to_hex),
            code: entry.code.clone(),
            outcome: outcome.to_owned(),
            visitor: entry.visitor.map(VisitorId::to_hex),
            sub_id: Some(entry.label.clone()),
        }
    }

    #[test]
    fn what_was_answered_and_recorded_once_is_confirmed() {
        let bot = Entry { kind: Kind::Bot, click: None, visitor: None, ..tap(2) };
        let missing = Entry { status: Some(404), outcome: Some("not_found".to_owned()), ..bot.clone() };
        let missing = Entry { label: "run-3".to_owned(), ..missing };
        let doubtful = Entry { label: "run-4".to_owned(), status: None, ..bot.clone() };
        let clicks = [in_core(&tap(1), "attributed"), in_core(&bot, "bot"), in_core(&doubtful, "bot")];
        let verdict = compare(&[tap(1), bot, missing, doubtful], &clicks);
        assert!(verdict.holds(), "{verdict}");
        assert_eq!((verdict.answered, verdict.confirmed), (2, 2));
        assert_eq!((verdict.unanswered, verdict.in_doubt), (1, 1));
    }

    #[test]
    fn a_lost_click_is_named() {
        let verdict = compare(&[tap(1), tap(2)], &[in_core(&tap(1), "attributed")]);
        assert!(!verdict.holds());
        assert_eq!(verdict.lost.count, 1);
        assert!(verdict.lost.examples[0].contains("run-2"), "{verdict}");
    }

    #[test]
    fn a_click_counted_twice_is_named_whether_by_id_or_by_label() {
        let click = in_core(&tap(1), "attributed");
        let other_id = CoreClick { click_id: "other".to_owned(), ..click.clone() };
        assert_eq!(compare(&[tap(1)], &[click.clone(), other_id]).twice.count, 1);
        assert!(compare(&[tap(1)], &[click.clone(), click]).twice.count >= 1);
    }

    #[test]
    fn an_invented_click_is_named_and_a_stranger_is_not() {
        let invented = in_core(&tap(9), "attributed");
        let stranger =
            CoreClick { sub_id: Some("room-12".to_owned()), click_id: "s".to_owned(), ..invented.clone() };
        let verdict = compare(&[tap(1)], &[in_core(&tap(1), "attributed"), invented, stranger]);
        assert_eq!((verdict.invented.count, verdict.others), (1, 1));
    }

    #[test]
    fn every_difference_is_a_fault() {
        let good = in_core(&tap(1), "attributed");
        let bad = [
            CoreClick { code: "ihgfedcba".to_owned(), ..good.clone() },
            CoreClick { outcome: "bot".to_owned(), ..good.clone() },
            CoreClick { click_id: "another".to_owned(), ..good.clone() },
            CoreClick { visitor: None, ..good.clone() },
        ];
        for click in bad {
            assert_eq!(compare(&[tap(1)], std::slice::from_ref(&click)).differing.count, 1, "{click:?}");
        }
    }
}
