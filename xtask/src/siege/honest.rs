//! Honest clients: clicks at an even rate, each timed from the instant at which it was due.

use super::{Field, precedence};
use anyhow::{Context as _, Result, ensure};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Clients at once.
const CLIENTS: u32 = 16;
/// A client connects anew after so many clicks.
const CLICKS_PER_CONNECTION: u32 = 10;
const AGENT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
    Mobile/15E148 MicroMessenger/8.0.49 NetType/WIFI Language/zh_CN";

/// How long clicks waited, in microseconds, and how many were not served.
#[derive(Default)]
pub(crate) struct Waits {
    micros: Vec<u32>,
    pub(crate) failed: u64,
    /// The first failure.
    pub(crate) why: Option<String>,
}

impl Waits {
    pub(crate) const fn served(&self) -> usize {
        self.micros.len()
    }

    /// The wait that so many of a thousand clicks did not exceed. Sorted by whoever collected them.
    pub(crate) fn quantile(&self, of_a_thousand: usize) -> u32 {
        let last = self.micros.len().saturating_sub(1);
        self.micros.get(last * of_a_thousand / 1_000).copied().unwrap_or_default()
    }
}

/// Clicks for `at_least` so long, and on while `goes_on`.
pub(crate) fn click(
    field: &Field,
    codes: &[String],
    rate: u32,
    mut goes_on: impl FnMut() -> Result<bool>,
    at_least: Duration,
) -> Result<Waits> {
    let (enough, all) = (AtomicBool::new(false), Mutex::new(Waits::default()));
    let every = Duration::from_secs(1) * CLIENTS / rate.max(1);
    std::thread::scope(|scope| -> Result<()> {
        let _enough = super::Over(&enough);
        let (enough, all) = (&enough, &all);
        // Its threads come first as it does.
        scope.spawn(move || {
            // Where this is not allowed they wait for a processor like everybody.
            let _ = precedence::clients();
            let began = Instant::now();
            for client in 0..CLIENTS {
                scope.spawn(move || {
                    let waits = one_client(field, codes, began + every * client / CLIENTS, every, enough);
                    let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    all.micros.extend(waits.micros);
                    all.failed += waits.failed;
                    all.why = all.why.take().or(waits.why);
                });
            }
        });
        let began = Instant::now();
        while goes_on()? || began.elapsed() < at_least {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    })?;
    let mut all = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.micros.sort_unstable();
    Ok(all)
}

fn one_client(
    field: &Field,
    codes: &[String],
    first: Instant,
    every: Duration,
    enough: &AtomicBool,
) -> Waits {
    let mut waits = Waits::default();
    let mut stream = None;
    let mut due = first;
    let mut number: u32 = 0;
    while !enough.load(Ordering::Relaxed) {
        let now = Instant::now();
        if now < due {
            std::thread::park_timeout(due - now);
            continue;
        }
        if number.is_multiple_of(CLICKS_PER_CONNECTION) {
            stream = None;
        }
        let code = &codes[number as usize % codes.len()];
        match tap(field, &mut stream, code) {
            Ok(()) => waits.micros.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX)),
            Err(error) => {
                waits.failed += 1;
                waits.why.get_or_insert_with(|| format!("{error:#}"));
                stream = None;
            }
        }
        number += 1;
        due += every;
    }
    waits
}

fn tap(field: &Field, stream: &mut Option<TcpStream>, code: &str) -> Result<()> {
    let stream = match stream {
        Some(stream) => stream,
        None => {
            let new = TcpStream::connect_timeout(&field.edge, Duration::from_secs(10))?;
            new.set_nodelay(true)?;
            new.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.insert(new)
        }
    };
    let request = format!("GET /{code} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {AGENT}\r\n\r\n", field.edge);
    stream.write_all(request.as_bytes())?;
    let (mut answer, mut len) = ([0; 4_096], 0);
    // A redirect has no body: it ends with its head.
    while !answer[..len].ends_with(b"\r\n\r\n") {
        let more = stream.read(&mut answer[len..]).context("reading the answer")?;
        ensure!(more > 0, "closed instead of an answer");
        len += more;
    }
    ensure!(
        answer.starts_with(b"HTTP/1.1 302"),
        "another answer: {}",
        String::from_utf8_lossy(&answer[..len])
    );
    Ok(())
}
