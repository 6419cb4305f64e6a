//! Files with mistakes say what is wrong with them, stories what is not as expected. Whether the repository's own stories hold
//! is a suite of its own, `cargo xtask test scenarios`.

use crate::support::{code, run, stderr, stdout};
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");

/// Runs a scenario of this text; exit code, standard output, standard error.
fn told(text: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("story.yaml");
    std::fs::write(&file, text).unwrap();
    let output = run(&["scenario", "run", file.to_str().unwrap()]);
    (code(&output), stdout(&output), stderr(&output))
}

#[test]
fn every_file_is_named_after_its_id() {
    fn look(folder: &Path) -> usize {
        let mut files = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files += look(&path);
            } else if path.extension().is_some_and(|kind| kind == "yaml") {
                let text = std::fs::read_to_string(&path).unwrap();
                let id = text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap_or_default();
                assert_eq!(path.file_stem().unwrap().to_str(), Some(id));
                files += 1;
            }
        }
        files
    }
    assert!(look(Path::new(FOLDER)) > 40);
}

const STORY: &str = "id: X\ntitle: x\nsource: x\nprogramme: {preset: distributor1688, rate: 500}\nevents:\n";

#[test]
fn what_is_not_as_expected_is_shown_with_its_place_and_the_explanation() {
    let (code, out, _) = told(&format!(
        "{STORY}  - 2020-06-01 10:00:00: {{click: a, by: U}}\n  - 2020-06-01 11:00:00: {{buy: o1, by: U}}\n\
         expect:\n  - {{order: o1, winner: b, commission: 500}}\n"
    ));
    assert_eq!(code, 1);
    for part in ["story.yaml:9:25: order o1: winner: expected b, got a", "订单 o1", "Order o1 line 1"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains("commission: expected"), "{out}");
}

