//! kill -9 of a real process that writes: everything it promised is there, in order and unchanged, and its directory is
//! free for the next start at once.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use journal::{Journal, Options, StreamId};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ROUNDS: u64 = 20;
const NOW: i64 = 1_763_000_000_000;

/// The example that writes, built by cargo beside the tests.
fn writer() -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let path = deps.ancestors().nth(2).unwrap().join("examples/journal_writer");
    assert!(path.exists(), "{} is not there: `cargo test -p journal` builds it", path.display());
    path
}

fn payload(sequence: u64) -> Vec<u8> {
    let len = 96 + usize::try_from(sequence % 7).unwrap() * 10;
    sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes().into_iter().cycle().take(len).collect()
}

/// Runs the writer until it has printed `lines` promises, kills it, and gives the last promise.
fn write_and_kill(dir: &Path, mode: &str, lines: usize) -> u64 {
    let mut child = Command::new(writer())
        .args(["--data", dir.to_str().unwrap(), "--mode", mode, "--segment-kib", "256"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(output.next().as_deref(), Some("START"));
    let mut acked = 0;
    let mut promise = |line: String| acked = line.strip_prefix("ACK ").unwrap().parse().unwrap();
    output.by_ref().take(lines).for_each(&mut promise);
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said before it died counts, but for a line cut in two.
    let rest: Vec<String> = output.collect();
    for line in rest.iter().take(rest.len().saturating_sub(1)) {
        promise(line.clone());
    }
    acked
}

fn check(journal: &Journal, stream: StreamId, from: u64, next: u64) {
    let mut reader = journal.reader(stream, from).unwrap();
    for sequence in from..next {
        let frame = reader.next(next).unwrap().unwrap();
        assert_eq!((frame.sequence, frame.payload), (sequence, payload(sequence).as_slice()));
    }
}

#[test]
fn what_was_promised_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = Options::new(dir.path(), 1, 1);
    options.segment_bytes = 256 << 10;
    options.cursors = vec!["ship".to_owned()];
    let mut promised = 0;
    for round in 0..ROUNDS {
        // A synced promise takes some milliseconds.
        let (mode, limit) = if round % 2 == 0 { ("fast", 3000) } else { ("synced", 60) };
        let acked = write_and_kill(dir.path(), mode, usize::try_from(round * 7919 % limit).unwrap() + 1);
        promised += acked;
        let opened = Journal::open(&options, NOW, round).unwrap();
        assert_eq!(opened.notices, [], "round {round}: a kill is no damage");
        let info = opened.recovered.iter().rev().find(|info| info.next > 0).unwrap();
        assert!(info.next >= acked, "round {round}: {acked} promised, {} there", info.next);
        let ship = opened.journal.cursors("ship").unwrap();
        for info in &opened.recovered {
            let from = ship.get(info.stream);
            check(&opened.journal, info.stream, from, info.next);
            // Some are shipped wholly, some in part, some later.
            let to = match round % 3 {
                0 => info.next,
                1 => from.max(info.next / 2),
                _ => from,
            };
            ship.set(&[(info.stream, to)]).unwrap();
            opened.journal.release(info.stream, to).unwrap();
        }
    }
    assert!(promised > ROUNDS * 100, "only {promised} promises in all: the test shows little");
}
