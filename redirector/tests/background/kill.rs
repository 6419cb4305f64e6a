//! A real process is killed with SIGKILL again and again while it writes and ships; nothing that it had flushed is
//! missing in the core, and nothing is there twice.

use crate::core_server::{CoreServer, Fault};
use crate::rig::{Rig, payload, quick, shipped};
use attribution_core::record::Tally;
use journal::StreamId;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const DIR: &str = "YINKE_TEST_KILL_DIR";
const CORE: &str = "YINKE_TEST_KILL_CORE";

/// The process that is killed: writes clicks and says after each flush how far it has come.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let (Ok(dir), Ok(core)) = (std::env::var(DIR), std::env::var(CORE)) else {
        return; // only the test below starts it
    };
    let mut rig = Rig::start(Path::new(&dir), core.parse().unwrap(), quick());
    let stream = rig.stream(0);
    let mut out = std::io::stdout();
    loop {
        rig.write(0, 17);
        writeln!(out, "\nflushed {} {} {}", stream.edge, stream.epoch, rig.writers[0].next_sequence())
            .unwrap();
        out.flush().unwrap();
    }
}

fn start(dir: &Path, core: &CoreServer) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--nocapture"])
        .env(DIR, dir)
        .env(CORE, core.address.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_edge_loses_nothing_that_it_had_flushed() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut flushed = Vec::new();
    for round in 1..=6_u64 {
        core.with(|state| state.batch_faults.extend([Fault::DropAfter, Fault::Status(500)]));
        let mut child = start(dir.path(), &core);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let last = tokio::task::spawn_blocking(move || {
            let mut last = None;
            let said = lines
                .map_while(Result::ok)
                .filter_map(|line| line.strip_prefix("flushed ").map(str::to_owned));
            // Each round is killed at another moment; what it says before it dies still counts.
            for (count, line) in (1..).zip(said) {
                let mut parts = line.split(' ').map(|part| part.parse::<u64>().unwrap_or(0));
                let mut next = || parts.next().unwrap_or(0);
                last = Some((next(), next(), next()));
                if count == round * 37 {
                    child.kill().unwrap();
                }
            }
            child.wait().unwrap();
            last
        })
        .await
        .unwrap();
        let (edge, epoch, sequence) = last.unwrap();
        let stream = StreamId { edge: u16::try_from(edge).unwrap(), epoch, worker: 0 };
        flushed.push((stream, sequence));
    }
    let rig = Rig::start(dir.path(), core.address, quick());
    for (stream, count) in &flushed {
        shipped(&core, *stream, *count).await;
        let ending = core
            .until("the heartbeat says what is in doubt", |state| {
                let all = state.heartbeats.iter().flat_map(|beat| &beat.streams);
                all.filter(|s| s.epoch.0 == stream.epoch && !s.live && s.worker.0 == 0).copied().last()
            })
            .await;
        assert_eq!(
            ending.in_doubt, ending.durable,
            "without a tally every click of a killed start is in doubt"
        );
    }
    rig.shutdown(Duration::from_secs(10)).await;
    core.check();
    core.with(|state| {
        for (stream, count) in &flushed {
            let frames = &state.frames[&(stream.epoch, 0)];
            for sequence in 0..*count {
                assert_eq!(frames.get(&sequence), Some(&payload(*stream, sequence)), "{stream} {sequence}");
            }
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_on_their_way_at_the_last_tally_are_in_doubt() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut rig = Rig::start(dir.path(), "127.0.0.1:1".parse().unwrap(), quick());
    rig.write(0, 100);
    rig.write_tally(0, Tally { answered: 90, recorded: 100, ..Tally::default() });
    rig.write(0, 5);
    let stream = rig.stream(0);
    // What a power cut would leave: the files as they are while the process runs.
    let left = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        match std::fs::copy(entry.path(), left.path().join(entry.file_name())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
    }
    rig.stop();
    let rig = Rig::start(left.path(), core.address, quick());
    let ending = core
        .until("the heartbeat says how the start ended", |state| {
            let mut all = state.heartbeats.iter().flat_map(|beat| &beat.streams);
            all.find(|s| s.epoch.0 == stream.epoch && !s.live && s.worker.0 == 0).copied()
        })
        .await;
    assert_eq!((ending.tally.answered, ending.tally.recorded, ending.in_doubt), (90, 105, 15));
    rig.shutdown(Duration::from_secs(10)).await;
}
