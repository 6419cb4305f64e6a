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
    let first = CoreSecrets::open_or_create(dir.path(), false).unwrap();
    let second = CoreSecrets::open_or_create(dir.path(), false).unwrap();
    let mut token = Vec::new();
    visitor_token().sign(&first.browser(), &mut token);
    assert_eq!(VisitorToken::open(&token, &second.browser(), 5, NOW).unwrap(), visitor_token());
    assert_eq!(first.admin_token(), second.admin_token());
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(names.len(), 5, "four secrets and the note that they are complete");
    for entry in names {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn an_exported_edge_reads_the_fleets_cookies() {
    let (core_dir, edge_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let core = CoreSecrets::open_or_create(core_dir.path(), false).unwrap();
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
    CoreSecrets::open_or_create(dir.path(), false).unwrap();
    let check = dir.path().join(CHECK);
    std::fs::write(&check, "not hex").unwrap();
    assert!(matches!(
        CoreSecrets::open_or_create(dir.path(), false),
        Err(KeysError::Malformed { want: 16, .. })
    ));
    std::fs::set_permissions(&check, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(
        CoreSecrets::open_or_create(dir.path(), false),
        Err(KeysError::Exposed { mode: 0o644, .. })
    ));
}

#[test]
fn the_newest_generation_signs_and_the_one_before_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let before = CoreSecrets::open_or_create(dir.path(), false).unwrap();
    file::create(&dir.path().join("master.g2.key"), &[9; 32]).unwrap();
    let after = CoreSecrets::open_or_create(dir.path(), false).unwrap();
    assert_eq!(after.browser().current().id().generation, 2);
    let mut token = Vec::new();
    visitor_token().sign(&before.browser(), &mut token);
    VisitorToken::open(&token, &after.browser(), 5, NOW).unwrap();
}

#[test]
fn a_rotation_refuses_no_good_cookie_wherever_a_process_stands() {
    let dir = tempfile::tempdir().unwrap();
    let open = || CoreSecrets::open_or_create(dir.path(), true).unwrap();
    let export = |name: &str| {
        let to = dir.path().join(name);
        std::fs::create_dir(&to).unwrap();
        open().export(EdgeId(17), &to).unwrap();
        EdgeSecrets::open(&to, EdgeId(17)).unwrap().browser
    };
    CoreSecrets::open_or_create(dir.path(), false).unwrap();
    for generation in 2..=4 {
        let old = [open().browser(), export(&format!("old{generation}"))];
        assert_eq!(rotate(dir.path()).unwrap(), Rotated::Prepared(generation));
        let told = [open().browser(), export(&format!("told{generation}"))];
        assert_eq!(rotate(dir.path()).unwrap(), Rotated::InUse(generation));
        let new = [open().browser(), export(&format!("new{generation}"))];
        // Those that have been restarted and those that have not yet read each other's cookies, in both steps.
        for (signers, readers) in [(&old, &told), (&told, &old), (&told, &new), (&new, &told), (&new, &new)] {
            for (signer, reader) in signers.iter().zip(readers.iter().rev()) {
                let mut token = Vec::new();
                visitor_token().sign(signer, &mut token);
                assert_eq!(VisitorToken::open(&token, reader, 5, NOW).unwrap(), visitor_token());
            }
        }
        let signs = |keys: &[BrowserKeys; 2]| keys.each_ref().map(|keys| keys.current().id().generation);
        assert_eq!((signs(&told), signs(&new)), ([generation - 1; 2], [generation; 2]));
    }
    // The core reads an edge's click tokens of each generation, also the one that is only prepared.
    rotate(dir.path()).unwrap();
    assert_eq!(open().next.unwrap().generation(), 5);
}

#[test]
fn a_rotation_that_was_cut_short_is_finished_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(rotate(dir.path()), Err(KeysError::Missing(_))), "nothing to rotate yet");
    CoreSecrets::open_or_create(dir.path(), false).unwrap();
    rotate(dir.path()).unwrap();
    let prepared = dir.path().join("master.g2.next.key");
    std::fs::copy(&prepared, dir.path().join("master.g2.key")).unwrap();
    let secrets = CoreSecrets::open_or_create(dir.path(), true).unwrap();
    assert_eq!((secrets.masters[0].generation(), secrets.next.is_none()), (2, true));
    assert_eq!(rotate(dir.path()).unwrap(), Rotated::Prepared(3));
}

#[test]
fn a_key_that_was_there_is_never_made_anew() {
    for name in ["master.g1.key", CHECK, ADDRESS, ADMIN_TOKEN] {
        let dir = tempfile::tempdir().unwrap();
        CoreSecrets::open_or_create(dir.path(), false).unwrap();
        let path = dir.path().join(name);
        std::fs::remove_file(&path).unwrap();
        assert!(
            matches!(CoreSecrets::open_or_create(dir.path(), false), Err(KeysError::Missing(p)) if p == path)
        );
        assert!(!path.exists(), "{name}");
    }
    // The whole folder is gone, but the data is there.
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(CoreSecrets::open_or_create(dir.path(), true), Err(KeysError::Missing(_))));
}

#[test]
fn keys_that_were_only_half_made_are_completed() {
    let dir = tempfile::tempdir().unwrap();
    let first = CoreSecrets::open_or_create(dir.path(), false).unwrap();
    for name in [ADDRESS, COMPLETE] {
        std::fs::remove_file(dir.path().join(name)).unwrap();
    }
    let second = CoreSecrets::open_or_create(dir.path(), false).unwrap();
    assert_eq!(first.admin_token(), second.admin_token());
}
