//! Refund records after the settlement (维权退款订单): which refunds get one, when, and who makes the merchant whole.
//!
//! Normally a refund gets its record at once, and the commission on it is taken back from the promoter. A fault that
//! left refunds of one kind without a record is repaired by dated rules, which are data: a batch that makes the
//! missing records (or none), and a day on which the platform pays what was not recovered by then, once. Everything
//! here is a function of the case alone, so a batch that is run again gives the same result.

use crate::ids::CategoryId;
use crate::money::{Fen, Overflow};
use crate::time::{Instant, Period, SECOND_MS};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What of a shopping credit (购物金) came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditPart {
    /// Credit that was never used: its refund always had its record.
    Unused,
    /// Credit that had bought goods: the goods were refunded and the credit voided.
    Spent,
}

/// One repair of refunds that got no record when they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchRule {
    /// Its name, for records and people.
    pub name: String,
    /// For goods of this category.
    pub category: CategoryId,
    /// For commission settled within.
    pub settled: Period,
    /// For refunds initiated within.
    pub refund_initiated: Period,
    /// The missing records are made on this day, with everything known by its end; `None`: none are made.
    #[serde(default)]
    pub record_on: Option<Date>,
    /// What is not recovered before this instant is paid by the platform, once.
    #[serde(default)]
    pub compensated_at: Option<Instant>,
}

/// A refund after the settlement, as far as its record goes.
#[derive(Debug, Clone, Copy)]
pub struct RefundCase<'a> {
    /// The goods' category and that one's ancestors.
    pub categories: &'a [CategoryId],
    /// What came back.
    pub part: CreditPart,
    /// When the commission was settled.
    pub settled: Instant,
    /// When the refund was asked for.
    pub initiated: Instant,
    /// When it succeeded.
    pub succeeded: Instant,
    /// When we learned of it; a batch takes only what was known on its day.
    pub known: Instant,
    /// A special order: a batch leaves it out.
    pub special: bool,
}

/// Which way a refund's record goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Route {
    /// A record at once.
    RealTime {
        /// Its own time: that of the refund's success.
        created: Instant,
    },
    /// A batch makes the record.
    Batch {
        /// The rule's name.
        rule: String,
        /// Its own time, the last second of the batch's day; it differs from the refund's.
        created: Instant,
    },
    /// No record; the platform's compensation alone makes the merchant whole.
    NoRecord {
        /// The rule's name.
        rule: String,
    },
}

impl BatchRule {
    /// Whether the rule is about this refund.
    pub fn covers(&self, case: &RefundCase<'_>) -> bool {
        case.part == CreditPart::Spent
            && case.categories.contains(&self.category)
            && self.settled.contains(case.settled.floor())
            && self.refund_initiated.contains(case.initiated.floor())
    }

    /// From when on nothing is added to the batch, if it makes records.
    fn cut_off(&self) -> Option<Instant> {
        self.record_on.map(|day| Instant::of_shanghai_date(day).next_shanghai_midnight())
    }

    fn route(&self, case: &RefundCase<'_>) -> Route {
        let rule = self.name.clone();
        match self.cut_off() {
            Some(end) if case.known < end && !case.special => {
                Route::Batch { rule, created: end.plus(-SECOND_MS) }
            }
            _ => Route::NoRecord { rule },
        }
    }
}

/// Which way the record of this refund goes, and the rule that says so; without a rule it is made at once.
pub fn route<'r>(rules: &'r [BatchRule], case: &RefundCase<'_>) -> (Route, Option<&'r BatchRule>) {
    match rules.iter().find(|rule| rule.covers(case)) {
        Some(rule) => (rule.route(case), Some(rule)),
        None => (Route::RealTime { created: case.succeeded }, None),
    }
}

/// What the merchant has coming from one refund.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The commission on what was refunded.
    pub due: Fen,
    /// What came back from the promoter, and when.
    pub recovered: &'a [(Instant, Fen)],
    /// What the platform has paid already.
    pub compensated: Option<Fen>,
    /// The merchant broke the rules with this order.
    pub merchant_broke_rules: bool,
}

/// What the platform owes on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Compensation {
    /// The rule compensates nothing.
    None,
    /// It is not yet the day.
    NotYet {
        /// The day.
        at: Instant,
    },
    /// All came back from the promoter in time.
    Recovered,
    /// The merchant broke the rules: nothing is returned or paid.
    RulesBroken,
    /// It was paid before.
    AlreadyPaid {
        /// How much.
        amount: Fen,
    },
    /// The platform pays.
    Pays {
        /// How much.
        amount: Fen,
    },
}

impl BatchRule {
    /// What the platform owes at `now`.
    ///
    /// # Errors
    /// If the recoveries do not fit one amount.
    pub fn compensation(&self, claim: &Claim<'_>, now: Instant) -> Result<Compensation, Overflow> {
        let Some(at) = self.compensated_at else { return Ok(Compensation::None) };
        if let Some(amount) = claim.compensated {
            return Ok(Compensation::AlreadyPaid { amount });
        }
        if now < at {
            return Ok(Compensation::NotYet { at });
        }
        let missing = claim.due.sub(recovered_before(claim.recovered, at)?)?;
        Ok(if missing <= Fen::ZERO {
            Compensation::Recovered
        } else if claim.merchant_broke_rules {
            Compensation::RulesBroken
        } else {
            Compensation::Pays { amount: missing }
        })
    }
}

fn recovered_before(recovered: &[(Instant, Fen)], at: Instant) -> Result<Fen, Overflow> {
    recovered.iter().filter(|(when, _)| *when < at).try_fold(Fen::ZERO, |sum, (_, part)| sum.add(*part))
}

/// Whom a recovery from the promoter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryGoesTo {
    /// The merchant, who is still waiting for it.
    Merchant,
    /// The platform, which has made the merchant whole.
    Platform,
}

impl Claim<'_> {
    /// Whom the next recovery belongs to.
    pub const fn recovery_goes_to(&self) -> RecoveryGoesTo {
        match self.compensated {
            Some(_) => RecoveryGoesTo::Platform,
            None => RecoveryGoesTo::Merchant,
        }
    }

    /// What the record shows.
    ///
    /// # Errors
    /// If the recoveries do not fit one amount.
    pub fn record_state(&self) -> Result<RecordState, Overflow> {
        let recovered = recovered_before(self.recovered, Instant(i64::MAX))?;
        Ok(if recovered >= self.due {
            RecordState::Success
        } else if self.compensated.is_some() {
            RecordState::Compensated
        } else if recovered > Fen::ZERO {
            RecordState::Recovering
        } else {
            RecordState::Created
        })
    }
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// 维权创建: nothing has come back yet.
    Created,
    /// A part has come back from the promoter.
    Recovering,
    /// 维权成功: all has come back from the promoter.
    Success,
    /// The platform has paid the rest.
    Compensated,
}

#[cfg(test)]
mod tests;
