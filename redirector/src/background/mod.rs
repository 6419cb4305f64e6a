//! What an edge does behind the answers: learn changes, ship clicks, say how it stands, tell Redis who holds whom.
//!
//! Nothing here is ever waited for by an answer, and nothing here may lose a click: the journal is the truth, every
//! worker has a durable cursor in it, and moves the cursor only after the other side has taken what lies before it.
//! All of it runs on a small runtime of its own, beside the edge's workers.

mod contact;
mod options;
mod seams;

pub use contact::Contact;
pub use options::{BackgroundOptions, RecorderOptions};
pub use seams::{ClaimTerms, SaveError, Seams};
