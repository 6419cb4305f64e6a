//! Writes frames until it is killed, and says what it promises to keep: for tests that kill it or cut the power.
//!
//! `journal_writer --data DIR --mode fast|synced [--segment-kib N]` prints `START`, then `ACK n` once the frames 0 to
//! n - 1 are promised: `fast` as soon as they are written (they survive kill -9), `synced` once they are durable (they
//! survive a power cut).
//!
//! With `--lives` it first reads what earlier lives left, prints a `FOUND` line for each of their streams, and gives it
//! free; its promises then also say when the frames had been appended, what time it is, what is durable, and how old the
//! oldest frame is that is not.

use journal::{Journal, Opened, Options, ReadError, StreamInfo, Writer};
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::mpsc;
use std::time::Instant;

/// Turns between two releases of what is durable, so that files are used again while it writes.
const RELEASE_EVERY: u64 = 64;

#[expect(clippy::disallowed_methods, reason = "a program of its own asks the clock itself")]
fn now_ms() -> Result<i64, Box<dyn Error>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_millis())?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |flag: &str| args.iter().position(|a| a == flag).and_then(|i| args.get(i + 1));
    let mut options = Options::new(value("--data").ok_or("--data is missing")?, 1, 1);
    if let Some(kib) = value("--segment-kib") {
        options.segment_bytes = kib.parse::<u64>()? << 10;
    }
    options.cursors = vec!["ship".to_owned()];
    let synced = value("--mode").is_some_and(|mode| mode == "synced");
    let lives = args.iter().any(|a| a == "--lives");
    let now = now_ms()?;
    // Time makes epochs differ enough for a test.
    let mut opened = Journal::open(&options, now, now.unsigned_abs())?;
    if lives { live(&mut opened, synced) } else { write(&mut opened, now, synced) }
}

/// What frame number `sequence` holds; `salt` tells lives apart.
fn payload(sequence: u64, salt: u64) -> Vec<u8> {
    let len = 96 + usize::try_from(sequence % 7).unwrap_or(0) * 10;
    let word = sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt;
    word.to_le_bytes().into_iter().cycle().take(len).collect()
}

/// Appends up to `turn` frames.
fn append(writer: &mut Writer, turn: u64, at: i64, salt: u64) {
    for _ in 0..turn {
        let sequence = writer.next_sequence();
        if writer.append(at, &payload(sequence, salt)).is_err() {
            // The next segment is not ready yet.
            std::thread::yield_now();
            break;
        }
    }
}

fn write(opened: &mut Opened, now: i64, synced: bool) -> Result<(), Box<dyn Error>> {
    let Opened { journal, writers, .. } = opened;
    let writer = writers.first_mut().ok_or("no writer")?;
    let (sender, durable) = mpsc::channel();
    journal.on_durable(Box::new(move || sender.send(()).unwrap_or(())));
    let mut out = std::io::stdout().lock();
    writeln!(out, "START")?;
    loop {
        let turn = 1 + writer.next_sequence() % 5;
        append(writer, turn, now, 0);
        let next = writer.flush()?;
        while synced && journal.durable(0) < next {
            durable.recv()?;
        }
        writeln!(out, "ACK {next}")?;
        out.flush()?;
    }
}

fn live(opened: &mut Opened, synced: bool) -> Result<(), Box<dyn Error>> {
    let Opened { journal, writers, recovered, notices } = opened;
    let mut out = std::io::stdout().lock();
    for notice in notices {
        writeln!(out, "NOTICE {notice:?}")?;
    }
    let ship = journal.cursors("ship").ok_or("no cursor")?;
    for info in recovered {
        writeln!(out, "{}", found(journal, info)?)?;
        ship.set(&[(info.stream, info.next)])?;
        journal.release(info.stream, info.next)?;
    }
    let (sender, durable) = mpsc::channel();
    journal.on_durable(Box::new(move || sender.send(()).unwrap_or(())));
    let writer = writers.first_mut().ok_or("no writer")?;
    let stream = writer.stream();
    writeln!(out, "START {:x}", stream.epoch)?;
    out.flush()?;
    // A clock that never steps, as the journal's own: the window is compared with it to the millisecond.
    let (begun, clock) = (now_ms()?, Instant::now());
    let now_ms = || i64::try_from(clock.elapsed().as_millis()).map(|since| begun + since);
    let mut turns: u64 = 0;
    loop {
        turns += 1;
        let turn = 1 + turns.wrapping_mul(0x9e37_79b9) % 61;
        append(writer, turn, now_ms()?, stream.epoch);
        // Asked behind the appends: a frame is older than that, however long the system held this program up.
        let at = now_ms()?;
        let next = writer.flush()?;
        while synced && journal.durable(0) < next {
            durable.recv()?;
        }
        // The window is asked before the watermark: it may only rise in between.
        let now = now_ms()?;
        let window = journal.unsynced_age_ms();
        let durable = journal.durable(0);
        writeln!(out, "ACK {next} at={at} now={now} window={window} durable={durable}")?;
        out.flush()?;
        if turns.is_multiple_of(RELEASE_EVERY) {
            ship.set(&[(stream, durable)])?;
            journal.release(stream, durable)?;
        }
    }
}

/// What is there of an earlier life's stream, as a line.
fn found(journal: &Journal, info: &StreamInfo) -> Result<String, Box<dyn Error>> {
    let StreamInfo { stream, first, next, .. } = *info;
    let mut reader = journal.reader(stream, first).ok_or("the stream is not there")?;
    let (mut wrong, mut holes) = (0, String::new());
    loop {
        match reader.next(next) {
            Ok(Some(frame)) => {
                wrong += u64::from(frame.payload != payload(frame.sequence, stream.epoch));
            }
            Ok(None) => break,
            Err(ReadError::Damaged { from, to }) => write!(holes, " hole={from}-{to}")?,
            Err(e) => return Err(e.into()),
        }
    }
    Ok(format!("FOUND {:x} first={first} next={next} wrong={wrong}{holes}", stream.epoch))
}
