//! The API against its own description: schemathesis asks everything the OpenAPI document offers, and much that it
//! does not, as an administrator, a merchant and a promoter, and compares every answer with the document.

use crate::install::{self, CURL, PYTHON};
use crate::live::Live;
use crate::suite::{command, root, succeed};
use anyhow::{Context as _, Result, ensure};
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
/// Seconds for each role, at most.
const WITHIN: &str = "60";

/// Sets up a small world, and has every role ask.
///
/// # Errors
/// If an answer is a server error, is not in the document, or does not fit it.
pub(crate) fn check(profile: &str) -> Result<()> {
    install::ensure(&[CURL, PYTHON])?;
    let schemathesis = tool()?;
    let live = Live::start(profile)?;
    let world = [
        ("PUT", "/v1/merchants/m1", r#"{"platform": "p1", "name": "山里茶行"}"#),
        ("PUT", "/v1/programmes/g1", r#"{"merchant": "m1", "name": "g", "preset": "distributor1688"}"#),
        (
            "PUT",
            "/v1/products/cup",
            r#"{"merchant": "m1", "title": "杯", "url": "https://shop.example.cn/1"}"#,
        ),
        ("PUT", "/v1/promoters/lily", r#"{"name": "莉莉", "agency": "stars"}"#),
        ("POST", "/v1/promoters/lily/placements", r#"{"id": "lily-1", "programme": "g1"}"#),
        ("POST", "/v1/links", r#"{"placement": "lily-1", "product": "cup"}"#),
    ];
    for (method, path, body) in world {
        live.call(method, path, body)?;
    }
    let mut tokens = vec![("admin", live.token.clone())];
    for (role, subject) in [("merchant", "m1"), ("promoter", "lily")] {
        let body = format!(r#"{{"role": "{role}", "subject": "{subject}"}}"#);
        let issued = live.call("POST", "/v1/tokens", &body)?;
        tokens.push((role, issued["token"].as_str().context("no token")?.to_owned()));
    }
    let mut failed = Vec::new();
    for (role, token) in tokens {
        println!("as {role}:");
        if let Err(error) = ask(&schemathesis, &live, &token) {
            failed.push(format!("{role}: {error}"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(())
}

fn ask(schemathesis: &Path, live: &Live, token: &str) -> Result<()> {
    let mut run = Command::new(schemathesis);
    run.current_dir(live.folder())
        .arg("run")
        .arg(format!("{}/openapi.json", live.core))
        .args(["--seed", SEED, "--max-examples", EXAMPLES, "--max-time", WITHIN, "--checks", CHECKS])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
        ])
        .args(["--continue-on-failure", "--rate-limit", "auto", "--request-timeout", "35"])
        .args(["--header", &format!("Authorization:Bearer {token}")]);
    succeed(run)
}

/// Schemathesis in an environment of its own, beside the build's output.
fn tool() -> Result<PathBuf> {
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
