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
    let all = json(&["link", "list", "--promoter", &promoter, "--state", "dead", "--limit", "0"]);
    assert!(all.as_array().unwrap().iter().all(|entry| entry["state"] != "live"), "{all}");
    assert!(all.as_array().unwrap().iter().any(|entry| entry["code"] == made["code"]), "{all}");
    asked(&["product", "promote", &best]);
    let orders = json(&["order", "list", "--merchant", "yunhe", "--limit", "2"]);
    assert_eq!(orders.as_array().unwrap().len(), 2, "{orders}");
    let orders = asked(&["order", "list", "--merchant", "yunhe", "--output", "csv"]);
    assert!(orders.starts_with("\u{feff}platform,order,line,created_at,"), "{orders}");

    let csv = asked(&["report", &promoter, "--output", "csv"]);
    assert!(csv.starts_with("\u{feff}date,clicks,all_clicks,orders,expected_fen,settled_fen\n"), "{csv}");
    let placements = asked(&["report", &promoter, "--by", "placement"]);
    assert!(placements.contains(&placement) && placements.contains("total"), "{placements}");
    // Before she came nothing of hers had settled.
    let then = ["statement", &promoter, "--month", "2020-01"];
    assert_eq!((asked(&then).as_str(), json(&then)), ("", serde_json::json!([])));
    // For a spreadsheet it is the core's file, in yuan.
    let csv = asked(&[then.as_slice(), &["--output", "csv"]].concat());
    assert!(csv.contains("amount_yuan"), "{csv}");
    // What is left out is said.
    let cut =
        run(&["link", "list", "--promoter", &promoter, "--limit", "1", "--core", &core, "--token", TOKEN]);
    assert!(stderr(&cut).contains("--limit 0 lists all"), "{}", stderr(&cut));
    let tomorrow = (listed[0]["created_at"].as_i64().unwrap() / 1_000 + 86_400) * 1_000;
    let (flag, until) = ("--expires", attribution_core::time::Instant(tomorrow).to_string());
    let made = json(&["link", "create", "--placement", &placement, "--product", &best, flag, &until]);
    assert_eq!(made["expires_at"], tomorrow, "{made}");
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

#[test]
fn anything_of_the_api_can_be_asked_at_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let up = up(&dir.path().join("data"), &[]);
    let asked = |args: &[&str]| {
        let words: Vec<&str> =
            ["api"].iter().chain(args).copied().chain(["--core", &up.core, "--token", TOKEN]).collect();
        run(&words)
    };
    let ok = |args: &[&str]| {
        let output = asked(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        stdout(&output)
    };
    let all = ok(&[]);
    assert!(all.contains("/v1/video-tasks/{id}/confirm") && all.contains("Makes a category"), "{all}");
    for id in ["p1", "p2", "p3"] {
        ok(&["put", &format!("/v1/platforms/{id}"), &format!("name=平台 {id}")]);
    }
    // A list is asked for page after page, up to so many entries.
    let names = |args: &[&str]| -> Vec<String> {
        let listed = ok(&[&["get", "/v1/platforms", "limit:=1", "--output", "json"], args].concat());
        let listed: Value = serde_json::from_str(&listed).unwrap();
        listed.as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["平台 p1", "平台 p2", "平台 p3"]);
    assert_eq!(names(&["--limit", "2"]), ["平台 p1", "平台 p2"]);
    ok(&["put", "/v1/merchants/m", "--json", "{\"platform\": \"p1\", \"name\": \"茶\"}"]);
    ok(&["post", "/v1/merchants/m/top-ups", "amount_fen:=12345", "reference=bank-1"]);
    assert!(ok(&["get", "/v1/merchants/m/top-ups"]).contains("¥123.45"));
    // One thing, a list without pages, and a file.
    assert!(ok(&["get", "/v1/merchants/m"]).contains("茶"));
    ok(&["put", "/v1/programmes/g", "platform=p1", "name=规则", "preset=distributor1688"]);
    assert_eq!(ok(&["get", "/v1/payout-runs", "programme=g", "--output", "json"]).trim(), "[]");
    assert!(ok(&["get", "/v1/payout-files", "programme=g"]).contains("payee"));
    let rows: [(&[&str], i32, &str); 4] = [
        (&["get", "platforms"], 2, "they begin with /v1/"),
        (&["put", "/v1/platforms/p1", "name"], 2, "is not NAME=VALUE"),
        (&["put", "/v1/platforms/p1", "name="], 65, "name: must not be empty"),
        (&["get", "/v1/merchants/nobody"], 66, "there is no merchant nobody"),
    ];
    for (args, exit, words) in rows {
        let output = asked(args);
        assert_eq!(code(&output), exit, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{args:?}: {}", stderr(&output));
    }
}
