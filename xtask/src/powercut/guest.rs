//! One life of the guest machine: from power on to the cut.

use super::oracle::{Found, Life};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A boot with recovery takes seconds in emulation; much longer means that it hangs.
const BOOT_WITHIN: Duration = Duration::from_secs(120);
/// Console lines kept for a person.
const LAST_WORDS: usize = 20;

/// A running guest. Dropped, its power is cut.
pub(super) struct Guest {
    machine: Child,
    console: Receiver<String>,
    words: Vec<String>,
    epoch: u64,
}

impl Guest {
    /// Powers it on.
    pub(super) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut machine = command.spawn().context("cannot start QEMU")?;
        let output = machine.stdout.take().context("no console")?;
        let (sender, console) = channel();
        // Ends with the console, which ends with the machine.
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).split(b'\n');
            // A line that the cut has torn is no promise: it has no end.
            while let Some(Ok(line)) = lines.next() {
                let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { machine, console, words: Vec::new(), epoch: 0 })
    }

    /// Waits until the writer writes; what it found of its earlier lives.
    pub(super) fn until_started(&mut self) -> Result<Vec<Found>> {
        let begun = Instant::now();
        let mut found = Vec::new();
        loop {
            let left = BOOT_WITHIN.saturating_sub(begun.elapsed());
            let Some(line) = self.next_line(left)? else {
                bail!("the guest does not start: {}", self.last_words());
            };
            if let Some(epoch) = line.strip_prefix("START ") {
                self.epoch = u64::from_str_radix(epoch, 16)?;
                return Ok(found);
            }
            if line.starts_with("FOUND ") {
                found.push(line.parse()?);
            } else if line.starts_with("NOTICE ") {
                bail!("a power cut is no damage, yet: {line}");
            }
        }
    }

    /// Lets it write for so long, then cuts the power; what it promised until then.
    pub(super) fn live_for(&mut self, time: Duration) -> Result<Life> {
        let end = Instant::now() + time;
        let mut life = Life::new(self.epoch);
        while let Some(line) = self.next_line(end.saturating_duration_since(Instant::now()))? {
            life.hear(&line)?;
        }
        self.machine.kill()?;
        self.machine.wait()?;
        // What had left the machine before the cut counts; the console's last line may be torn.
        let rest: Vec<String> = self.console.iter().collect();
        for line in rest.iter().take(rest.len().saturating_sub(1)) {
            life.hear(line)?;
        }
        Ok(life)
    }

    /// The next line of the console; `None` if none comes in time.
    fn next_line(&mut self, within: Duration) -> Result<Option<String>> {
        match self.console.recv_timeout(within) {
            Ok(line) => {
                if line.starts_with("WRITER-EXIT") {
                    bail!("the writer ended: {}", self.last_words());
                }
                if self.words.len() >= LAST_WORDS {
                    self.words.remove(0);
                }
                self.words.push(line.clone());
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the guest ended by itself: {}", self.last_words()),
        }
    }

    /// The last lines of its console.
    pub(super) fn last_words(&self) -> String {
        self.words.join("\n")
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may be off already; then there is nothing left to cut.
        let _ = self.machine.kill();
        let _ = self.machine.wait();
    }
}
