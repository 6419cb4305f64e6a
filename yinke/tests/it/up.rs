//! `yinke up` from the first start to the second: a tap becomes money, and everything is still there afterwards.

use crate::support::{Answer, TOKEN, Up, api, code, file, http, run, stderr, stdout, up, wait_for, yinke};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const PHONE: (&str, &str) = (
    "User-Agent",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 \
     MicroMessenger/8.0.49 NetType/WIFI Language/zh_CN",
);

fn import(up: &Up, kind: &str, path: &Path) {
    let output = yinke()
        .args(["import", kind])
        .arg(path)
        .args(["--core", &up.core, "--token", TOKEN])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{kind}: {}", stderr(&output));
}

/// One merchant, one programme, one product, one promoter, one link; gives the link's path.
pub(crate) fn small_world(up: &Up, dir: &Path) -> String {
    let policy = r#"{""commission"":{""rates"":[{""bp"":1000,""effective"":{""from"":0}}]}}"#;
    let programmes = format!("id,merchant,name,preset,policy\np,m,分销,distributor1688,\"{policy}\"\n");
    let files = [
        ("merchants", "id,platform,name\nm,1688,百货\n"),
        ("programmes", programmes.as_str()),
        ("products", "id,merchant,title,url,price_fen\nc,m,保温杯,https://m.shop.example/c,10000\n"),
        ("promoters", "id,name\na,阿梅\n"),
        ("placements", "id,promoter,programme\na-p,a,p\n"),
        ("links", "placement,product\na-p,c\n"),
    ];
    for (kind, text) in files {
        import(up, kind, &file(dir, &format!("{kind}.csv"), text));
    }
    let results = std::fs::read_to_string(dir.join("links.csv.links.csv")).unwrap();
    let code = results.lines().nth(1).unwrap().split(',').nth(1).unwrap().to_owned();
    assert_eq!(code.len(), 9, "{results}");
    code
}

/// Taps until the edge has heard of the link.
pub(crate) fn tap(up: &Up, code: &str) -> Answer {
    wait_for("the edge knows the link", || {
        let answer = http("GET", &format!("{}/{code}", up.edge), &[PHONE], "");
        (answer.status == 302).then_some(answer)
    })
}

pub(crate) fn order(up: &Up, number: &str, click: &str) {
    let at = jiff::Timestamp::now().to_string();
    let answer = api(
        up,
        "POST",
        "/v1/orders/events",
        &json!({"events": [
            {"type": "created", "platform": "1688", "order": number, "at": at, "merchant": "m", "buyer": "u-1",
             "click_tokens": [click], "lines": [{"line": "1", "product": "c", "amount_fen": 10_000}]},
            {"type": "paid", "platform": "1688", "order": number, "at": at},
        ]}),
    );
    assert!(matches!(answer.status, 200..=202), "{}", answer.body);
}

/// The explanation, once the click has arrived and the order has been judged with it.
pub(crate) fn explanation(up: &Up, number: &str) -> Value {
    wait_for("the order is attributed", || {
        let answer = api(up, "GET", &format!("/v1/orders/{number}/attribution"), &Value::Null);
        let json = answer.json();
        let text = json.to_string();
        (text.contains("\"evidence\":\"journal\"") && !text.contains("awaiting_click")).then_some(json)
    })
}

