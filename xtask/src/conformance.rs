//! The API against its own description: schemathesis asks everything the OpenAPI document offers, and much that it
//! does not, as an administrator, a merchant and a promoter, and compares every answer with the document.

use crate::install::{self, CURL, PYTHON};
use crate::live::Live;
use crate::suite::{command, root, succeed};
use anyhow::{Context as _, Result, ensure};
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
    ("PUT", "/v1/programmes/g1", r#"{"merchant": "m1", "name": "g", "preset": "distributor1688"}"#),
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

/// Sets up the world, and has every role ask.
///
/// # Errors
/// If an answer is a server error, is not in the document, or does not fit it.
pub(crate) fn check(profile: &str) -> Result<()> {
    install::ensure(&[CURL, PYTHON])?;
    let schemathesis = schemathesis()?;
    let live = Live::start(profile)?;
    for (method, path, body) in WORLD {
        live.call(method, path, body)?;
    }
    let known = live.folder().join("known.toml");
    fs::write(&known, pinned())?;
    let mut failed = Vec::new();
    let mut ask = |who: &str, token: &str, known: Option<&Path>| {
        println!("as {who}:");
        if let Err(error) = run(&schemathesis, &live, token, known) {
            failed.push(format!("{who}: {error}"));
        }
    };
    ask("admin, about anything", &live.token, None);
    ask("admin", &live.token, Some(&known));
    for (role, subject) in [("merchant", "m1"), ("promoter", "lily")] {
        let body = format!(r#"{{"role": "{role}", "subject": "{subject}"}}"#);
        let issued = live.call("POST", "/v1/tokens", &body)?;
        ask(role, issued["token"].as_str().context("no token")?, Some(&known));
    }
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(())
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

fn run(schemathesis: &Path, live: &Live, token: &str, known: Option<&Path>) -> Result<()> {
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
    succeed(run)
}

/// Schemathesis in an environment of its own, beside the build's output.
fn schemathesis() -> Result<PathBuf> {
    let folder = crate::bench::target_directory()?.join("schemathesis");
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
