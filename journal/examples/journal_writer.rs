//! Writes frames until it is killed, and says what it promises to keep: for tests that kill it or cut the power.
//!
//! `journal_writer --data DIR --mode fast|synced [--segment-kib N]` prints `START`, then `ACK n` once the frames 0 to
//! n - 1 are promised: `fast` as soon as they are written (they survive kill -9), `synced` once they are durable (they
//! survive a power cut).
//!
//! `journal_writer --check DIR --acked n` reads what the last start left: exit status 0 if every promise was kept.

#![expect(clippy::print_stdout, reason = "talks to the test that started it")]

use journal::{Journal, Opened, Options, ReadError};
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc;

#[expect(clippy::disallowed_methods, reason = "a program of its own asks the clock once, for its epoch")]
fn now_ms() -> Result<i64, Box<dyn Error>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_millis())?)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |flag: &str| args.iter().position(|a| a == flag).and_then(|i| args.get(i + 1));
    if let Some(dir) = value("--check") {
        let acked = value("--acked").ok_or("--acked is missing")?.parse()?;
        return check(dir, acked);
    }
    let mut options = Options::new(value("--data").ok_or("--data is missing")?, 1, 1);
    if let Some(kib) = value("--segment-kib") {
        options.segment_bytes = kib.parse::<u64>()? << 10;
    }
    let synced = value("--mode").is_some_and(|mode| mode == "synced");
    write(&options, synced)
}

/// What frame number `sequence` holds.
fn payload(sequence: u64) -> Vec<u8> {
    let len = 96 + usize::try_from(sequence % 7).unwrap_or(0) * 10;
    sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes().into_iter().cycle().take(len).collect()
}

fn write(options: &Options, synced: bool) -> Result<ExitCode, Box<dyn Error>> {
    let now = now_ms()?;
    // Time makes epochs differ enough for a test.
    let Opened { journal, mut writers, .. } = Journal::open(options, now, now.unsigned_abs())?;
    let writer = writers.first_mut().ok_or("no writer")?;
    let (sender, durable) = mpsc::channel();
    journal.on_durable(Box::new(move || sender.send(()).unwrap_or(())));
    let mut out = std::io::stdout().lock();
    writeln!(out, "START")?;
    let mut failures = 0_u64;
    loop {
        let turn = 1 + writer.next_sequence() % 5;
        for _ in 0..turn {
            let sequence = writer.next_sequence();
            if writer.append(now, &payload(sequence)).is_err() {
                // The next segment is not ready yet.
                failures += 1;
                std::thread::yield_now();
                break;
            }
        }
        let next = writer.flush()?;
        while synced && journal.durable(0) < next {
            durable.recv()?;
        }
        writeln!(out, "ACK {next}")?;
        out.flush()?;
        if failures > 100_000_000 {
            return Err("the journal has had no space for long".into());
        }
    }
}

fn check(dir: &str, acked: u64) -> Result<ExitCode, Box<dyn Error>> {
    let now = now_ms()?;
    let opened = Journal::open(&Options::new(dir, 1, 1), now, now.unsigned_abs())?;
    let last = opened.recovered.last().ok_or("no start has left anything")?;
    let mut reader = opened.journal.reader(last.stream, 0).ok_or("the stream is not there")?;
    let mut lost = 0;
    let mut wrong = 0;
    loop {
        match reader.next(last.next) {
            Ok(Some(frame)) => wrong += u64::from(frame.payload != payload(frame.sequence)),
            Ok(None) => break,
            Err(ReadError::Damaged { from, to }) => lost += to.min(acked).saturating_sub(from),
            Err(e) => return Err(e.into()),
        }
    }
    lost += acked.saturating_sub(last.next);
    println!("{} frames there, {acked} promised, {lost} of them lost, {wrong} wrong", last.next);
    Ok(if lost == 0 && wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
