//! What a frame costs: median nanoseconds per frame for append and flush on one thread, by frames per flush, and for reading
//! them back. `journal_cost --data DIR`, on the disk to be measured.

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
        let begun = Instant::now();
        let opened = Journal::open(&options, 1_763_000_000_000, round)?;
        println!(
            "opened in {} ms, {} segments of earlier starts",
            begun.elapsed().as_millis(),
            opened.journal.stats().old_segments
        );
        measure_writing(opened, turn)?;
    }
    Ok(())
}

fn measure_writing(opened: Opened, turn: u64) -> Result<(), Box<dyn Error>> {
    let Opened { journal, mut writers, .. } = opened;
    let writer = writers.first_mut().ok_or("no writer")?;
    let (mut appending, mut flushing) = (Vec::new(), Vec::new());
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
        appending.push(appended - begun);
        flushing.push(appended.elapsed());
    }
    let stats = journal.stats();
    let (append, flush) = (median(&mut appending) / turn, median(&mut flushing) / turn);
    println!(
        "{turn:>12}  {append:>9}  {flush:>8}  {:>17}  {:>7}  {:>5}",
        append + flush,
        stats.refused,
        stats.syncs
    );
    journal.close()?;
    if turn == 64 {
        let mut reader = journal.reader(writer.stream(), 0).ok_or("no stream")?;
        let mut reading = Vec::new();
        while reader.position() < FRAMES {
            let begun = Instant::now();
            for _ in 0..100 {
                reader.next(FRAMES)?;
            }
            reading.push(begun.elapsed());
        }
        println!("reading: {} ns/frame", median(&mut reading) / 100);
    }
    Ok(())
}

/// In nanoseconds. The median, because other work on the machine must not count.
fn median(times: &mut [Duration]) -> u64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0, |t| u64::try_from(t.as_nanos()).unwrap_or(u64::MAX))
}
