//! What an opening journal tells a person.

use crate::{StreamId, segment};

/// Something that recovery found and that a person should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The record of an epoch was damaged or gone; it was made anew from its segments.
    EpochRecordLost {
        /// Which epoch.
        epoch: u64,
    },
    /// Segments whose epoch record and headers are all damaged: their frames cannot be checked. The files stay.
    Unreadable {
        /// Which epoch.
        epoch: u64,
    },
    /// The file of a cursor was damaged: it begins at the first frame that is there.
    CursorLost {
        /// The cursor's name.
        name: String,
    },
    /// A write or a sync failed in a start that was killed, or a sync of what it had written: its last frames were
    /// copied to a new segment.
    TailCopied {
        /// Whose frames.
        stream: StreamId,
        /// The first number copied.
        from: u64,
    },
    /// The disk did not read a segment, so that nobody knows what it holds: it was renamed and is left to a person.
    SetAside {
        /// Its name now.
        name: String,
    },
    /// The disk did not read some pages of the last segments of a start that was killed: frames may be missing at
    /// its end.
    PartlyUnreadable {
        /// The segment.
        name: String,
    },
    /// A segment is shorter than it was made: what lay behind its end is gone. Which frames is known only if later
    /// ones are there; then a reader names them.
    CutShort {
        /// The segment.
        name: String,
        /// Its length now.
        bytes: u64,
    },
    /// Segments are gone that were there before later ones were prepared: the last frames of the stream may have been
    /// in them, and nobody knows how many.
    SegmentsGone {
        /// Which stream.
        stream: StreamId,
        /// The number of the first segment gone.
        first: u64,
        /// The number of the last one.
        last: u64,
    },
    /// No segment has these frames, and not every reader had read them: each reader will name them as lost.
    FramesGone {
        /// Which stream.
        stream: StreamId,
        /// The first number gone that a reader lacks.
        from: u64,
        /// The first number that is there; the stream's end if there is none.
        to: u64,
    },
    /// A reader had read more than there is now: the end of the stream is gone, and nobody knows how much of it.
    EndGone {
        /// Which stream.
        stream: StreamId,
        /// The number after the last frame there is.
        next: u64,
        /// The number after the last frame that was read.
        read: u64,
    },
}

impl Notice {
    /// Whether frames that were written may be missing.
    pub const fn may_miss_frames(&self) -> bool {
        !matches!(self, Self::EpochRecordLost { .. } | Self::CursorLost { .. } | Self::TailCopied { .. })
    }

    /// The stream whose end is damaged or gone, if so and if it is known: nobody can say how much was in it.
    pub fn incomplete(&self) -> Option<StreamId> {
        match self {
            Self::SegmentsGone { stream, .. } | Self::EndGone { stream, .. } => Some(*stream),
            Self::CutShort { name, .. } | Self::PartlyUnreadable { name } => {
                segment::parse_name(name).map(|(stream, _)| stream)
            }
            _ => None,
        }
    }
}
