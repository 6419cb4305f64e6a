//! What a promoter's withdrawal pays, and what is kept back for parties whose share is collected only then.
//!
//! The promoter's dashboard shows their own share together with the shares collected at withdrawals: 80 % of a
//! commission cut 1:2:7, of which 70 points are the promoter's. What is kept back is computed on lifetime totals, so
//! that it never depends on how the money was cut into withdrawals, and taking everything leaves exactly the
//! promoter's own share.

use super::Payee;
use crate::money::{Fen, Overflow};
use crate::split::withdrawal_fee;
use serde::{Deserialize, Serialize};

/// One party's share that lies with the promoter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Whose it is.
    pub payee: Payee,
    /// What has come available for it so far, refunds taken off; a part of the dashboard's total.
    pub due: Fen,
    /// What withdrawals have kept back for it so far.
    pub taken: Fen,
}

/// A promoter in a programme, over the whole lifetime.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lifetime {
    /// All that has come available, refunds taken off, shares to be collected included.
    pub dashboard: Fen,
    /// Withdrawn so far, before what was kept back.
    pub withdrawn: Fen,
    /// The shares that are collected.
    pub collected: Vec<Collected>,
}

/// Why a withdrawal is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WithdrawalError {
    /// Nothing or less.
    #[error("the amount {0} is not above zero")]
    NotPositive(Fen),
    /// More than there is.
    #[error("{asked} is more than the {available} available")]
    TooMuch {
        /// Asked for.
        asked: Fen,
        /// There is; below zero after refunds of money that was withdrawn.
        available: Fen,
    },
    /// An amount does not fit.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// What a withdrawal does. Kept and paid add up to the amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// What leaves the dashboard.
    pub amount: Fen,
    /// What is kept back, party by party. Below zero only to give back what was kept of commission that has since
    /// been refunded.
    pub kept: Vec<(Payee, Fen)>,
    /// What the promoter receives.
    pub paid: Fen,
}

impl Lifetime {
    /// What the dashboard shows as free; below zero if refunds took more than was left.
    ///
    /// # Errors
    /// If the difference does not fit.
    pub const fn available(&self) -> Result<Fen, Overflow> {
        self.dashboard.sub(self.withdrawn)
    }

    /// What withdrawing `amount` keeps back and pays.
    ///
    /// # Errors
    /// If it is not above zero, or more than there is.
    pub fn withdraw(&self, amount: Fen) -> Result<Withdrawal, WithdrawalError> {
        if amount <= Fen::ZERO {
            return Err(WithdrawalError::NotPositive(amount));
        }
        let available = self.available()?;
        if amount > available {
            return Err(WithdrawalError::TooMuch { asked: amount, available });
        }
        let total = self.withdrawn.add(amount)?;
        let mut paid = amount;
        let mut kept = Vec::with_capacity(self.collected.len());
        for share in &self.collected {
            let part = share.kept_at(total, self.dashboard)?;
            paid = paid.sub(part)?;
            kept.push((share.payee.clone(), part));
        }
        Ok(Withdrawal { amount, kept, paid })
    }
}

