//! Frames reach the core exactly once in effect, whatever the core does.

use crate::core_server::{CoreServer, Fault, State};
use crate::rig::{Rig, check_frames, quick, shipped};
use attribution_core::record::Tally;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn everything_written_arrives_once_and_the_heartbeat_says_so() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut rig = Rig::start(dir.path(), core.address, quick());
    let tally = Tally { answered: 600, recorded: 600, counted: [1, 2, 3, 4], unjournaled: 0 };
    rig.tallies.lock().unwrap()[0] = tally;
    for _ in 0..20 {
        rig.write(0, 30);
        rig.write(1, 7);
    }
    let streams = [rig.stream(0), rig.stream(1)];
    shipped(&core, streams[0], 600).await;
    shipped(&core, streams[1], 140).await;
    let status = core
        .until("a heartbeat that says 600 shipped", |state| {
            let streams = &state.heartbeats.last()?.streams;
            streams.iter().find(|s| s.worker.0 == 0 && s.shipped == 600).copied()
        })
        .await;
    assert_eq!((status.live, status.appended, status.durable, status.in_doubt), (true, 600, 600, 0));
    assert_eq!(status.tally, tally.into());
    core.until("shipped-through follows the clock of an idle edge", |state| {
        let beat = state.heartbeats.last()?;
        (beat.shipped_through.millis() > beat.at.millis() - 2_100).then_some(())
    })
    .await;
    let report = rig.shutdown(DEADLINE).await;
    assert_eq!((report.unshipped, report.deadline_passed), (0, false));
    check_frames(&core, streams[0], 600, 0..0);
    check_frames(&core, streams[1], 140, 0..0);
    assert_eq!(core.with(|state| state.repeated), 0);
    assert!(core.with(|state| state.connections) <= 6, "connections are reused");
}

#[tokio::test]
async fn whatever_the_core_does_every_frame_arrives_once() {
    use Fault::{Drop, DropAfter, Hang, Nonsense, Status};
    let faults = [
        vec![Status(500), Status(503), Status(502)],
        vec![Drop, Drop],
        vec![DropAfter, DropAfter],
        vec![Hang],
        vec![Nonsense],
        vec![Status(401)],
        vec![Status(413), Status(413)],
        vec![Status(422), DropAfter, Status(500)],
        vec![Status(409)],
    ];
    for faults in faults {
        let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
        core.with(|state| state.batch_faults.extend(&faults));
        let mut rig = Rig::start(dir.path(), core.address, quick());
        rig.write(0, 500);
        let stream = rig.stream(0);
        shipped(&core, stream, 500).await;
        rig.write(0, 500);
        shipped(&core, stream, 1_000).await;
        assert!(core.with(|state| state.batch_faults.is_empty()), "{faults:?} were met");
        rig.shutdown(DEADLINE).await;
        check_frames(&core, stream, 1_000, 0..0);
    }
}

#[tokio::test]
async fn what_an_earlier_start_left_is_shipped_beside_the_new_clicks() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let away = "127.0.0.1:1".parse().unwrap();
    let mut old = Vec::new();
    for count in [100, 200, 300] {
        let mut rig = Rig::start(dir.path(), away, quick());
        rig.write(0, count);
        rig.write_tally(0, Tally { answered: count, recorded: count, ..Tally::default() });
        old.push((rig.stream(0), count));
        let report = rig.shutdown(Duration::from_millis(100)).await;
        assert!(report.deadline_passed && report.unshipped > count);
    }
    let mut rig = Rig::start(dir.path(), core.address, quick());
    rig.write(0, 50);
    shipped(&core, rig.stream(0), 50).await;
    for (stream, count) in &old {
        shipped(&core, *stream, count + 1).await;
        let ending = core
            .until("the core hears how the start ended", |state| {
                let all = state.heartbeats.iter().flat_map(|beat| &beat.streams);
                all.filter(|s| s.epoch.0 == stream.epoch && s.worker.0 == 0 && s.shipped == s.durable)
                    .copied()
                    .last()
            })
            .await;
        assert_eq!((ending.live, ending.tally.recorded, ending.in_doubt), (false, *count, 0));
    }
    let journal = std::sync::Arc::clone(&rig.journal);
    core.until("what is whole and heard is released", |_| {
        (journal.streams().iter().all(|info| info.live)).then_some(())
    })
    .await;
    rig.shutdown(DEADLINE).await;
}