pub(crate) fn audit(up: &Up) -> Value {
    let output = run(&["audit", "--core", &up.core, "--token", TOKEN, "--output", "json"]);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Counters whose increase raises an alert are there before they count anything, as an increase is seen from a value
/// that was there. Redis' are exempt: without Redis there are none, and its alert waits for errors that go on.
fn watched_from_zero_on(metrics: &str) {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus/yinke.rules.yml");
    let rules = std::fs::read_to_string(rules).unwrap();
    let watched: Vec<&str> =
        rules.split("increase(").skip(1).filter_map(|rest| rest.split('[').next()).collect();
    assert!(watched.len() > 10, "the rules were not found");
    for selector in watched.into_iter().filter(|name| !name.starts_with("yinke_redis_")) {
        let (name, labels) = selector.split_once('{').unwrap_or((selector, ""));
        let fixed = labels.trim_end_matches('}').split(',').filter(|label| label.contains("=\""));
        let fixed: Vec<&str> = fixed.filter(|label| !label.contains("!=")).collect();
        let there = metrics
            .lines()
            .any(|line| line.starts_with(name) && fixed.iter().all(|label| line.contains(label)));
        assert!(there, "{selector}");
    }
}

#[test]
fn a_tap_becomes_money_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let first = up(&data, &[]);
    assert_eq!(http("GET", &format!("{}/readyz", first.admin), &[], "").status, 200);
    let before = wait_for("the first audit", || {
        let metrics = http("GET", &format!("{}/metrics", first.admin), &[], "").body;
        metrics.contains("yinke_ledger_imbalance_fen").then_some(metrics)
    });
    let code = small_world(&first, dir.path());

    let answer = tap(&first, &code);
    let at_once = audit(&first);
    assert_eq!((&at_once["clicks"]["answered"], &at_once["clicks"]["recorded"]), (&json!(1), &json!(1)));
    let cookies = answer.all("set-cookie");
    assert!(cookies.iter().any(|c| c.starts_with("yk_v=")), "{cookies:?}");
    assert!(cookies.iter().any(|c| c.starts_with("yk_c_p=")), "{cookies:?}");
    let location = answer.header("location").to_owned();
    assert!(location.starts_with("https://m.shop.example/c?yk_click=v1."), "{location}");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let click = location.split_once("yk_click=").unwrap().1;
    order(&first, "o-1", click);
    let explained = explanation(&first, "o-1");
    let shown = run(&["explain", "o-1", "--core", &first.core, "--token", TOKEN]);
    assert_eq!(code_of(&shown), 0, "{}", stderr(&shown));
    assert!(stdout(&shown).contains("10.00"), "{}", stdout(&shown));
    let unknown = run(&["explain", "nothing", "--core", &first.core, "--token", TOKEN]);
    assert_eq!(code_of(&unknown), 66, "{}", stderr(&unknown));

    let balance = wait_for("all clicks are in the core", || {
        let balance = audit(&first);
        (balance["clicks"]["pending"] == 0 && balance["clicks"]["ingested"].as_u64() > Some(0))
            .then_some(balance)
    });
    assert_eq!(balance["clicks"]["gaps"], 0);
    assert_eq!(balance["ledger"]["imbalance_fen"], 0);

    let metrics = http("GET", &format!("{}/metrics", first.admin), &[], "").body;
    for name in ["yinke_build_info{", "process_resident_memory_bytes", "yinke_edge_", "yinke_core_"] {
        assert!(metrics.contains(name), "{name}");
    }
    watched_from_zero_on(&metrics);
    let audited = "yinke_core_work_done_timestamp_seconds{work=\"audit\"}";
    for name in
        [audited, "yinke_ledger_imbalance_fen 0", "yinke_ledger_wrong_balances 0", "yinke_core_click_gaps 0"]
    {
        assert!(before.contains(name), "{name} is there before anybody asks");
    }

    let (exit, took) = first.stop();
    assert_eq!(exit, 0);
    assert!(took < Duration::from_secs(5), "{took:?}");

    let second = up(&data, &[]);
    assert_eq!(tap(&second, &code).status, 302);
    assert_eq!(explanation(&second, "o-1"), explained);
    let again = audit(&second);
    assert!(again["clicks"]["ingested"].as_u64() >= balance["clicks"]["ingested"].as_u64());
    assert_eq!(second.stop().0, 0);
}

fn code_of(output: &std::process::Output) -> i32 {
    code(output)
}

#[test]
fn a_directory_and_a_port_have_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let first = up(&data, &[]);
    let output = run(&["up", "--data", data.to_str().unwrap(), "--edge", "127.0.0.1:0"]);
    assert_eq!(code(&output), 75, "{}", stderr(&output));
    assert!(stderr(&output).contains("is in use by process "), "{}", stderr(&output));
    let other = dir.path().join("other");
    let edge = first.edge.trim_start_matches("http://");
    let output = run(&["up", "--data", other.to_str().unwrap(), "--edge", edge]);
    assert_eq!(code(&output), 69, "{}", stderr(&output));
    assert!(stderr(&output).contains(&format!("the edge cannot listen on {edge}")), "{}", stderr(&output));
}

#[test]
fn a_refused_row_is_named_and_the_import_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let server = up(&dir.path().join("data"), &[]);
    small_world(&server, dir.path());
    let path = file(dir.path(), "more.csv", "placement,product\na-p,c\na-p,nothing\nnobody,c\n");
    let args = ["import", "links", path.to_str().unwrap(), "--core", &server.core, "--token", TOKEN];
    let output = run(&args);
    assert_eq!(code(&output), 65, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("more.csv:3:") || stderr(&output).contains("more.csv:4:"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("of the rows; nothing was imported"), "{}", stderr(&output));
    let output = run(&[&args[..], &["--skip-bad"]].concat());
    assert_eq!(code(&output), 65, "{}", stderr(&output));
    assert!(stderr(&output).contains("links: 1 imported, 2 refused by the core"), "{}", stderr(&output));
    let wrong = run(&["import", "links", path.to_str().unwrap(), "--core", &server.core, "--token", "wrong"]);
    assert_eq!(code(&wrong), 77, "{}", stderr(&wrong));
}

