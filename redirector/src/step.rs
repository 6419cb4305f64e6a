//! What a request has come to before anything is awaited.

use crate::answer::Answer;
use crate::gate::Place;
use crate::reply::Reply;
use attribution_core::outcome::Outcome;

/// What the first, unawaited half of a request leads to.
pub(crate) enum Step<'w> {
    /// An outcome that is only counted.
    Counted(Outcome, Answer),
    /// An answer outside the outcomes.
    Beside(Answer),
    /// A click with a frame; with a place in the queue for the disk if its programme is strict.
    Recorded { outcome: Outcome, reply: Reply, sequence: u64, place: Option<Place<'w>> },
    /// A click that the journal had no room for.
    Unjournaled { outcome: Outcome, reply: Reply },
}