#[tokio::test]
async fn a_lost_cursor_is_found_again() {
    for strict in [true, false] {
        let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
        core.with(|state| state.strict = strict);
        let mut rig = Rig::start(dir.path(), core.address, quick());
        rig.write(0, 400);
        let stream = rig.stream(0);
        shipped(&core, stream, 400).await;
        rig.stop();
        // As after a crash before the cursor was first written; the core knows better.
        match std::fs::remove_file(dir.path().join("cursor-ship")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
        let rig = Rig::start(dir.path(), core.address, quick());
        let journal = std::sync::Arc::clone(&rig.journal);
        core.until("the old stream is whole and gone", |_| {
            journal.streams().iter().all(|info| info.live).then_some(())
        })
        .await;
        rig.shutdown(DEADLINE).await;
        check_frames(&core, stream, 400, 0..0);
        assert!(!strict || core.with(|state| state.repeated) == 0);
    }
}

#[tokio::test]
async fn a_core_restored_from_a_backup_gets_what_the_journal_still_has_and_hears_what_is_lost() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut rig = Rig::start(dir.path(), core.address, quick());
    // Several small segments, so that the first ones are released.
    rig.write(0, 3_000);
    let stream = rig.stream(0);
    shipped(&core, stream, 3_000).await;
    let journal = std::sync::Arc::clone(&rig.journal);
    let first =
        |journal: &journal::Journal| journal.streams().iter().find(|i| i.stream == stream).unwrap().first;
    core.until("segments are released", |_| (first(&journal) > 1_000).then_some(())).await;
    core.with(|state| {
        state.cursors.insert((stream.epoch, stream.worker), 500);
        state.frames.get_mut(&(stream.epoch, stream.worker)).unwrap().retain(|sequence, _| *sequence < 500);
    });
    rig.write(0, 10);
    shipped(&core, stream, 3_010).await;
    let lost = core.with(|state| state.lost.clone());
    assert_eq!(lost.len(), 1, "{lost:?}");
    let (from, to) = (lost[0].from, lost[0].to);
    assert_eq!(from, 500);
    assert!(to > 1_000 && to <= first(&journal).max(to), "the journal began at {to}");
    rig.shutdown(DEADLINE).await;
    check_frames(&core, stream, 3_010, from..to);
}

#[tokio::test]
async fn what_could_not_be_shipped_before_the_deadline_waits_for_the_next_start() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    core.with(|state| state.batch_faults.extend([Fault::Hang; 50]));
    let mut rig = Rig::start(dir.path(), core.address, quick());
    rig.write(1, 80);
    let stream = rig.stream(1);
    let report = rig.shutdown(Duration::from_millis(700)).await;
    assert_eq!((report.unshipped, report.deadline_passed), (80, true));
    core.with(|state| state.batch_faults.clear());
    let rig = Rig::start(dir.path(), core.address, quick());
    shipped(&core, stream, 80).await;
    rig.shutdown(DEADLINE).await;
    check_frames(&core, stream, 80, 0..0);
}

#[tokio::test]
async fn an_idle_stream_hears_that_the_core_was_set_back() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut rig = Rig::start(dir.path(), core.address, quick());
    rig.write(0, 300);
    let stream = rig.stream(0);
    shipped(&core, stream, 300).await;
    let says = |state: &State, shipped: u64| {
        let status = state.heartbeats.last()?.streams.iter().find(|s| s.worker.0 == 0)?;
        (status.epoch.0 == stream.epoch && status.shipped == shipped).then_some(())
    };
    core.until("the edge believes that all is here", |state| says(state, 300)).await;
    // Nothing is written any more: only a heartbeat can tell.
    core.with(|state| {
        state.cursors.insert((stream.epoch, stream.worker), 120);
        state.frames.get_mut(&(stream.epoch, stream.worker)).unwrap().retain(|sequence, _| *sequence < 120);
        // For a while the core takes no batch: what was set back is not spoken of as shipped.
        state.batch_faults.extend([Fault::Status(503); 500]);
    });
    core.until("the edge takes its word back", |state| says(state, 120)).await;
    // Nor is it released, or passed over by a start that follows.
    let cursors = rig.journal.cursors("ship").unwrap();
    core.until("its cursor is set back", |_| (cursors.get(stream) == 120).then_some(())).await;
    core.with(|state| state.batch_faults.clear());
    shipped(&core, stream, 300).await;
    rig.shutdown(DEADLINE).await;
    check_frames(&core, stream, 300, 0..0);
    assert!(core.with(|state| state.lost.is_empty()));
}
