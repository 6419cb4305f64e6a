//! What the disk has spoilt is named to the core as an exact range, and the rest arrives.

use crate::core_server::CoreServer;
use crate::rig::{Rig, check_frames, quick, shipped};
use std::time::Duration;

#[tokio::test]
async fn spoilt_frames_are_named_and_the_rest_arrives() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut rig = Rig::start(dir.path(), "127.0.0.1:1".parse().unwrap(), quick());
    rig.write(0, 200);
    let stream = rig.stream(0);
    rig.stop();
    spoil(dir.path(), &crate::rig::payload(stream, 90));
    let rig = Rig::start(dir.path(), core.address, quick());
    shipped(&core, stream, 200).await;
    let lost = core.with(|state| state.lost.clone());
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].epoch.0, lost[0].worker.0, lost[0].from, lost[0].to), (stream.epoch, 0, 90, 91));
    core.until("the heartbeat counts them", |state| {
        let all = state.heartbeats.iter().flat_map(|beat| &beat.streams);
        all.filter(|s| s.epoch.0 == stream.epoch && s.quarantined == 1).map(drop).next()
    })
    .await;
    rig.shutdown(Duration::from_secs(10)).await;
    check_frames(&core, stream, 200, 90..91);
}

/// Flips a bit in the frame that holds these bytes.
fn spoil(dir: &std::path::Path, payload: &[u8]) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap_or_default();
        if let Some(at) = bytes.windows(payload.len()).position(|window| window == payload) {
            bytes[at + 20] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            return;
        }
    }
    panic!("no file of the journal holds the frame");
}

#[tokio::test]
async fn a_segment_that_vanished_is_named_and_the_heartbeat_counts_it() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut rig = Rig::start(dir.path(), "127.0.0.1:1".parse().unwrap(), quick());
    rig.write(0, 20);
    let stream = rig.stream(0);
    rig.shutdown(Duration::from_millis(100)).await;
    std::fs::remove_file(dir.path().join(journal::segment::name(stream, 0))).unwrap();
    let rig = Rig::start(dir.path(), core.address, quick());
    let end = core
        .until("the heartbeat counts what is lost", |state| {
            let all = state.heartbeats.iter().flat_map(|beat| &beat.streams);
            all.filter(|s| s.epoch.0 == stream.epoch && s.worker.0 == 0).find(|s| s.quarantined > 0).copied()
        })
        .await;
    let lost = core.with(|state| state.lost.clone());
    assert_eq!((lost.len(), lost[0].from, lost[0].to), (1, 0, end.appended));
    assert_eq!(end.quarantined, end.appended);
    rig.shutdown(Duration::from_secs(10)).await;
}
