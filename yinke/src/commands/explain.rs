//! `yinke explain ORDER`: whose order it is, and why.

use super::listing::{address, text};
use crate::api::CoreApi;
use crate::cli::{CoreArgs, Format, OutputArgs};
use crate::exit::Failure;
use crate::output::{Listing, say, yuan};
use attribution_core::time::Instant;
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::process::ExitCode;

/// Say whose order it is, how much they earn, and why everybody else does not
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke explain DEMO-1001 --lang zh")]
pub(crate) struct ExplainArgs {
    /// The order's number
    #[arg(env = "YINKE_ORDER")]
    order: String,
    /// The platform that numbers it, where two have an order of this number
    #[arg(long, env = "YINKE_PLATFORM", value_name = "ID")]
    platform: Option<String>,
    /// Language of the steps; the result is always said in both [default: by LANG]
    #[arg(long, env = "YINKE_LANG", value_enum)]
    lang: Option<Lang>,
    #[command(flatten)]
    core: CoreArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

impl ExplainArgs {
    /// Asks the core and prints.
    ///
    /// # Errors
    /// If there is no such order, or the core cannot be asked.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let api = CoreApi::from_args(&self.core)?;
        let path =
            address(&["orders", &self.order, "attribution"], &[("platform", self.platform.as_deref())]);
        let order = super::runtime()?.block_on(api.get(&path))?;
        match self.output.output {
            Format::Table => say(tell(&order, self.lang.unwrap_or_else(Lang::of_the_terminal))),
            format => listing(&order).print(format, &order),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Lang {
    fn of_the_terminal() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG")).unwrap_or_default();
        if locale.starts_with("zh") { Self::Zh } else { Self::En }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
}

fn fen(value: &Value, name: &str) -> String {
    yuan(value.get(name).and_then(Value::as_i64).unwrap_or_default())
}

fn lines(order: &Value) -> &[Value] {
    order.get("lines").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The decision in words, in one language.
fn words(line: &Value, lang: Lang) -> &Value {
    &line["decision"]["explanation"][lang.key()]
}

/// The order as a text for people.
fn tell(order: &Value, lang: Lang) -> String {
    let created = order
        .get("created_at")
        .and_then(Value::as_i64)
        .map_or_else(String::new, |ms| Instant(ms).to_string());
    let mut out = vec![format!(
        "Order {} ({}) at {}, buyer {}, created {created}",
        text(order, "order"),
        text(order, "platform"),
        text(order, "merchant"),
        text(order, "buyer")
    )];
    for line in lines(order) {
        let refunded = match line.get("refunded_fen").and_then(Value::as_i64) {
            Some(fen) if fen != 0 => format!(", {} refunded", yuan(fen)),
            _ => String::new(),
        };
        out.push(format!(
            "\nLine {}: {} x {}, {}{refunded}",
            text(line, "line"),
            text(line, "product"),
            line.get("quantity").and_then(Value::as_u64).unwrap_or(1),
            fen(line, "amount_fen")
        ));
        out.push(format!("  {}", standing(line)));
        for lang in [Lang::Zh, Lang::En] {
            let sentence = text(words(line, lang), "sentence");
            if !sentence.is_empty() {
                out.push(format!("  {sentence}"));
            }
        }
        let steps = words(line, lang).get("steps").and_then(Value::as_array);
        let bill = line["bill"][lang.key()].as_array();
        for (number, step) in (1..).zip(steps.into_iter().chain(bill).flatten()) {
            out.push(format!("    {number}. {}", step.as_str().unwrap_or_default()));
        }
        for before in line.get("superseded").and_then(Value::as_array).into_iter().flatten() {
            out.push(format!("  superseded: {}", text(before, lang.key())));
        }
    }
    for review in order.get("reviews").and_then(Value::as_array).into_iter().flatten() {
        out.push(format!("\nFor review: {} ({})", text(review, "detail"), text(review, "reason")));
    }
    out.join("\n")
}

/// How a line stands, in one line.
fn standing(line: &Value) -> String {
    let owner = match text(line, "promoter") {
        "" => "nobody's".to_owned(),
        promoter => format!(
            "{promoter}'s by {} version {}",
            text(line, "programme"),
            line.get("programme_version").and_then(Value::as_u64).unwrap_or_default()
        ),
    };
    let provisional = if line["provisional"] == true { ", provisional" } else { "" };
    let review = if line["review"] == true { ", waits for a review" } else { "" };
    format!(
        "{} commission, {owner}; {}{provisional}{review}",
        fen(line, "commission_fen"),
        text(line, "state")
    )
}

fn listing(order: &Value) -> Listing {
    let mut list = Listing::new(&[
        "order",
        "line",
        "product",
        "amount_fen",
        "state",
        "promoter",
        "programme",
        "base_fen",
        "commission_fen",
        "promoter_fen",
        "provisional",
        "zh",
        "en",
    ]);
    for line in lines(order) {
        let number = |name: &str| line.get(name).and_then(Value::as_i64).unwrap_or_default().to_string();
        list.row(vec![
            text(order, "order").to_owned(),
            text(line, "line").to_owned(),
            text(line, "product").to_owned(),
            number("amount_fen"),
            text(line, "state").to_owned(),
            text(line, "promoter").to_owned(),
            text(line, "programme").to_owned(),
            number("base_fen"),
            number("commission_fen"),
            number("promoter_fen"),
            (line["provisional"] == true).to_string(),
            text(words(line, Lang::Zh), "sentence").to_owned(),
            text(words(line, Lang::En), "sentence").to_owned(),
        ]);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_order_is_told_line_by_line() {
        let order = json!({
            "platform": "1688", "order": "o-1", "merchant": "m", "buyer": "u", "created_at": 1_794_398_400_000i64,
            "lines": [{
                "line": "1", "product": "cup", "quantity": 2, "amount_fen": 10_000, "refunded_fen": 500, "state": "expected",
                "promoter": "a", "programme": "p", "programme_version": 3, "commission_fen": 950, "provisional": true,
                "review": false, "superseded": [{"zh": "旧", "en": "old"}],
                "decision": {"explanation": {
                    "zh": {"sentence": "归 a。", "steps": ["一"]}, "en": {"sentence": "It is a's.", "steps": ["One."]}}},
                "bill": {"zh": ["二"], "en": ["Two."]},
            }],
            "reviews": [{"detail": "look", "reason": "unjournaled"}],
        });
        insta::assert_snapshot!(tell(&order, Lang::En), @"
        Order o-1 (1688) at m, buyer u, created 2026-11-11 20:00:00

        Line 1: cup x 2, ¥100.00, ¥5.00 refunded
          ¥9.50 commission, a's by p version 3; expected, provisional
          归 a。
          It is a's.
            1. One.
            2. Two.
          superseded: old

        For review: look (unjournaled)
        ");
        assert!(
            listing(&order).csv().contains("o-1,1,cup,10000,expected,a,p,0,950,0,true,归 a。,It is a's.")
        );
    }
}
