//! Edge and core as processes of their own: an edge needs nobody, and what it records while alone arrives later.

use crate::support::{TOKEN, Up, api, code, file, run, start, stderr, wait_for, yinke};
use crate::up::{audit, small_world, tap};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

pub(crate) fn core(dir: &Path, address: &str) -> Up {
    let token = secret(dir, "admin.token", TOKEN);
    let config = file(
        dir,
        "core.toml",
        &format!(
            "data_dir = \"core\"\npublic_url = \"http://127.0.0.1/\"\n[listen]\napi = \"{address}\"\n\
             admin = \"127.0.0.1:0\"\n[auth]\nadmin_token_file = \"{}\"\n",
            token.display()
        ),
    );
    let mut command = yinke();
    command.arg("core").arg("--config").arg(config);
    start(command, &dir.join("core"))
}

fn edge(dir: &Path, core_url: &str) -> Up {
    edge_with(dir, core_url, "", "info")
}

/// An edge with more in its configuration, and another level of logging.
pub(crate) fn edge_with(dir: &Path, core_url: &str, more: &str, log_level: &str) -> Up {
    let config = file(
        dir,
        "edge.toml",
        &format!(
            "edge = 17\ndata_dir = \"edge\"\nkeys_dir = \"edge-keys\"\npublic_url = \"http://127.0.0.1/\"\n\
             [listen]\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
             [core]\nurl = \"{core_url}\"\ntoken_file = \"edge-keys/core.token\"\n{more}"
        ),
    );
    let mut command = yinke();
    command.arg("edge").arg("--config").arg(config).args(["--log-level", log_level]);
    start(command, &dir.join("edge"))
}

fn secret(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = file(dir, name, text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Gives the edge of [`edge`] its keys and its token.
pub(crate) fn keys_for(dir: &Path, core: &Up) {
    let exported = run(&[
        "keys",
        "export",
        "--edge",
        "17",
        "--keys",
        dir.join("core/keys").to_str().unwrap(),
        dir.join("edge-keys").to_str().unwrap(),
    ]);
    assert_eq!(code(&exported), 0, "{}", stderr(&exported));
    let issued = api(core, "POST", "/v1/tokens", &json!({"role": "edge", "subject": "17"}));
    assert_eq!(issued.status, 201, "{}", issued.body);
    secret(&dir.join("edge-keys"), "core.token", issued.json()["token"].as_str().unwrap());
}

#[test]
fn an_edge_serves_without_its_core_and_delivers_later() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let first_core = core(dir, "127.0.0.1:0");
    keys_for(dir, &first_core);

    let first_edge = edge(dir, &first_core.core);
    let link = small_world(&first_core, dir);
    assert!(tap(&first_edge, &link).header("location").contains("yk_click=v1.g1e17."));
    wait_for("the first click is in the core", || {
        (audit(&first_core)["clicks"]["ingested"].as_u64() > Some(0)).then_some(())
    });

    // The core goes; the edge goes on, and even starts again without it.
    let address = first_core.core.trim_start_matches("http://").to_owned();
    let core_url = first_core.core.clone();
    assert_eq!(first_core.stop().0, 0);
    assert_eq!(tap(&first_edge, &link).status, 302);
    assert_eq!(first_edge.stop().0, 0);
    let second_edge = edge(dir, &core_url);
    assert_eq!(tap(&second_edge, &link).status, 302);

    let second_core = core(dir, &address);
    let balance = wait_for("everything recorded arrives", || {
        let balance = audit(&second_core)["clicks"].clone();
        (balance["pending"] == 0 && balance["ingested"].as_u64() >= Some(3)).then_some(balance)
    });
    assert_eq!(balance["recorded"], balance["ingested"]);
    assert_eq!(balance["gaps"], 0);
    assert_eq!(second_edge.stop().0, 0);
    assert_eq!(second_core.stop().0, 0);
}
