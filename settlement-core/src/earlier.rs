//! What was known before something was changed, for asking what a decision could see when it was made.
//!
//! The tables of the catalogue hold what is known now. Whoever changes one of the facts here keeps what it said until
//! then, in the same transaction. Facts that only ever grow (clicks, events, logins, rates, versions of rules) need none
//! of this: they carry the time at which they were recorded.

use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{MerchantId, PlatformId, ProgrammeId};
use attribution_core::time::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A fact that can be changed, with what it is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fact<'a> {
    /// When a state of something held: `(from, to)` pairs.
    Periods { kind: &'a str, num: i64, what: &'a str, scope: i64 },
    /// A promoter's contracts with agencies: `(from, to, agency)`.
    Contracts(i64),
    /// The promoters that are a buyer in person: their numbers.
    Accounts { platform: &'a PlatformId, buyer: &'a str },
    /// The category of a target, or none.
    Category(i64),
    /// The category above a category, or none.
    Parent(i64),
    /// Whose a coupon code is: `(from, to, promoter)`.
    Coupons { programme: &'a ProgrammeId, code: &'a str },
    /// From when on a shop vouches for its buyers' history, or nothing.
    HistoryKnown(&'a MerchantId),
}

impl Fact<'_> {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Periods { .. } => "periods",
            Self::Contracts(_) => "contracts",
            Self::Accounts { .. } => "accounts",
            Self::Category(_) => "category",
            Self::Parent(_) => "parent",
            Self::Coupons { .. } => "coupons",
            Self::HistoryKnown(_) => "history",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Periods { kind, num, what, scope } => format!("{kind}/{num}/{what}/{scope}"),
            Self::Contracts(num) | Self::Category(num) | Self::Parent(num) => num.to_string(),
            Self::Accounts { platform, buyer } => format!("{platform}/{buyer}"),
            Self::Coupons { programme, code } => format!("{programme}/{code}"),
            Self::HistoryKnown(merchant) => merchant.to_string(),
        }
    }
}

/// Keeps what a fact said before it is changed at `now`. Of several changes in one millisecond the first counts: what
/// was known before it is what it replaced.
///
/// # Errors
/// If the store fails.
pub(crate) fn keep(
    tx: &mut dyn Tx,
    fact: Fact<'_>,
    before: &impl Serialize,
    now: Instant,
) -> Result<(), StoreError> {
    let contents = serde_json::to_string(before).map_err(StoreError::corrupt("fact to be kept"))?;
    tx.execute(
        "INSERT INTO earlier_facts (kind, subject, until_ms, contents) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (kind, subject, until_ms) DO NOTHING",
        params![fact.kind(), &fact.subject(), now, &contents],
    )?;
    Ok(())
}

/// A fact with what it said before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Versioned<T> {
    /// What was known before each instant, oldest first.
    earlier: Vec<(Instant, T)>,
    current: T,
}

impl<T: DeserializeOwned> Versioned<T> {
    /// What is known now, with what was known before if `all` is wanted.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn read(tx: &mut dyn Tx, fact: Fact<'_>, current: T, all: bool) -> Result<Self, StoreError> {
        if !all {
            return Ok(Self { earlier: Vec::new(), current });
        }
        let rows = tx.query(
            "SELECT until_ms, contents FROM earlier_facts WHERE kind = $1 AND subject = $2 ORDER BY until_ms",
            params![fact.kind(), &fact.subject()],
        )?;
        let read = |row: &crate::store::Row| {
            let before = serde_json::from_str(row.text(1)?).map_err(StoreError::corrupt("earlier fact"))?;
            Ok((row.instant(0)?, before))
        };
        Ok(Self { earlier: rows.iter().map(read).collect::<Result<_, StoreError>>()?, current })
    }
}

impl<T> Versioned<T> {
    /// What was known at `known`.
    pub(crate) fn as_of(&self, known: Instant) -> &T {
        let next = self.earlier.partition_point(|(until, _)| *until <= known);
        self.earlier.get(next).map_or(&self.current, |(_, before)| before)
    }

    /// Each of its values made into something else.
    pub(crate) fn map<U>(
        self,
        mut to: impl FnMut(T) -> Result<U, StoreError>,
    ) -> Result<Versioned<U>, StoreError> {
        let earlier = self.earlier.into_iter().map(|(until, before)| Ok((until, to(before)?)));
        Ok(Versioned { earlier: earlier.collect::<Result<_, StoreError>>()?, current: to(self.current)? })
    }

    /// Both facts as one.
    pub(crate) fn with<U, V>(&self, other: &Versioned<U>, join: impl Fn(&T, &U) -> V) -> Versioned<V> {
        let mut changes: Vec<Instant> =
            self.earlier.iter().map(|(at, _)| *at).chain(other.earlier.iter().map(|(at, _)| *at)).collect();
        changes.sort_unstable();
        changes.dedup();
        let before = |until: &Instant| {
            let known = until.plus(-1);
            (*until, join(self.as_of(known), other.as_of(known)))
        };
        Versioned {
            earlier: changes.iter().map(before).collect(),
            current: join(&self.current, &other.current),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_from_its_own_instant_on() {
        let fact = Versioned { earlier: vec![(Instant(10), "a"), (Instant(20), "b")], current: "c" };
        let said: Vec<&str> = [0, 9, 10, 19, 20, 99].iter().map(|at| *fact.as_of(Instant(*at))).collect();
        assert_eq!(said, ["a", "a", "b", "b", "c", "c"]);
    }

    #[test]
    fn two_facts_together_change_when_either_does() {
        let letters = Versioned { earlier: vec![(Instant(10), 'a')], current: 'b' };
        let digits = Versioned { earlier: vec![(Instant(10), '1'), (Instant(20), '2')], current: '3' };
        let both = letters.with(&digits, |letter, digit| format!("{letter}{digit}"));
        let said: Vec<&str> = [9, 10, 19, 20].iter().map(|at| both.as_of(Instant(*at)).as_str()).collect();
        assert_eq!(said, ["a1", "b2", "b2", "b3"]);
    }
}
