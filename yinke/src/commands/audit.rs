//! `yinke audit`: do the clicks and the money balance?

use crate::api::CoreApi;
use crate::cli::{CoreArgs, Format, OutputArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Listing, complain, say, yuan};
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Check that every click answered was recorded, shipped, ingested and counted once, and that the books sum to zero
///
/// Ends with exit code 1 and a line that says what is wrong if something does not balance.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    core: CoreArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl AuditArgs {
    /// Asks the core and judges.
    ///
    /// # Errors
    /// If the core cannot be asked.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let api = CoreApi::from_args(&self.core)?;
        let (clicks, ledger) = super::runtime()?
            .block_on(async { tokio::try_join!(api.get("/v1/audit/clicks"), api.get("/v1/audit/ledger")) })?;
        let verdict = judge(&clicks, &ledger);
        let list = listing(&clicks, &ledger);
        match self.output.output {
            Format::Table => say(list.table()),
            format => list.print(
                format,
                &json!({ "clicks": clicks, "ledger": ledger, "balanced": verdict.is_empty() }),
            ),
        }
        for tail in missing_ends(&clicks) {
            complain(&format_args!("note: {tail}"));
        }
        for agency in unnamed_agencies(&ledger) {
            complain(&format_args!("note: {agency}"));
        }
        if verdict.is_empty() {
            if self.output.output == Format::Table {
                say("balanced: recorded = ingested + pending + quarantined + lost, gaps 0; ledger 0.00");
            }
            return Ok(ExitCode::SUCCESS);
        }
        complain(&format_args!("NOT BALANCED: {}", verdict.join("; ")));
        Ok(ExitCode::from(Exit::Runtime as u8))
    }
}

fn number(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_i64).unwrap_or_default()
}

/// What does not balance; nothing if all is well. The sums are made again here: the auditor trusts no flag.
fn judge(clicks: &Value, ledger: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in ["recorded", "ingested", "pending", "quarantined", "gaps"] {
        if clicks.get(name).and_then(Value::as_i64).is_none() {
            wrong.push(format!("the core does not say `{name}`"));
        }
    }
    let n = |name| number(clicks, name);
    let explained = n("ingested") + n("pending") + n("quarantined") + n("lost");
    if n("gaps") != 0 {
        wrong.push(format!("{} clicks that nobody can explain (gaps)", n("gaps")));
    }
    if n("recorded") != explained {
        wrong.push(format!("{} clicks recorded, {explained} accounted for", n("recorded")));
    }
    if n("conflicts") != 0 {
        wrong.push(format!("{} clicks arrived twice with other contents", n("conflicts")));
    }
    match ledger.get("imbalance_fen").and_then(Value::as_i64) {
        Some(0) => {}
        Some(fen) => wrong.push(format!("the ledger is off by {}", yuan(fen))),
        None => wrong.push("the core does not say `imbalance_fen`".to_owned()),
    }
    if ledger.get("balanced").and_then(Value::as_bool) == Some(false) && number(ledger, "imbalance_fen") == 0
    {
        wrong.push(
            "the ledger's balances differ from its entries, or from what is noted of payouts".to_owned(),
        );
    }
    wrong
}

/// Streams of which nobody knows how much is missing: no sum can show that.
fn missing_ends(clicks: &Value) -> Vec<String> {
    let tails = clicks.get("tails").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let unknown = tails.iter().filter(|tail| tail.get("unknown").and_then(Value::as_bool) == Some(true));
    unknown
        .map(|tail| {
            let n = |name| number(tail, name);
            format!(
                "edge {} (start {}, worker {}) lost the end of its journal; {} clicks are known to have been in it",
                n("edge"),
                n("epoch"),
                n("worker"),
                n("clicks")
            )
        })
        .collect()
}

/// Contracts whose agency's share waits for a review, because what is stored of the agency is no id.
fn unnamed_agencies(ledger: &Value) -> Vec<String> {
    let found = ledger.get("unnamed_agencies").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let text = |of: &Value, name| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let told = |of: &Value| {
        format!(
            "the agency of promoter {} is stored as {:?}, which is no id ({}): its orders wait for a review",
            text(of, "promoter"),
            text(of, "agency"),
            text(of, "problem"),
        )
    };
    found.iter().map(told).collect()
}

