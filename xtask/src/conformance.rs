//! The API against its own description: schemathesis asks everything the OpenAPI document offers, and much that it
//! does not, as an administrator, a merchant and a promoter, and compares every answer with the document. A core on
//! SQLite and one on PostgreSQL are asked beside each other.

use crate::install::{self, CURL, POSTGRES, PYTHON};
use crate::live::Live;
use crate::servers::Postgres;
use crate::suite::{command, root, succeed, target_directory};
use anyhow::{Context as _, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The same requests in every run.
const SEED: &str = "20200515";
/// Requests made up for each operation, beside those that the document's own limits suggest.
const EXAMPLES: &str = "4";
/// What an answer is compared for. Which data are refused is not among it: the document says shapes, and the core
/// looks at meanings.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// Seconds that asking about anything at all may take, and asking about what is there, for each role.
const ANYTHING_WITHIN: u32 = 45;
const KNOWN_WITHIN: u32 = 25;

/// A small world: what each role's questions are about.
const WORLD: [(&str, &str, &str); 14] = [
    ("PUT", "/v1/merchants/m1", r#"{"platform": "p1", "name": "山里茶行"}"#),
    ("PUT", "/v1/programmes/g1", r#"{"merchant": "m1", "name": "g", "preset": "taobao_live"}"#),
    (
        "PUT",
        "/v1/products/cup",
        r#"{"merchant": "m1", "title": "杯", "url": "https://shop.example.cn/1", "price_fen": 9900}"#,
    ),
    ("PUT", "/v1/products/cup/skus", r#"{"sku": "red", "price_fen": 9900, "stock": 5}"#),
    ("PUT", "/v1/promoters/lily", r#"{"name": "莉莉", "agency": "stars"}"#),
    ("POST", "/v1/promoters/lily/placements", r#"{"id": "lily-1", "programme": "g1"}"#),
    ("PUT", "/v1/promoters/lily/selection/cup", "{}"),
    ("POST", "/v1/links", r#"{"placement": "lily-1", "product": "cup", "alias": "spring"}"#),
    (
        "POST",
        "/v1/plans",
        r#"{"id": "plan1", "programme": "g1", "name": "春", "approval": "manual", "rates": [{"product": "cup", "bp": 500}]}"#,
    ),
    ("POST", "/v1/plans/plan1/apply", r#"{"promoter": "lily"}"#),
    (
        "PUT",
        "/v1/promoters/lily/payout-account",
        r#"{"kind": "alipay", "account": "lily@example.cn", "holder": "莉莉", "verified": true}"#,
    ),
    (
        "POST",
        "/v1/orders/events",
        r#"{"events": [{"type": "created", "platform": "p1", "order": "o1", "merchant": "m1", "buyer": "b1",
            "at": "2026-01-01T00:00:00Z", "lines": [{"line": "1", "product": "cup", "amount_fen": 9900}]},
            {"type": "paid", "platform": "p1", "order": "o1", "at": "2026-01-01T00:01:00Z"}]}"#,
    ),
    ("POST", "/v1/merchants/m1/top-ups", r#"{"amount_fen": 100000, "reference": "t1"}"#),
    ("PUT", "/v1/categories/tea", r#"{"name": "茶"}"#),
];

/// Which of its things the paths name: a pattern of paths, a parameter, an id.
const KNOWN: [(&str, &str, &str); 14] = [
    ("^/v1/merchants/", "path.id", "m1"),
    ("^/v1/programmes/", "path.id", "g1"),
    ("^/v1/products/", "path.id", "cup"),
    ("^/v1/promoters/", "path.id", "lily"),
    ("^/v1/promoters/[^/]+/selection/", "path.product", "cup"),
    ("^/v1/promoters/[^/]+/orders/", "path.order", "o1"),
    ("^/v1/agencies/", "path.id", "stars"),
    ("^/v1/plans/", "path.id", "plan1"),
    ("^/v1/orders/", "path.id", "o1"),
    ("^/v1/links/", "path.code", "spring"),
    ("", "query.platform", "p1"),
    ("", "query.merchant", "m1"),
    ("", "query.programme", "g1"),
    ("", "query.promoter", "lily"),
];

/// Sets up the world on both stores, and has every role ask.
///
/// # Errors
/// If an answer is a server error, is not in the document, or does not fit it.
pub(crate) fn check(profile: &str) -> Result<()> {
    install::ensure(&[CURL, PYTHON, POSTGRES])?;
    let schemathesis = schemathesis()?;
    let postgres = Postgres::start_unsynced()?;
    let stores = [
        ("SQLite", Live::start(profile, None)?),
        ("PostgreSQL", Live::start(profile, Some(&postgres.url()))?),
    ];
    let failed: Vec<String> = std::thread::scope(|scope| {
        let asking = stores.each_ref().map(|(store, live)| {
            let schemathesis = &schemathesis;
            scope.spawn(move || ask_all(schemathesis, store, live))
        });
        asking
            .into_iter()
            .flat_map(|asking| asking.join().unwrap_or_else(|_| vec!["panicked".into()]))
            .collect()
    });
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(())
}

/// Has every role ask one core; says what failed.
fn ask_all(schemathesis: &Path, store: &str, live: &Live) -> Vec<String> {
    let mut failed = Vec::new();
    let mut ask = |who: &str, token: Result<String>, known: Option<&Path>| {
        let asked = token.and_then(|token| run(schemathesis, store, who, live, &token, known));
        if let Err(error) = asked {
            failed.push(format!("{who} on {store}: {error:#}"));
        }
    };
    match world(live) {
        Ok(known) => {
            ask("admin, about anything", Ok(live.token.clone()), None);
            ask("admin", Ok(live.token.clone()), Some(&known));
            ask("merchant", issued(live, "merchant", "m1"), Some(&known));
            ask("promoter", issued(live, "promoter", "lily"), Some(&known));
        }
        Err(error) => failed.push(format!("the world on {store}: {error:#}")),
    }
    failed
}

/// Sets up the world; the file that says what is in it.
fn world(live: &Live) -> Result<PathBuf> {
    for (method, path, body) in WORLD {
        live.call(method, path, body)?;
    }
    let known = live.folder().join("known.toml");
    fs::write(&known, pinned())?;
    Ok(known)
}

/// A new token of a role.
fn issued(live: &Live, role: &str, subject: &str) -> Result<String> {
    let body = format!(r#"{{"role": "{role}", "subject": "{subject}"}}"#);
    let issued = live.call("POST", "/v1/tokens", &body)?;
    Ok(issued["token"].as_str().context("no token")?.to_owned())
}

/// The configuration by which paths and queries name what is there.
fn pinned() -> String {
    let mut text = String::new();
    for (paths, parameter, id) in KNOWN.iter().filter(|(paths, ..)| paths.is_empty()) {
        text += &format!("{paths}parameters.\"{parameter}\" = \"{id}\"\n");
    }
    for (paths, parameter, id) in KNOWN.iter().filter(|(paths, ..)| !paths.is_empty()) {
        text += &format!("[[operations]]\ninclude-path-regex = '{paths}'\n");
        text += &format!("parameters.\"{parameter}\" = \"{id}\"\n");
    }
    text
}

/// Asks as one role. The words come as a whole at the end: another core is asked at the same time.
fn run(
    schemathesis: &Path,
    store: &str,
    who: &str,
    live: &Live,
    token: &str,
    known: Option<&Path>,
) -> Result<()> {
    println!("asking the core on {store} as {who} ...");
    let mut run = Command::new(schemathesis);
    if let Some(known) = known {
        run.arg("--config-file").arg(known);
    }
    let within = if known.is_some() { KNOWN_WITHIN } else { ANYTHING_WITHIN };
    run.current_dir(live.folder())
        .env("PYTHONPATH", root().join("xtask"))
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        // Nothing of it stays in the source tree.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("run")
        .arg(format!("{}/openapi.json", live.core))
        .args(["--seed", SEED, "--max-examples", EXAMPLES, "--max-time", &within.to_string()])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        .args(["--continue-on-failure", "--rate-limit", "auto", "--request-timeout", "35"])
        .args(["--header", &format!("Authorization:Bearer {token}")]);
    let output = run.output().context("cannot start schemathesis")?;
    let (told, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("as {who} on {store}:\n{told}{warned}");
    if output.status.success() { Ok(()) } else { bail!("schemathesis: {}", output.status) }
}

/// Schemathesis in an environment of its own, beside the build's output.
fn schemathesis() -> Result<PathBuf> {
    let folder = target_directory()?.join("schemathesis");
    let program = folder.join("bin/schemathesis");
    if !program.exists() {
        // Debian keeps this part of Python in a package of its own.
        if !command("python3", &["-c", "import ensurepip"]).status()?.success() {
            install::install(&["python3-venv"])?;
        }
        succeed(command("python3", &["-m", "venv", &folder.to_string_lossy()]))?;
    }
    let requirements = root().join("xtask/schemathesis.txt");
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
    succeed(pip)?;
    Ok(program)
}
