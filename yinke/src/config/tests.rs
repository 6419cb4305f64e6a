use super::*;
use std::os::unix::fs::PermissionsExt as _;

const EDGE_EXAMPLE: &str = include_str!("../../../deploy/config/edge.example.toml");
const CORE_EXAMPLE: &str = include_str!("../../../deploy/config/core.example.toml");

fn mistakes<T: Role>(text: &str) -> Vec<String> {
    match parse_text::<T>(Path::new("edge.toml"), text) {
        Ok(_) => Vec::new(),
        Err(ConfigError::Mistakes(mistakes)) => mistakes.0.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
    }
}

/// The example with its token file moved to one that exists.
fn edge_example() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("core.token");
    std::fs::write(&token, "yk_edge_secret\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = EDGE_EXAMPLE.replace("/etc/yinke/edge-keys/core.token", token.to_str().unwrap());
    assert_ne!(text, EDGE_EXAMPLE);
    (dir, text)
}

#[test]
fn the_examples_are_whole() {
    let (_dir, text) = edge_example();
    let Ok(edge) = parse_text::<EdgeFile>(Path::new("/etc/yinke/edge.toml"), &text) else {
        panic!("{:?}", mistakes::<EdgeFile>(&text))
    };
    assert_eq!(edge.settings.core_token, "yk_edge_secret");
    let Ok(core) = parse_text::<CoreFile>(Path::new("/etc/yinke/core.toml"), CORE_EXAMPLE) else {
        panic!("{:?}", mistakes::<CoreFile>(CORE_EXAMPLE))
    };
    assert_eq!(core.settings.store, StoreChoice::Sqlite("/var/lib/yinke-core/core.sqlite".into()));
}

#[test]
fn commented_settings_of_the_examples_are_known_keys() {
    let (_dir, text) = edge_example();
    for (example, is_edge) in [(text.as_str(), true), (CORE_EXAMPLE, false)] {
        let uncommented: String = example
            .lines()
            .map(|line| {
                let setting = line.strip_prefix("# ").filter(|l| l.split(' ').nth(1) == Some("="));
                format!("{}\n", setting.unwrap_or(line))
            })
            .collect();
        let found =
            if is_edge { mistakes::<EdgeFile>(&uncommented) } else { mistakes::<CoreFile>(&uncommented) };
        assert!(found.iter().all(|m| !m.contains("unknown key")), "{found:#?}");
    }
}

#[test]
fn a_core_knows_the_edges_further_hosts_and_reads_numbers_in_any_base() {
    let text = r#"
data_dir = "data"
public_url = "https://yk.example/"
hosts = ["yk2.example"]
[listen]
api = "127.0.0.1:0"
admin = "127.0.0.1:0"
[limits]
merchant = 0x64
promoter = 1_000
"#;
    let Ok(core) = parse_text::<CoreFile>(Path::new("core.toml"), text) else {
        panic!("{:?}", mistakes::<CoreFile>(text))
    };
    assert_eq!(core.settings.hosts, ["yk2.example"]);
    assert_eq!((core.settings.limits.merchant, core.settings.limits.promoter), (100, 1_000));
}

#[test]
fn five_mistakes_are_all_reported() {
    let text = r#"
edge = 0
data_dir = "data"
public_url = "yk.example"
[listen]
public = "0.0.0.0"
admin = "127.0.0.1:9090"
[core]
url = "http://core.internal:8081"
token_file = "/nowhere/core.token"
[server]
header_timeoot = "10s"
"#;
    insta::assert_snapshot!(mistakes::<EdgeFile>(text).join("\n"), @r#"
    edge.toml:2:8: edge: expected this edge's number, 1 to 65535, found 0
    edge.toml:4:14: public_url: expected an http(s) URL such as "https://yk.example/", without user, query, fragment or port 0, found "yk.example"
    edge.toml:6:10: listen.public: expected an address such as "0.0.0.0:8080", found "0.0.0.0"
    edge.toml:10:14: core.token_file: expected a readable file: cannot read key file /nowhere/core.token: No such file or directory (os error 2)
    edge.toml:12:1: server.header_timeoot: unknown key; did you mean server.header_timeout?
    "#);
}

#[test]
fn a_syntax_error_has_its_place() {
    let found = mistakes::<EdgeFile>("edge = 1\n[listen\n");
    assert!(found[0].starts_with("edge.toml:2:"), "{found:?}");
}

#[test]
fn an_effective_print_parses_back_and_hides_secrets() {
    let text = "data_dir = \"/d\"\npublic_url = \"https://yk.example/\"\n[listen]\napi = \"127.0.0.1:1\"\nadmin = \
                \"127.0.0.1:2\"\n[store]\npostgres = \"postgres://a:hunter2@db/x\"\n[auth]\nadmin_token = \"hunter2\"\n";
    let Ok(core) = parse_text::<CoreFile>(Path::new("core.toml"), text) else {
        panic!("{:?}", mistakes::<CoreFile>(text))
    };
    let printed = core.effective.toml(true);
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("admin_token = \"***\""), "{printed}");
    assert!(toml::from_str::<toml::Table>(&printed).is_ok(), "{printed}");
}

#[test]
fn redis_is_one_server_or_a_cluster_and_its_password_is_never_shown() {
    let base = "data_dir = \"/d\"\npublic_url = \"https://yk.example/\"\n[listen]\napi = \"127.0.0.1:1\"\nadmin = \
                \"127.0.0.1:2\"\n[redis]\n";
    let text = format!("{base}cluster = \"redis://:hunter2@r1:7000, redis://:hunter2@r2:7000\"\n");
    let Ok(core) = parse_text::<CoreFile>(Path::new("core.toml"), &text) else {
        panic!("{:?}", mistakes::<CoreFile>(&text))
    };
    let redis = core.settings.redis.unwrap();
    assert_eq!((redis.nodes.len(), redis.cluster), (2, true));
    assert!(!core.effective.toml(true).contains("hunter2"));
    for (setting, expected) in [
        ("url = \"redis://a\"\ncluster = \"redis://b\"", "expected only one of redis.url and redis.cluster"),
        ("url = \"a:hunter2\"", "redis.url: address 1 is not of the form redis://"),
        ("cluster = \"redis://a/1\"", "redis.cluster: address 1 names a database"),
    ] {
        let found = mistakes::<CoreFile>(&format!("{base}{setting}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(expected) && !found[0].contains("hunter2"), "{found:?}");
    }
}