/// Name of a click figure, its key, and what it means.
const CLICK_LINES: [(&str, &str); 12] = [
    ("answered", "answers released for clicks with a record"),
    ("recorded", "clicks the edges wrote down"),
    ("in_doubt", "of these, whose answer may not have left (a crash)"),
    ("ingested", "+ in the core"),
    ("pending", "+ on their way"),
    ("quarantined", "+ unreadable, set aside"),
    ("lost", "+ named as lost"),
    ("lost_tail", "of the lost, written and gone after a crash (fast mode, power cut)"),
    ("gaps", "what nobody can explain"),
    ("duplicates", "arrived again, counted once (after a crash up to 0.5 s of shipping)"),
    ("conflicts", "arrived again with other contents"),
    ("unjournaled", "answered without a record (disk full)"),
];

fn listing(clicks: &Value, ledger: &Value) -> Listing {
    let mut list = Listing::new(&["what", "figure", "meaning"]);
    let mut row = |what: &str, figure: String, meaning: &str| {
        list.row(vec![what.to_owned(), figure, meaning.to_owned()]);
    };
    for (name, meaning) in CLICK_LINES {
        if clicks.get(name).is_some() {
            row(name, number(clicks, name).to_string(), meaning);
        }
    }
    if let Some(counted) = clicks.get("counted").and_then(Value::as_object) {
        for (outcome, count) in counted {
            row(&format!("counted {outcome}"), count.to_string(), "requests that are only counted");
        }
    }
    for (name, meaning) in [
        ("imbalance_fen", "by which the ledger fails to sum to zero"),
        ("expected_fen", "commission expected"),
        ("settled_fen", "commission settled"),
    ] {
        if ledger.get(name).is_some() {
            row(&format!("ledger {}", name.trim_end_matches("_fen")), yuan(number(ledger, name)), meaning);
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_nobody_knows_is_said() {
        let tail = |unknown| json!({"edge": 7, "epoch": 5, "worker": 1, "clicks": 3, "unknown": unknown});
        let said = missing_ends(&json!({"tails": [tail(false), tail(true)]}));
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("edge 7 (start 5, worker 1)") && said[0].contains("3 clicks"), "{said:?}");
    }

    #[test]
    fn an_agency_that_cannot_be_named_is_said() {
        let ledger =
            json!({"unnamed_agencies": [{"promoter": "a", "agency": "mcn 1", "problem": "a space"}]});
        let said = unnamed_agencies(&ledger);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("promoter a") && said[0].contains("\"mcn 1\""), "{said:?}");
        assert_eq!(unnamed_agencies(&json!({})), Vec::<String>::new());
    }

    #[test]
    fn what_does_not_balance_is_said() {
        let good =
            json!({"recorded": 10, "ingested": 7, "pending": 2, "quarantined": 1, "lost": 0, "gaps": 0});
        let zero = json!({"imbalance_fen": 0, "balanced": true});
        assert_eq!(judge(&good, &zero), Vec::<String>::new());
        let rows = [
            (
                json!({"recorded": 11, "ingested": 7, "pending": 2, "quarantined": 1, "gaps": 0}),
                zero.clone(),
                "11 clicks recorded, 10 accounted",
            ),
            (
                json!({"recorded": 10, "ingested": 7, "pending": 2, "quarantined": 1, "gaps": 3}),
                zero.clone(),
                "3 clicks that nobody",
            ),
            (
                json!({"recorded": 0, "ingested": 0, "pending": 0, "quarantined": 0}),
                zero.clone(),
                "does not say `gaps`",
            ),
            (good.clone(), json!({"imbalance_fen": -5}), "off by -¥0.05"),
            (good.clone(), json!({}), "does not say `imbalance_fen`"),
            (good.clone(), json!({"imbalance_fen": 0, "balanced": false}), "differ from its entries"),
        ];
        for (clicks, ledger, expected) in rows {
            let wrong = judge(&clicks, &ledger).join("; ");
            assert!(wrong.contains(expected), "{expected}: {wrong}");
        }
    }
}