#[test]
fn a_refused_import_says_what_is_in_and_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let server = up(&dir.path().join("data"), &[]);
    small_world(&server, dir.path());
    let refused = |kind: &str, text: &str, says: &str| {
        let path = file(dir.path(), &format!("some-{kind}.csv"), text);
        let output = run(&["import", kind, path.to_str().unwrap(), "--core", &server.core, "--token", TOKEN]);
        assert_eq!(code(&output), 65, "{kind}: {}", stderr(&output));
        assert!(stderr(&output).contains(says), "{kind}: {}", stderr(&output));
    };
    refused(
        "placements",
        "id,promoter,programme\nx-1,a,p\nx-2,nobody,p\nx-3,a,p\n",
        "the core refused 1 of the rows; 1 imported, and nothing from line 3 on",
    );
    refused("links", "placement,product\nx-3,c\n", "the core refused 1 of the rows; nothing was imported");
    // Of products nothing is in, however many calls the file takes.
    let good: String = (0..2_100).map(|n| format!("p-{n},m,茶,https://m.shop.example/{n}\n")).collect();
    let wrong = "w-1,nobody,茶,https://m.shop.example/w\nw-2,m,茶,http://a:b@m.shop.example/w\n";
    refused(
        "products",
        &format!("id,merchant,title,url\n{wrong}{good}{}", wrong.replace("w-", "v-")),
        "the core refused 4 of the rows; nothing was imported",
    );
    assert_eq!(api(&server, "GET", "/v1/products/p-0", &Value::Null).status, 404);
    import(&server, "links", &file(dir.path(), "first.csv", "placement,product\nx-1,c\n"));
}

#[test]
fn the_demo_tells_a_story_that_is_true() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let first = up(&data, &["--demo"]);
    let story: Value = wait_for("the demo is made", || {
        serde_json::from_slice(&std::fs::read(data.join("demo").join("done.json")).ok()?).ok()
    });
    let code = story["code"].as_str().unwrap();
    // The story is told with curl.
    let answer = http("GET", &format!("{}/{code}", first.edge), &[("User-Agent", "curl/8.5.0")], "");
    assert_eq!(answer.status, 302);
    assert!(answer.all("set-cookie").iter().any(|c| c.starts_with("yk_c_fx1688=")), "{:?}", answer.headers);
    let order = story["order"].as_str().unwrap();
    let shown = wait_for("the demo's order is explained", || {
        let output = run(&["explain", order, "--core", &first.core, "--token", TOKEN]);
        stdout(&output).contains("chen-amei").then(|| stdout(&output))
    });
    assert!(shown.contains("3.18"), "8 % of 39.80 for a new customer: {shown}");
    wait_for("the demo balances with nothing on its way", || {
        let balance = audit(&first);
        (balance["clicks"]["pending"] == 0).then_some(())
    });
    assert_eq!(first.stop().0, 0);
    // Again: nothing is made twice.
    let second = up(&data, &["--demo"]);
    let log = dir.path().join("data.log");
    wait_for("the story is told again", || {
        std::fs::read_to_string(&log).unwrap().contains("sample").then_some(())
    });
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(!log.contains("demo: imported"), "{log}");
    assert!(log.contains(code), "{log}");
    assert_eq!(second.stop().0, 0);
}

