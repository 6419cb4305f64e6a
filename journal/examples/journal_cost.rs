//! What a frame costs: nanoseconds of CPU per frame for append and flush on one thread, by frames per flush, and for
//! reading them back. `journal_cost --data DIR`, on the disk to be measured.

#![expect(clippy::print_stdout, reason = "prints a table")]

use journal::{AppendError, Journal, Opened, Options};
use std::error::Error;
use std::time::{Duration, Instant};

const FRAMES: u64 = 400_000;
/// A click without a label.
const PAYLOAD: [u8; 96] = [7; 96];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let dir =
        args.iter().position(|a| a == "--data").and_then(|i| args.get(i + 1)).ok_or("--data is missing")?;
    let mut options = Options::new(dir, 1, 1);
    options.spare_segments = 8;
    println!("frames/flush  append ns  flush ns  together ns/frame  refused  syncs");
    for (round, turn) in (1_u64..).zip([1_u64, 2, 4, 8, 16, 64]) {
        let opened = Journal::open(&options, 1_763_000_000_000, round)?;
        measure_writing(opened, turn)?;
    }
    Ok(())
}

fn measure_writing(opened: Opened, turn: u64) -> Result<(), Box<dyn Error>> {
    let Opened { journal, mut writers, .. } = opened;
    let writer = writers.first_mut().ok_or("no writer")?;
    let (mut appending, mut flushing) = (Duration::ZERO, Duration::ZERO);
    while writer.next_sequence() < FRAMES {
        let begun = Instant::now();
        let mut full = false;
        for _ in 0..turn {
            match writer.append(1_763_000_000_000, &PAYLOAD) {
                Ok(_) => {}
                Err(AppendError::NoSpace | AppendError::Backlog) => full = true,
                Err(e) => return Err(e.into()),
            }
        }
        let appended = Instant::now();
        writer.flush()?;
        if full {
            // Waiting for the disk is not what is measured.
            std::thread::yield_now();
            continue;
        }
        appending += appended - begun;
        flushing += appended.elapsed();
    }
    let per_frame = |time: Duration| time.as_nanos() / u128::from(FRAMES);
    let stats = journal.stats();
    println!(
        "{turn:>12}  {:>9}  {:>8}  {:>17}  {:>7}  {:>5}",
        per_frame(appending),
        per_frame(flushing),
        per_frame(appending + flushing),
        stats.refused,
        stats.syncs
    );
    journal.close()?;
    if turn == 64 {
        let mut reader = journal.reader(writer.stream(), 0).ok_or("no stream")?;
        let begun = Instant::now();
        while reader.next(FRAMES)?.is_some() {}
        println!("reading: {} ns/frame", per_frame(begun.elapsed()));
    }
    Ok(())
}