#[test]
fn every_mistake_in_a_file_is_named_with_line_and_column() {
    let rows = [
        ("  - 2020-06-01 10:00:00: {clik: a}\n", "6:27: no event `clik`; did you mean `click`?"),
        ("  - yesterday: {click: a}\n", "6:5: expected a time such as 2020-05-04 16:55:35"),
        ("  - 2020-06-01 10:00:00: {click: z}\n", "6:34: `click`: no promoter or shared link `z`"),
        ("  - 2020-06-01 10:00:00: {click: a/cups}\n", "no product or shop `cups`; did you mean `cup`?"),
        (
            "  - 2020-06-01 10:00:00: {buy: o1, amuont: 5}\n",
            "6:36: no field in `buy` `amuont`; did you mean `amount`?",
        ),
        (
            "  - 2020-06-01 10:00:00: {buy: o1, amount: 1.5}\n",
            "`amount`: expected fen, a whole number, not `1.5`",
        ),
        ("  - 2020-06-01 10:00:00: {pay: o1}\n", "`pay`: no order `o1`"),
        ("  - 2020-06-01 10:00:00: {buy: o1, method: cash}\n", "`method`: no value `cash`"),
        (
            "  - 2020-06-01 10:00:00: {wait: x}\nexpct: []\n",
            "7:1: no key of a scenario `expct`; did you mean `expect`?",
        ),
        ("  - 2020-06-01 10:00:00: {wait: x}\nexpect: {order: o9}\n", "`order`: no order `o9`"),
        (
            "  - 2020-06-01 10:00:00: {buy: o1}\nexpect: {order: o1, reason: no_clicks}\n",
            "7:29: `reason`: no value `no_clicks`; did you mean `no_click`?",
        ),
        (
            "  - 2020-06-01 10:00:00: {buy: o1}\nexpect: {order: o1, losers: {a: replcaed}}\n",
            "7:29: `losers`: no value `replcaed`; did you mean `replaced`?",
        ),
        (
            "  - 2020-06-01 10:00:00: {buy: o1}\nexpect: {reviews: [unknown_line, unknown_lines]}\n",
            "7:19: `reviews`: no value `unknown_lines`; did you mean `unknown_line`?",
        ),
        (
            "  - 2020-06-01 10:00:00: {click: a, outcome: expired}\n",
            "6:46: `outcome`: no value `expired`; there are refused,",
        ),
        ("  - 2020-06-01 10:00:00: {click: a\n", "not YAML"),
        ("  []\n", "a scenario has at least one event"),
        ("  - 2020-06-01 10:00:60: {wait: x}\n", "6:5: expected a time such as 2020-05-04 16:55:35"),
        ("  - 2020-06-01T10:00:00: {wait: x}\n", "6:5: expected a time such as 2020-05-04 16:55:35"),
        ("  - 2020-06-01 10:00:00: {wait: x}\n", "1:1: nothing is expected: a story has an `expect`"),
        (
            "  - 2020-06-01 10:00:00: {buy: o1}\nexpect: {order: o1, note: x}\n",
            "7:9: `order` expects nothing; it may have winner,",
        ),
        (
            "  - 2020-06-01 10:00:00: {buy: o1}\nexpect: {order: o1/3, winner: none}\n",
            "7:17: `order`: no line of order `o1` `3`",
        ),
        (
            "  - 2020-06-01 10:00:00: {buy: o1, lines: [{product: cup}, {line: z, product: tea}]}\nexpect: {order: o1/2, winner: none}\n",
            "7:17: `order`: no line of order `o1` `2`",
        ),
        ("  - 2020-06-01 10:00:00: {buy: o1, amount: -5}\n", "6:44: `amount`: expected 0 or more, not `-5`"),
        (
            "  - 2020-06-01 10:00:00: {set_rate: 10001}\n",
            "6:37: `set_rate`: expected 0 to 10000 basis points",
        ),
        ("  - 2020-06-01 10:00:00: {rate: 10001}\n", "6:33: `rate`: expected 0 to 10000 basis points"),
        (
            "  - 2020-06-01 10:00:00: {rules: {attribution: {protecton: 7d}}}\n",
            "6:49: attribution.protecton: no such field",
        ),
        (
            "  - 2020-06-01 10:00:00: {rules: {attribution: {validity: {from_last_click: 0d}}}}\n",
            "6:49: attribution.validity: must be longer than zero",
        ),
        ("  - 2020-06-01 10:00:00: {rules: {atribution: {}}}\n", "6:35: no key of `rules` `atribution`"),
        (
            "  - 2020-06-01 10:00:00: {buy: o1}\n  - 2020-06-02 10:00:00: {buy: o1}\n",
            "7:26: order `o1` was placed at 2020-06-01 10:00:00; say `again: true`",
        ),
        (
            "  - 2020-06-01 10:00:00: {wait: x}\ncases:\n  - {name: a, expect: {imbalance: 0}}\n  - {name: a}\n",
            "9:12: there is a case `a` already",
        ),
    ];
    for (events, expected) in rows {
        let (code, out, _) = told(&format!("{STORY}{events}"));
        assert_eq!(code, 1, "{events}: {out}");
        assert!(out.contains(expected), "{events}: expected {expected:?} in {out}");
    }
    // What the core is to refuse may be said.
    let (code, out, _) = told(&format!(
        "{STORY}  - 2020-06-01 10:00:00: {{buy: o1, amount: -5, refused: amount_out_of_range}}\n"
    ));
    assert_eq!(code, 0, "{out}");
    // All at once, also of one entry.
    let (_, out, _) = told(&format!(
        "{STORY}  - 2020-06-01 10:00:00: {{buy: o1, lines: [{{product: cups, amount: -1, quantity: 0}}, {{amuont: 5}}]}}\n\
         expect: {{reviews: [unknown_lines, unjournalled]}}\n"
    ));
    for part in ["`cups`", "`-1`", "`0`", "`amuont`", "`unknown_lines`", "`unjournalled`"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let rates = STORY.replace("rate: 500", "rates: [{bp: 10001, class: old, product: cups, from: soon}]");
    let (_, out, _) =
        told(&format!("{rates}  - 2020-06-01 10:00:00: {{buy: o1}}\nexpect: {{order: o1, winner: none}}\n"));
    for part in [
        "4:51: `bp`: expected 0 to 10000",
        "`class`: expected new",
        "`product`: expected one of cup, tea",
        "`from`",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    // Of several events, too.
    let (_, out, _) = told(&format!(
        "{STORY}  - 2020-06-01 10:00:00: {{clik: a}}\n  - 2020-06-01 11:00:00: {{buy: o1, by: U, qantity: 2}}\n"
    ));
    assert!(out.contains("`clik`") && out.contains("`qantity`"), "{out}");
}

#[test]
fn rules_that_contradict_themselves_are_named_where_they_stand() {
    let text = STORY.replace(
        "programme: {preset: distributor1688, rate: 500}",
        "programme:\n  preset: distributor1688\n  rate: 500\n  attribution:\n    validity: {from_last_click: 0s}\n    scpoe: shop",
    );
    let (code, out, _) = told(&format!("{text}  - 2020-06-01 10:00:00: {{wait: x}}\n"));
    assert_eq!(code, 1);
    assert!(out.contains("9:5: attribution.scpoe: no such field"), "{out}");
    let (_, out, _) =
        told(&format!("{}  - 2020-06-01 10:00:00: {{wait: x}}\n", text.replace("\n    scpoe: shop", "")));
    assert!(out.contains("8:5: attribution.validity: must be longer than zero"), "{out}");
    // Within a field it stands where the field does.
    let monthly =
        "settlement:\n    payout: {monthly: {day: 31, lag_months: 2, roll: none, key: success_month}}";
    let text = STORY.replace("distributor1688, rate: 500}", &format!("distributor1688\n  {monthly}"));
    let text = text.replace("programme: {preset", "programme:\n  preset");
    let (_, out, _) = told(&format!("{text}  - 2020-06-01 10:00:00: {{wait: x}}\n"));
    assert!(out.contains("7:5: settlement.payout.day: must be 1 to 28"), "{out}");
}