fn copy_store(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("core.sqlite") {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn an_edge_follows_a_core_that_was_restored_from_a_backup() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = (dir.path().join("data"), dir.path().join("backup"));
    let first = up(&data, &[]);
    let old = small_world(&first, dir.path());
    assert_eq!(tap(&first, &old).status, 302);
    assert_eq!(first.stop().0, 0);
    copy_store(&data, &backup);

    let second = up(&data, &[]);
    let lost = another_link(&second);
    assert_eq!(tap(&second, &lost).status, 302);
    assert_eq!(second.stop().0, 0);
    copy_store(&backup, &data);

    // The restored store gives the same numbers to another link, and more of them.
    let third = up(&data, &[]);
    let new = [(); 3].map(|()| another_link(&third));
    wait_for("what the backup does not have is gone", || {
        (http("GET", &format!("{}/{lost}", third.edge), &[PHONE], "").status == 404).then_some(())
    });
    for code in new.iter().chain([&old]) {
        assert_eq!(tap(&third, code).status, 302);
    }
    let metrics = http("GET", &format!("{}/metrics", third.admin), &[], "").body;
    assert!(metrics.contains("yinke_edge_table_reloads_total 1"), "{metrics}");
    assert_eq!(third.stop().0, 0);
}

/// One more link in the small world; gives its code. (An import would find that it has made this link already.)
fn another_link(up: &Up) -> String {
    let answer = api(up, "POST", "/v1/links", &json!({"placement": "a-p", "product": "c"}));
    assert_eq!(answer.status, 201, "{}", answer.body);
    let made: Value = serde_json::from_str(&answer.body).unwrap();
    made["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_that_is_not_this_installations_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert_eq!(up(&data, &[]).stop().0, 0);
    let key = data.join("keys").join("check.key");
    std::fs::write(&key, "0123456789abcdef").unwrap();
    let output = run(&[
        "up",
        "--data",
        data.to_str().unwrap(),
        "--edge",
        "127.0.0.1:0",
        "--core",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
    ]);
    assert_eq!(code(&output), 78, "{}", stderr(&output));
    assert!(stderr(&output).contains("Restore check.key"), "{}", stderr(&output));
}

#[test]
fn replay_and_rehearsal_read_the_store_of_a_running_core() {
    let dir = tempfile::tempdir().unwrap();
    let up = up(&dir.path().join("data"), &[]);
    let code = small_world(&up, dir.path());
    let location = tap(&up, &code).header("location").to_owned();
    order(&up, "R-1", location.split_once("yk_click=").unwrap().1);
    explanation(&up, "R-1");
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let replayed = run(&["replay", "--data", data]);
    assert_eq!(code_of(&replayed), 0, "{}{}", stdout(&replayed), stderr(&replayed));
    assert!(
        stdout(&replayed).starts_with("1 lines, ") && stdout(&replayed).contains(" 0 differences"),
        "{}",
        stdout(&replayed)
    );
    let nobody = run(&["replay", "--data", data, "--order", "R-9"]);
    assert_eq!(code_of(&nobody), 66, "{}", stderr(&nobody));
    let turned = run(&["replay", "--data", data, "--since", "2026-03-02", "--until", "2026-03-01"]);
    assert_eq!(code_of(&turned), 2, "{}", stderr(&turned));

    let policy = "[policy.commission]\nrates = [{ bp = 2000, effective = { from = 0 } }]\n";
    let wider = file(dir.path(), "wider.toml", policy);
    let ask = |policy: &Path, more: &[&str]| {
        let mut args =
            vec!["rehearse", policy.to_str().unwrap(), "--programme", "p", "--since", "2020-01-01"];
        args.extend(["--data", data]);
        args.extend(more);
        run(&args)
    };
    let rehearsed = ask(&wider, &["--output", "json"]);
    assert_eq!(code_of(&rehearsed), 0, "{}", stderr(&rehearsed));
    let json: Value = serde_json::from_str(&stdout(&rehearsed)).unwrap();
    assert_eq!((&json["lines"], &json["rate"], &json["winner"]), (&json!(1), &json!(1), &json!(0)), "{json}");
    assert_eq!(
        (&json["commission_before_fen"], &json["commission_after_fen"]),
        (&json!(1_000), &json!(2_000))
    );
    let listed = ask(&wider, &["--lines", "--output", "csv"]);
    assert!(stdout(&listed).contains("1688,R-1,1,\"rate, amount\""), "{}", stdout(&listed));
    let text = "commission:\n  rates: [{bp: 10001, effective: {from: 0}}]\nattribution: {scpe: shop}\n";
    let wrong = ask(&file(dir.path(), "wrong.yaml", text), &[]);
    assert_eq!(code_of(&wrong), 65, "{}", stderr(&wrong));
    assert!(stderr(&wrong).contains("attribution.scpe: no such field"), "{}", stderr(&wrong));
}

#[test]
fn further_hosts_are_served_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let up = up(&dir.path().join("data"), &["--host", "yk2.example", "--host", "引客.cn"]);
    let code = small_world(&up, dir.path());
    tap(&up, &code);
    for (host, status) in [("yk2.example", 302), ("xn--ubt13f.cn", 302), ("yk3.example", 421)] {
        let answer = http("GET", &format!("{}/{code}", up.edge), &[("Host", host), PHONE], "");
        assert_eq!(answer.status, status, "{host}: {}", answer.body);
    }
    let link = api(&up, "GET", &format!("/v1/links/{code}"), &Value::Null).json();
    assert_eq!(link["other_urls"].as_array().map(Vec::len), Some(2), "{link}");
}