impl Collected {
    /// What is kept for this party when `withdrawn` of `dashboard` will have been withdrawn in all.
    fn kept_at(&self, withdrawn: Fen, dashboard: Fen) -> Result<Fen, Overflow> {
        if self.taken > self.due {
            // More was kept than remained due after refunds: it is given back.
            return self.due.sub(self.taken);
        }
        let target = withdrawal_fee(withdrawn, self.due, dashboard)?;
        // A mix of splits can lower the proportion meanwhile: then nothing more is kept until it has caught up.
        Ok(target.sub(self.taken)?.max(Fen::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PlatformId;
    use proptest::prelude::*;

    fn platform() -> Payee {
        Payee::Platform(PlatformId::new("taobao").unwrap())
    }

    fn lifetime(dashboard: i64, withdrawn: i64, due: i64, taken: i64) -> Lifetime {
        let collected = vec![Collected { payee: platform(), due: Fen(due), taken: Fen(taken) }];
        Lifetime { dashboard: Fen(dashboard), withdrawn: Fen(withdrawn), collected }
    }

    #[test]
    fn what_is_kept_is_counted_on_lifetime_totals() {
        // dashboard, withdrawn, due, taken, asked for, kept
        let rows = [
            (8_000, 0, 1_000, 0, 8_000, 1_000), // all at once: 7000 are paid
            (8_000, 0, 1_000, 0, 1, 0),
            (8_000, 0, 1_000, 0, 8, 1),
            (8_000, 7_999, 1_000, 999, 1, 1),
            (8_000, 4_000, 1_000, 500, 4_000, 500),
            (18_000, 4_000, 1_000, 500, 1, 0), // the proportion fell meanwhile: nothing more for now
            (18_000, 4_000, 1_000, 500, 14_000, 500),
            (14_000, 8_000, 500, 1_000, 100, -500), // half was refunded after it had been withdrawn
        ];
        for (dashboard, withdrawn, due, taken, asked, kept) in rows {
            let got = lifetime(dashboard, withdrawn, due, taken).withdraw(Fen(asked)).unwrap();
            assert_eq!(got.kept, [(platform(), Fen(kept))], "{asked} of {dashboard} after {withdrawn}");
            assert_eq!((got.amount, got.paid), (Fen(asked), Fen(asked - kept)));
        }
        let none = Lifetime { dashboard: Fen(100), ..Lifetime::default() };
        assert_eq!(none.withdraw(Fen(40)).unwrap().paid, Fen(40), "nothing is collected");
    }

    #[test]
    fn nobody_withdraws_what_is_not_there() {
        let life = lifetime(100, 60, 10, 7);
        assert_eq!(
            life.withdraw(Fen(41)),
            Err(WithdrawalError::TooMuch { asked: Fen(41), available: Fen(40) })
        );
        assert_eq!(life.withdraw(Fen(0)), Err(WithdrawalError::NotPositive(Fen(0))));
        assert!(life.withdraw(Fen(40)).is_ok());
        let owes = lifetime(0, 80, 0, 10);
        assert_eq!(owes.available(), Ok(Fen(-80)));
        assert_eq!(
            owes.withdraw(Fen(1)),
            Err(WithdrawalError::TooMuch { asked: Fen(1), available: Fen(-80) })
        );
    }

    proptest! {
        /// However earnings, refunds and withdrawals are mixed, taking everything leaves every party its own.
        #[test]
        fn taking_everything_leaves_exactly_the_shares(
            steps in proptest::collection::vec((0i64..2_000, 0u8..4, 0i64..1_000), 1..30),
        ) {
            let mut life = lifetime(0, 0, 0, 0);
            let mut paid = 0;
            for (gross, what, part) in steps {
                let (own, fee) = (gross * 7 / 10, gross / 10);
                match what {
                    0 => {
                        life.dashboard.0 += own + fee;
                        life.collected[0].due.0 += fee;
                    }
                    1 => life.dashboard.0 += own, // without a part that is collected
                    2 => {
                        let back = fee.min(life.collected[0].due.0);
                        life.dashboard.0 -= back * 8;
                        life.collected[0].due.0 -= back;
                    }
                    _ => {
                        let available = life.available().unwrap().0;
                        let asked = available * part / 1_000;
                        if asked > 0 {
                            let got = life.withdraw(Fen(asked)).unwrap();
                            prop_assert_eq!(got.paid.0 + got.kept[0].1.0, asked);
                            life.withdrawn.0 += asked;
                            life.collected[0].taken.0 += got.kept[0].1.0;
                            paid += got.paid.0;
                        }
                    }
                }
            }
            let rest = life.available().unwrap();
            if rest > Fen::ZERO {
                let got = life.withdraw(rest).unwrap();
                paid += got.paid.0;
                let due = life.collected[0].due.0;
                prop_assert_eq!(life.collected[0].taken.0 + got.kept[0].1.0, due);
                prop_assert_eq!(paid, life.dashboard.0 - due);
            }
        }
    }
}
