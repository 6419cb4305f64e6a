//! What a killed start had written and not synced: made durable by the next start before anyone reads it, and written
//! anew if the disk refuses. Without threads: nothing happens between two steps.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use journal::storage::{FakeStorage, Storage};
use journal::{Journal, Notice, Opened, Options};
use std::sync::Arc;

const NOW: i64 = 1_763_000_000_000;
const SEGMENT: u64 = 4 << 20;
/// Frames of some 400 bytes: more than the mebibyte that is searched at once, so that frames lie across its edges.
const MANY: u64 = 6_000;

fn open(disk: &FakeStorage, random: u64) -> Opened {
    let mut options = Options::new("tail", 1, 1);
    options.segment_bytes = SEGMENT;
    options.cursors = vec!["ship".to_owned()];
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    Journal::open_still(&storage, &options, NOW, random).unwrap()
}

/// Never a whole number of frames to a mebibyte: no two neighbours are of one size.
fn payload(sequence: u64) -> Vec<u8> {
    let len = 300 + usize::try_from(sequence % 200).unwrap();
    sequence.to_le_bytes().into_iter().cycle().take(len).collect()
}

#[test]
fn a_tail_that_the_disk_does_not_sync_is_written_anew_with_every_frame() {
    let disk = FakeStorage::new();
    let mut killed = open(&disk, 1);
    while killed.journal.step_spares() {}
    let writer = &mut killed.writers[0];
    let stream = writer.stream();
    for sequence in 0..MANY {
        assert_eq!(writer.append(NOW, &payload(sequence)).unwrap(), sequence);
        if sequence % 50 == 49 {
            writer.flush().unwrap();
        }
    }
    assert_eq!(killed.journal.durable(0), 0, "nothing was synced");

    let disk = disk.survive();
    disk.fail_syncs(1);
    let next = open(&disk, 2);
    assert!(
        next.notices.iter().any(|n| matches!(n, Notice::TailCopied { stream: of, from: 0 } if *of == stream)),
        "{:?}",
        next.notices
    );
    // The file that was not synced is what the cache shows; what readers get must lie elsewhere, on the disk.
    let disk = disk.crash(3);
    let after = open(&disk, 4);
    let mut reader = after.journal.reader(stream, 0).unwrap();
    for sequence in 0..MANY {
        let frame = reader.next(MANY).unwrap().unwrap();
        assert_eq!((frame.sequence, frame.payload), (sequence, payload(sequence).as_slice()));
    }
    assert!(reader.next(MANY).unwrap().is_none());
}
