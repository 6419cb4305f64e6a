//! What kinds of request arrive, and in which shares.

use crate::random::Random;
use std::fmt;
use std::str::FromStr;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A person taps a link that works.
    Tap,
    /// A HEAD request.
    Head,
    /// A browser prefetches.
    Prefetch,
    /// A crawler that makes link previews.
    Preview,
    /// A page embeds the link as an image.
    Embed,
    /// Any other bot.
    Bot,
    /// A code that no link has.
    Unknown,
    /// A link that was withdrawn.
    Withdrawn,
}

impl Kind {
    /// All kinds; the first is what remains when the others have their shares.
    pub const ALL: [Self; 8] = [
        Self::Tap,
        Self::Head,
        Self::Prefetch,
        Self::Preview,
        Self::Embed,
        Self::Bot,
        Self::Unknown,
        Self::Withdrawn,
    ];

    /// Its name on the command line and in the oracle's file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tap => "tap",
            Self::Head => "head",
            Self::Prefetch => "prefetch",
            Self::Preview => "preview",
            Self::Embed => "embed",
            Self::Bot => "bot",
            Self::Unknown => "unknown",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Shares of the kinds, in parts of ten thousand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix {
    shares: [u16; Kind::ALL.len()],
}

/// Why a text is not a mix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// No such kind, or a share that is no number of percent.
    #[error("{0:?} is not a share such as bot=2.5 (percent)")]
    Share(String),
    /// More than everything.
    #[error("the shares add up to more than 100 percent")]
    TooMuch,
}

impl Mix {
    const WHOLE: u16 = 10_000;

    /// Only taps.
    pub const fn taps() -> Self {
        Self { shares: [Self::WHOLE, 0, 0, 0, 0, 0, 0, 0] }
    }

    /// Draws a kind.
    pub fn draw(&self, random: &mut Random) -> Kind {
        let mut left = random.below(u64::from(Self::WHOLE));
        for (kind, share) in Kind::ALL.into_iter().zip(self.shares) {
            match left.checked_sub(u64::from(share)) {
                None => return kind,
                Some(rest) => left = rest,
            }
        }
        Kind::Tap
    }

    /// Whether this kind occurs.
    pub fn has(&self, kind: Kind) -> bool {
        Kind::ALL.into_iter().zip(self.shares).any(|(each, share)| each == kind && share > 0)
    }
}

impl FromStr for Mix {
    type Err = MixError;

    /// Reads `kind=percent,...`; what remains of 100 are taps.
    fn from_str(text: &str) -> Result<Self, MixError> {
        let mut mix = Self { shares: [0; Kind::ALL.len()] };
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let bad = || MixError::Share(part.to_owned());
            let (name, percent) = part.split_once('=').ok_or_else(bad)?;
            let kind = Kind::from_name(name.trim()).filter(|kind| *kind != Kind::Tap).ok_or_else(bad)?;
            let percent: f64 = percent.trim().parse().map_err(|_| bad())?;
            if !(0.0..=100.0).contains(&percent) {
                return Err(bad());
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10,000")]
            let share = (percent * 100.0).round() as u16;
            if let Some((_, slot)) =
                Kind::ALL.into_iter().zip(&mut mix.shares).find(|(each, _)| *each == kind)
            {
                *slot = share;
            }
        }
        let others: u16 = mix.shares.iter().sum();
        mix.shares[0] = Self::WHOLE.checked_sub(others).ok_or(MixError::TooMuch)?;
        Ok(mix)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, share)) in Kind::ALL.into_iter().zip(self.shares).enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}={}", kind.name(), f64::from(share) / 100.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_drawn_as_stated() {
        let mix: Mix = "bot=25,head=5".parse().unwrap();
        let mut random = Random::new(5);
        let drawn: Vec<Kind> = (0..20_000).map(|_| mix.draw(&mut random)).collect();
        let count = |kind| drawn.iter().filter(|drawn| **drawn == kind).count();
        assert!((4_700..5_300).contains(&count(Kind::Bot)), "{}", count(Kind::Bot));
        assert!((850..1_150).contains(&count(Kind::Head)), "{}", count(Kind::Head));
        assert_eq!(count(Kind::Tap) + count(Kind::Bot) + count(Kind::Head), 20_000);
    }

    #[test]
    fn a_bad_mix_is_refused() {
        for text in ["bot", "bot=x", "bot=-1", "robot=1", "tap=5", "bot=101"] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
        assert_eq!("bot=60,head=60".parse::<Mix>(), Err(MixError::TooMuch));
        assert_eq!("".parse(), Ok(Mix::taps()));
    }
}
