//! Help, exit codes, and what is refused before anything starts.

use crate::support::{code, file, run, stderr, stdout, yinke};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn the_help_says_what_there_is() {
    insta::assert_snapshot!("help", stdout(&run(&["--help"])));
    insta::assert_snapshot!("help_up", stdout(&run(&["up", "--help"])));
    insta::assert_snapshot!("help_import", stdout(&run(&["import", "--help"])));
}

#[test]
fn every_command_has_help_and_an_example_or_flags() {
    for command in [
        "up",
        "edge",
        "core",
        "api",
        "import",
        "link",
        "order",
        "product",
        "promoter",
        "plan",
        "relation",
        "report",
        "statement",
        "withdraw",
        "explain",
        "audit",
        "dead-letters",
        "replay",
        "rehearse",
        "config",
        "keys",
        "redis",
        "completions",
        "man",
    ] {
        let output = run(&[command, "--help"]);
        assert_eq!(code(&output), 0, "{command}");
        assert!(stdout(&output).contains("Usage: yinke "), "{command}");
    }
}

#[test]
fn the_version_names_the_commit() {
    let output = stdout(&run(&["--version"]));
    assert!(output.starts_with(concat!("yinke ", env!("CARGO_PKG_VERSION"), " (")), "{output}");
}

#[test]
fn every_flag_is_also_an_environment_variable() {
    let commands = [
        "up",
        "edge",
        "core",
        "api",
        "import",
        "explain",
        "audit",
        "link create",
        "link list",
        "link show",
        "order list",
        "product list",
        "promoter list",
        "promoter create",
        "plan applications",
        "relation",
        "report",
        "statement",
        "withdraw",
        "replay",
        "rehearse",
    ];
    for command in commands {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = stdout(&run(&words));
        for line in help.lines().map(str::trim_start).filter(|l| l.starts_with("--") || l.starts_with("-c,"))
        {
            if line.starts_with("--help") {
                continue;
            }
            let flag = line.split_whitespace().find(|w| w.starts_with("--")).unwrap();
            let from = help.find(line).unwrap();
            let entry: String = help[from..].lines().take(12).collect::<Vec<_>>().join(" ");
            assert!(entry.contains("[env: YINKE_"), "{command} {flag}");
        }
    }
}

#[test]
fn the_ways_to_fail_have_codes_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let broken = file(dir.path(), "broken.toml", "edge = 1\ndata_dir = 3\n");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let bad_rows = file(dir.path(), "merchants.csv", "id,platform,name\na b,1688,x\n");
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let not_a_dir = file(dir.path(), "plain", "");
    let under_a_file = format!("{}/data", not_a_dir.display());
    let rows: [(&[&str], i32, &str); 14] = [
        (&[], 2, "Usage"),
        (&["up", "--edge", "nowhere"], 2, "--edge"),
        (&["up", "--public-url", "ftp://yk.example/"], 2, "it is no http or https address"),
        (&["up", "--public-url", "https://yk.example/?a"], 2, "it has a query"),
        (&["up", "--public-url", "https://yk.example:0/"], 2, "nobody can reach port 0"),
        (&["up", "--host", "https://yk2.example"], 2, "--host"),
        (&["up", "--postgres", "mysql://x"], 2, "--postgres"),
        (&["config", "check", "/nowhere/x.toml"], 66, "/nowhere/x.toml"),
        (&["config", "check", broken.to_str().unwrap()], 78, "mistakes in the configuration"),
        (&["import", "merchants", "/nowhere/x.csv"], 66, "/nowhere/x.csv"),
        (&["import", "merchants", bad_rows.to_str().unwrap()], 65, "merchants.csv:2:1: id \"a b\""),
        (&["audit", "--core", &free, "--token", "t"], 69, "cannot be reached"),
        (
            &[
                "up",
                "--data",
                data,
                "--edge",
                "127.0.0.1:0",
                "--core",
                &taken.local_addr().unwrap().to_string(),
            ],
            69,
            "the port is in use by another process",
        ),
        (&["up", "--data", &under_a_file], 73, "cannot create"),
    ];
    for (args, expected, says) in rows {
        let output = run(args);
        let said = stderr(&output);
        assert_eq!(code(&output), expected, "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

#[test]
fn keys_that_others_can_read_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    let out = run(&[
        "keys",
        "export",
        "--edge",
        "3",
        "--keys",
        keys.to_str().unwrap(),
        dir.path().join("e").to_str().unwrap(),
    ]);
    assert_eq!(code(&out), 0, "{}", stderr(&out));
    std::fs::set_permissions(keys.join("check.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let output = run(&["up", "--data", dir.path().to_str().unwrap()]);
    assert_eq!(code(&output), 77, "{}", stderr(&output));
    assert!(stderr(&output).contains("check.key has mode 0640"), "{}", stderr(&output));
}

#[test]
fn configuration_mistakes_are_reported_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(
        dir.path(),
        "edge.toml",
        "edge = 70000\ndata_dir = \"d\"\npublic_url = \"ftp://x\"\n[listen]\npublic = \"0.0.0.0:8080\"\n\
         [core]\nurl = \"http://core:8081\"\n[journal]\ndurability = \"maybe\"\n[tabel]\nx = 1\n",
    );
    let output = run(&["config", "check", path.to_str().unwrap()]);
    let said = stderr(&output);
    assert_eq!(code(&output), 78);
    for key in ["edge:", "public_url:", "listen.admin:", "core.token:", "journal.durability:", "tabel:"] {
        assert!(said.contains(key), "{key}: {said}");
    }
    assert!(said.contains("6 mistakes"), "{said}");
}

#[test]
fn a_dry_run_sends_nothing_and_skip_bad_keeps_the_good() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "m.csv", "id,platform,name\na,1688,x\nb c,1688,y\n");
    let output = run(&["import", "merchants", path.to_str().unwrap(), "--dry-run", "--skip-bad"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("merchants: 1 good, 1 line left out; nothing was sent"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn completions_and_manual_are_made() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&run(&["completions", shell])).contains("yinke"), "{shell}");
    }
    assert!(stdout(&run(&["man"])).contains(".TH yinke 1"));
    let dir = tempfile::tempdir().unwrap();
    let output = yinke().args(["man", "--dir"]).arg(dir.path()).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(dir.path().join("yinke-up.1").exists());
}
