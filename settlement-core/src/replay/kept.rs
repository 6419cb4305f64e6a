//! How far a replay has come, so that one that was interrupted goes on where it stopped.
//!
//! Ranges of orders are finished in any order, on several threads. Kept is the sum of those before which none is open.

use super::job::Replayed;
use super::load::Range;
use attribution_core::ids::PlatformId;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What came of a replay up to some order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// A platform and the last of its orders that was looked at; none at the beginning.
    pub(super) last: Option<(PlatformId, String)>,
    /// What came of all before.
    pub(super) so_far: Replayed,
}

impl Kept {
    /// Lines that need not be looked at again.
    pub const fn lines(&self) -> u64 {
        self.so_far.lines
    }
}

/// The ranges in the order in which they were given out.
#[derive(Debug)]
pub(super) struct Series {
    kept: Kept,
    open: VecDeque<Open>,
}

#[derive(Debug)]
struct Open {
    platform: PlatformId,
    through: String,
    part: Option<Replayed>,
}

impl Series {
    pub(super) const fn behind(kept: Kept) -> Self {
        Self { kept, open: VecDeque::new() }
    }

    pub(super) const fn kept(&self) -> &Kept {
        &self.kept
    }

    pub(super) fn begun(&mut self, range: &Range) {
        let (platform, through) = (range.platform.clone(), range.through.clone());
        self.open.push_back(Open { platform, through, part: None });
    }

    /// What came of a range; one that is in no order is only added.
    pub(super) fn finished(&mut self, range: &Range, part: Replayed) {
        let of = |open: &&mut Open| open.platform == range.platform && open.through == range.through;
        match self.open.iter_mut().find(of) {
            Some(open) => open.part = Some(part),
            None => self.kept.so_far.add(part),
        }
        while self.open.front().is_some_and(|open| open.part.is_some()) {
            let Some(Open { platform, through, part: Some(part) }) = self.open.pop_front() else { return };
            self.kept.so_far.add(part);
            self.kept.last = Some((platform, through));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::job::Selection;
    use super::*;

    #[test]
    fn only_what_has_nothing_open_before_it_is_kept() {
        let range = |through: &str| Range {
            platform: PlatformId::new("p").unwrap(),
            from: String::new(),
            through: through.to_owned(),
            selection: Selection::default(),
        };
        let part = |lines| Replayed { lines, ..Replayed::default() };
        let mut series = Series::behind(Kept::default());
        for through in ["c", "f", "m"] {
            series.begun(&range(through));
        }
        let place = |series: &Series| {
            let kept = series.kept();
            (kept.last.as_ref().map(|(_, order)| order.clone()), kept.lines())
        };
        series.finished(&range("f"), part(20));
        assert_eq!(place(&series), (None, 0));
        series.finished(&range("c"), part(1));
        assert_eq!(place(&series), (Some("f".to_owned()), 21));
        series.finished(&range("m"), part(300));
        assert_eq!(place(&series), (Some("m".to_owned()), 321));
    }
}
