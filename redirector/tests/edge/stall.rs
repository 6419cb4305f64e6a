//! A disk that takes writes and does not sync for a while: answers go on as before, the window that is published is the
//! true one, and memory grows by the frames alone.
//!
//! `YINKE_TEST_STALL_SECONDS` makes the stall longer; the latencies that are printed are figures, not conditions.

use crate::world::{World, eventually, path};
use redirector::clock;
use std::time::{Duration, Instant};

/// Long enough for more than a test's stall, so that what is prepared does not run out.
const SEGMENT_BYTES: u64 = 16 << 20;
/// Of one tap's frame, with everything around it.
const FRAME_BYTES: u64 = 512;

/// Taps for so long; all answers must be redirects with a claim. Gives their sorted latencies.
fn tap_for(world: &World, time: Duration) -> Vec<Duration> {
    let (mut client, mut took) = (world.client(), Vec::new());
    let until = Instant::now() + time;
    while Instant::now() < until {
        let sent = Instant::now();
        let answer = client.request("GET", &path(1), &[]);
        took.push(sent.elapsed());
        assert_eq!(answer.status, 302);
        let claimed = answer.all("set-cookie").iter().any(|cookie| cookie.contains("yk_c_"));
        assert!(claimed, "a click that is in the kernel earns its claim: {answer:?}");
    }
    took.sort();
    took
}

fn quantile(sorted: &[Duration], per_mille: usize) -> Duration {
    sorted[(sorted.len() * per_mille / 1_000).min(sorted.len() - 1)]
}

#[test]
fn a_stalled_disk_slows_no_answer_and_the_window_is_true() {
    let seconds = std::env::var("YINKE_TEST_STALL_SECONDS").map_or(1, |text| text.parse().unwrap());
    let stall = Duration::from_secs(seconds);
    let (world, disk) = World::on_disk_in_memory([], SEGMENT_BYTES);
    let calm = tap_for(&world, stall);
    eventually("all is on disk", || world.edge.readiness().unsynced_ms == 0);

    disk.hold_syncs(true);
    let before = clock::now().millis();
    let stalled = tap_for(&world, stall);
    let (published, now) = (world.edge.readiness().unsynced_ms, clock::now().millis());
    let age = u64::try_from(now - before).unwrap();
    // The first tap's frame may have been in the sync that had begun; the second one was not.
    let slack = u64::try_from(stalled[stalled.len() - 1].as_millis()).unwrap() * 2 + 50;
    assert!(published.abs_diff(age) <= slack, "{published} ms published, {age} ms old");
    let unsynced = world.metric("yinke_journal_unsynced_bytes");
    assert!(unsynced > 0 && unsynced <= stalled.len() as u64 * FRAME_BYTES, "{unsynced} bytes in memory");
    assert!(world.edge.readiness().is_ready(), "a stall is no reason to send buyers elsewhere");

    disk.hold_syncs(false);
    eventually("all is on disk again", || {
        world.edge.readiness().unsynced_ms == 0 && world.metric("yinke_journal_unsynced_bytes") == 0
    });
    assert_eq!(world.recorded().len(), calm.len() + stalled.len());
    println!(
        "stalled for {seconds} s: {} answers (p50 {:?}, p99.9 {:?}) against {} (p50 {:?}, p99.9 {:?}) before; {unsynced} bytes waited in memory",
        stalled.len(),
        quantile(&stalled, 500),
        quantile(&stalled, 999),
        calm.len(),
        quantile(&calm, 500),
        quantile(&calm, 999),
    );
}
