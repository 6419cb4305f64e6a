//! The commands for everyday work, against a running core: what a promoter and a merchant do in a day.

use crate::support::{TOKEN, code, file, run, stderr, stdout, up, wait_for};
use serde_json::Value;

#[test]
fn a_day_at_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let up = up(&data, &["--demo"]);
    let core = up.core.clone();
    let asked = |args: &[&str]| {
        let words: Vec<&str> = args.iter().copied().chain(["--core", &core, "--token", TOKEN]).collect();
        let output = run(&words);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        stdout(&output)
    };
    let json = |args: &[&str]| -> Value {
        let words: Vec<&str> = args.iter().copied().chain(["--output", "json"]).collect();
        serde_json::from_str(&asked(&words)).unwrap()
    };
    wait_for("the demo is made", || std::fs::metadata(data.join("demo").join("done.json")).ok());
    let products = json(&["product", "list", "--merchant", "yunhe", "--sort", "commission", "--limit", "3"]);
    assert_eq!(products.as_array().unwrap().len(), 3);
    let best = products[0]["id"].as_str().unwrap().to_owned();
    let commission = |at: usize| products[at]["commission_fen"].as_i64().unwrap_or(0);
    assert!(commission(0) >= commission(1) && commission(1) >= commission(2), "{products}");

    let promoters = json(&["promoter", "list", "--limit", "1"]);
    let promoter = promoters[0]["id"].as_str().unwrap().to_owned();
    let placements = json(&["promoter", "placements", &promoter]);
    let placement = placements[0]["id"].as_str().unwrap().to_owned();
    assert_eq!((promoter.as_str(), placement.as_str()), ("chen-amei", "chen-tb"), "of yunhe's programme");
    let made = json(&["link", "create", "--placement", &placement, "--product", &best]);
    let link = made["code"].as_str().unwrap().to_owned();
    let listed = json(&["link", "list", "--promoter", &promoter, "--product", &best, "--limit", "1"]);
    assert_eq!((&listed[0]["code"], &listed[0]["state"]), (&made["code"], &Value::from("live")));
    assert!(asked(&["link", "show", &link]).contains(&best));

    // The code says the QR code's own address; a poster names product and shop.
    let qr_code = made["qr_code"].as_str().unwrap();
    assert!(asked(&["qr", &link]).trim_end().ends_with(qr_code), "not the link's own address");
    let poster = dir.path().join("poster.svg");
    asked(&["qr", &link, "--out", poster.to_str().unwrap(), "--poster"]);
    let drawn = std::fs::read_to_string(&poster).unwrap();
    for name in ["title", "merchant_name"] {
        assert!(drawn.contains(products[0][name].as_str().unwrap()), "{name}: {}", products[0]);
    }

    let rows = format!("placement,product\n{placement},{best}\n{placement},{best}\n");
    let list = file(dir.path(), "links.csv", &rows);
    asked(&["link", "create", "--from", list.to_str().unwrap()]);
    let codes = std::fs::read_to_string(dir.path().join("links.csv.links.csv")).unwrap();
    assert_eq!(codes.lines().count(), 3, "{codes}");

    asked(&["product", "cancel-promotion", &best]);
    let dead = json(&["product", "show", &best]);
    assert_eq!((&dead["invalid"], &dead["reason"]), (&true.into(), &"promotion_cancelled".into()));
    let dead = json(&["link", "list", "--promoter", &promoter, "--state", "promotion_cancelled"]);
    assert!(dead.as_array().unwrap().iter().any(|entry| entry["code"] == made["code"]), "{dead}");
    asked(&["product", "promote", &best]);

    let csv = asked(&["report", &promoter, "--output", "csv"]);
    assert!(csv.starts_with("\u{feff}date,clicks,all_clicks,orders,expected_fen,settled_fen\n"), "{csv}");
    let placements = asked(&["report", &promoter, "--by", "placement"]);
    assert!(placements.contains(&placement) && placements.contains("total"), "{placements}");
    // Before she came nothing of hers had settled: the headings stand alone.
    let then = ["statement", &promoter, "--month", "2020-01"];
    assert!(asked(&then).contains("amount_fen"));
    assert_eq!(json(&then), serde_json::json!([]));
    // No click was set aside: there is nothing to put back.
    assert_eq!(json(&["dead-letters", "list"]), serde_json::json!([]));
    assert_eq!(json(&["dead-letters", "back"]), serde_json::json!([]));
    assert_eq!(json(&["dead-letters", "put-back"]), serde_json::json!({"taken": 0, "kept": 0}));
    assert!(asked(&["dead-letters", "put-back"]).contains("put back: 0; still refused: 0"));
    let output = run(&["product", "show", "nothing", "--core", &core, "--token", TOKEN]);
    assert_ne!(code(&output), 0);
    assert!(stderr(&output).contains("there is no product nothing"), "{}", stderr(&output));
    let output = run(&["link", "create", "--placement", &placement, "--core", &core, "--token", TOKEN]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert_eq!(up.stop().0, 0);
}
