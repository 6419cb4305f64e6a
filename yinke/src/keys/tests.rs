use super::*;
use attribution_core::time::Instant;
use attribution_core::token::VisitorToken;
use std::os::unix::fs::PermissionsExt as _;

const NOW: Instant = Instant(1_700_000_000_000);

fn visitor_token() -> VisitorToken {
    VisitorToken {
        visitor: attribution_core::ids::VisitorId([7; 16]),
        issued: NOW,
        expires: NOW.plus(1_000),
        audience: 5,
    }
}

#[test]
fn keys_are_made_once_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let first = CoreSecrets::open_or_create(dir.path()).unwrap();
    let second = CoreSecrets::open_or_create(dir.path()).unwrap();
    let mut token = Vec::new();
    visitor_token().sign(&first.browser(), &mut token);
    assert_eq!(VisitorToken::open(&token, &second.browser(), 5, NOW).unwrap(), visitor_token());
    assert_eq!(first.admin_token(), second.admin_token());
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(names.len(), 4);
    for entry in names {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn an_exported_edge_reads_the_fleets_cookies() {
    let (core_dir, edge_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let core = CoreSecrets::open_or_create(core_dir.path()).unwrap();
    core.export(EdgeId(17), edge_dir.path()).unwrap();
    let edge = EdgeSecrets::open(edge_dir.path(), EdgeId(17)).unwrap();
    let mut token = Vec::new();
    visitor_token().sign(&core.browser(), &mut token);
    assert_eq!(VisitorToken::open(&token, &edge.browser, 5, NOW).unwrap(), visitor_token());
    assert_eq!(edge.click.id().to_string(), "g1e17");
    // The master never leaves the core.
    assert!(!edge_dir.path().join("master.g1.key").exists());
    assert!(matches!(core.export(EdgeId(17), edge_dir.path()), Err(KeysError::Create { .. })));
}

#[test]
fn bad_key_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    CoreSecrets::open_or_create(dir.path()).unwrap();
    let check = dir.path().join(CHECK);
    std::fs::write(&check, "not hex").unwrap();
    assert!(matches!(CoreSecrets::open_or_create(dir.path()), Err(KeysError::Malformed { want: 16, .. })));
    std::fs::set_permissions(&check, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(CoreSecrets::open_or_create(dir.path()), Err(KeysError::Exposed { mode: 0o644, .. })));
}

#[test]
fn the_newest_generation_signs_and_the_one_before_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let before = CoreSecrets::open_or_create(dir.path()).unwrap();
    file::create(&dir.path().join("master.g2.key"), &[9; 32]).unwrap();
    let after = CoreSecrets::open_or_create(dir.path()).unwrap();
    assert_eq!(after.browser().current().id().generation, 2);
    let mut token = Vec::new();
    visitor_token().sign(&before.browser(), &mut token);
    VisitorToken::open(&token, &after.browser(), 5, NOW).unwrap();
}
