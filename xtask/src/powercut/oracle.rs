//! What the writer promised before a cut, against what it found after it.

use anyhow::{Context as _, Result, bail, ensure};
use std::ops::Range;
use std::str::FromStr;

/// What one life promised.
pub(super) struct Life {
    epoch: u64,
    promises: Vec<Promise>,
}

/// One promise: frames below `next` are kept, those of this turn had been appended by the time `at`; at the time `now` the
/// oldest frame that a cut would take was at most `window` old, and everything below `durable` was safe. Times in
/// milliseconds.
#[derive(Debug, Clone, Copy)]
struct Promise {
    next: u64,
    at: i64,
    now: i64,
    window: i64,
    durable: u64,
}

/// What is there of a stream after the next boot.
#[derive(Debug)]
pub(super) struct Found {
    epoch: u64,
    next: u64,
    wrong: u64,
    holes: Vec<Range<u64>>,
}

/// What a cut took.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) promised: u64,
    pub(super) lost: u64,
    /// Age at the last promise of the oldest frame lost.
    pub(super) oldest_lost_ms: i64,
    pub(super) widest_window_ms: i64,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { promised, lost, oldest_lost_ms, widest_window_ms } = self;
        write!(f, "{promised} promised, {lost} lost")?;
        if *lost > 0 {
            write!(f, " (the oldest {oldest_lost_ms} ms old)")?;
        }
        write!(f, ", window up to {widest_window_ms} ms")
    }
}

impl Life {
    pub(super) const fn new(epoch: u64) -> Self {
        Self { epoch, promises: Vec::new() }
    }

    /// Notes a line of the console.
    pub(super) fn hear(&mut self, line: &str) -> Result<()> {
        if let Some(rest) = line.strip_prefix("ACK ") {
            self.promises.push(rest.parse().with_context(|| format!("a promise: {line}"))?);
        }
        Ok(())
    }

    /// Frames promised.
    pub(super) fn promised(&self) -> u64 {
        self.promises.last().map_or(0, |last| last.next)
    }

    /// Judges what the next life found; an error is a broken promise.
    pub(super) fn judge(&self, found: &[Found], strict: bool) -> Result<Verdict> {
        let none = Found { epoch: self.epoch, next: 0, wrong: 0, holes: Vec::new() };
        let found = found.iter().find(|found| found.epoch == self.epoch).unwrap_or(&none);
        ensure!(found.wrong == 0, "{} frames hold other bytes than were written", found.wrong);
        let promised = self.promised();
        let end = found.next..promised.max(found.next);
        let gone: Vec<Range<u64>> = found
            .holes
            .iter()
            .chain([&end])
            .map(|hole| hole.start..hole.end.min(promised))
            .filter(|hole| !hole.is_empty())
            .collect();
        let lost: u64 = gone.iter().map(|hole| hole.end - hole.start).sum();
        ensure!(
            lost == 0 || !strict,
            "{lost} of {promised} frames that had been promised are lost: {gone:?}"
        );
        let first_lost = gone.iter().map(|hole| hole.start).min();
        let lost_at = first_lost.and_then(|lost| self.promises.iter().find(|p| p.next > lost)).map(|p| p.at);
        for promise in &self.promises {
            let broken = first_lost.is_some_and(|lost| lost < promise.durable);
            ensure!(!broken, "frames lost that were called durable: {promise:?}, {gone:?}");
            let (Some(first_lost), Some(at)) = (first_lost, lost_at) else { continue };
            // The published window: whatever was written and older than it survives.
            let covered = first_lost < promise.next && at < promise.now - promise.window;
            ensure!(
                !covered,
                "lost though older than the published window: {gone:?} of time {at}, {promise:?}"
            );
        }
        let last = self.promises.last();
        Ok(Verdict {
            promised,
            lost,
            oldest_lost_ms: last.zip(lost_at).map_or(0, |(last, at)| last.now - at),
            widest_window_ms: self.promises.iter().map(|promise| promise.window).max().unwrap_or(0),
        })
    }
}

/// The values of `name=value` words, in order.
fn values<'a>(words: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    words.split(' ').filter_map(move |word| word.strip_prefix(name)?.strip_prefix('='))
}

fn value<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(words: &str, name: &str) -> Result<T> {
    let text = values(words, name).next().with_context(|| format!("no {name} in: {words}"))?;
    text.parse().with_context(|| format!("{name} in: {words}"))
}

impl FromStr for Promise {
    type Err = anyhow::Error;

    fn from_str(words: &str) -> Result<Self> {
        let next = words.split(' ').next().context("an empty promise")?.parse()?;
        Ok(Self {
            next,
            at: value(words, "at")?,
            now: value(words, "now")?,
            window: value(words, "window")?,
            durable: value(words, "durable")?,
        })
    }
}

impl FromStr for Found {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let Some(epoch) = line.split(' ').nth(1) else { bail!("no epoch: {line}") };
        let hole = |text: &str| -> Result<Range<u64>> {
            let (from, to) = text.split_once('-').context("a hole without an end")?;
            Ok(from.parse()?..to.parse()?)
        };
        Ok(Self {
            epoch: u64::from_str_radix(epoch, 16)?,
            next: value(line, "next")?,
            wrong: value(line, "wrong")?,
            holes: values(line, "hole").map(hole).collect::<Result<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(lines: &[&str]) -> Life {
        let mut life = Life::new(0xab);
        lines.iter().for_each(|line| life.hear(line).unwrap());
        life
    }

    fn after(line: &str) -> Vec<Found> {
        vec![line.parse().unwrap()]
    }

    const LINES: [&str; 3] = [
        "ACK 10 at=1000 now=1001 window=1 durable=0",
        "ACK 20 at=1002 now=1003 window=3 durable=0",
        "ACK 30 at=1008 now=1009 window=7 durable=10",
    ];

    #[test]
    fn what_is_within_the_window_may_be_lost_in_fast_mode_only() {
        let life = life(&LINES);
        let found = after("FOUND ab first=0 next=12 wrong=0");
        let verdict = life.judge(&found, false).unwrap();
        assert_eq!((verdict.promised, verdict.lost, verdict.oldest_lost_ms), (30, 18, 7));
        assert!(life.judge(&found, true).is_err());
        assert_eq!(life.judge(&after("FOUND ab first=0 next=33 wrong=0"), true).unwrap().lost, 0);
    }

    #[test]
    fn a_loss_beyond_the_window_or_below_the_watermark_is_a_broken_promise() {
        let life = life(&LINES);
        for found in [
            "FOUND ab first=0 next=9 wrong=0",
            "FOUND ab first=0 next=30 wrong=0 hole=3-4",
            "FOUND ab first=0 next=30 wrong=1",
        ] {
            assert!(life.judge(&after(found), false).is_err(), "{found}");
        }
        let mut narrow = Life::new(0xab);
        narrow.hear("ACK 10 at=1000 now=1001 window=1 durable=0").unwrap();
        narrow.hear("ACK 20 at=1002 now=1009 window=6 durable=0").unwrap();
        assert!(narrow.judge(&after("FOUND ab first=0 next=12 wrong=0"), false).is_err());
        assert!(narrow.judge(&[], false).is_err(), "nothing was found at all");
    }
}
