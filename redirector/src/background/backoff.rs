//! Growing pauses with jitter, so that a fleet that lost its core does not come back all at once.

use std::time::Duration;

/// Growing pauses.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
    jitter: fn() -> u32,
}

impl Backoff {
    /// `jitter` gives random numbers.
    pub(super) const fn new(first: Duration, most: Duration, jitter: fn() -> u32) -> Self {
        Self { first, most, next: first, jitter }
    }

    /// The other side answered.
    pub(super) const fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next pause: between half and all of the current step. `asked` is what the other side asked for.
    pub(super) fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.most);
        let share = (self.jitter)();
        let jittered = step / 2 + step.mul_f64(f64::from(share) / f64::from(u32::MAX)) / 2;
        asked.map_or(jittered, |asked| asked.max(jittered).min(self.most.max(jittered)))
    }

    /// Jumps to the longest pause: nothing changes until a person changes something.
    pub(super) const fn stretch(&mut self) {
        self.next = self.most;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_most_and_begin_anew() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(1_000), || u32::MAX / 3);
        for step in [100, 200, 400, 800, 1_000, 1_000] {
            let pause = backoff.pause(None);
            assert!(pause >= ms(step / 2) && pause <= ms(step), "{pause:?} of {step}");
        }
        backoff.reset();
        assert!(backoff.pause(None) <= ms(100));
        assert!(backoff.pause(Some(ms(900))) >= ms(900));
        assert!(backoff.pause(Some(ms(60_000))) <= ms(1_000), "nobody may park us for good");
    }
}
