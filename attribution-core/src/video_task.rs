//! Video tasks (V任务): a fixed price that a merchant pays for a talent's video, beside any commission.
//!
//! The platform's technical fee applies only in events that say so, and then comes off at the moment the merchant
//! confirms and pays. The rest goes to the talent's agency first, which pays the talent.

use crate::commission::Payee;
use crate::ids::{AgencyId, PlatformId, PromoterId};
use crate::money::{BasisPoints, Fen, Overflow};
use serde::{Deserialize, Serialize};

/// When the fee applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeApplies {
    /// Only to tasks of an event (双11 and the like).
    #[default]
    InEvents,
    /// To every task.
    Always,
}

/// The fee on video tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VideoTaskPolicy {
    /// The platform's part of the price.
    pub fee: BasisPoints,
    /// When it applies.
    pub applies: FeeApplies,
}

impl Default for VideoTaskPolicy {
    fn default() -> Self {
        Self { fee: BasisPoints::const_new::<2_000>(), applies: FeeApplies::InEvents }
    }
}

/// A task that the merchant confirms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoTask {
    /// Who made the video.
    pub talent: PromoterId,
    /// The talent's agency; without one the talent is paid directly.
    #[serde(default)]
    pub agency: Option<AgencyId>,
    /// What the merchant pays.
    pub price: Fen,
    /// It belongs to an event in which the fee applies.
    #[serde(default)]
    pub in_event: bool,
}

/// What a confirmation pays. Fee and net add up to the price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// To the platform.
    pub fee: Fen,
    /// Who the fee goes to.
    pub platform: PlatformId,
    /// The rest.
    pub net: Fen,
    /// Who receives the rest: the agency first.
    pub payee: Payee,
}

/// Why a task cannot be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VideoTaskError {
    /// A price of nothing or less.
    #[error("the price of {0} is not above zero")]
    Price(Fen),
    /// An amount does not fit.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

impl VideoTaskPolicy {
    /// What the merchant's confirmation pays at once.
    ///
    /// # Errors
    /// If the price is not above zero.
    pub fn confirm(&self, task: &VideoTask, platform: &PlatformId) -> Result<Confirmed, VideoTaskError> {
        if task.price <= Fen::ZERO {
            return Err(VideoTaskError::Price(task.price));
        }
        let applies = match self.applies {
            FeeApplies::InEvents => task.in_event,
            FeeApplies::Always => true,
        };
        let fee = if applies { task.price.scale(i128::from(self.fee.points()), 10_000)? } else { Fen::ZERO };
        let payee = match &task.agency {
            Some(agency) => Payee::Agency(agency.clone()),
            None => Payee::Promoter(task.talent.clone()),
        };
        Ok(Confirmed { fee, platform: platform.clone(), net: task.price.sub(fee)?, payee })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::promoter;

    #[test]
    fn the_fee_comes_off_only_in_an_event_and_the_agency_is_paid_first() {
        let platform = PlatformId::new("taobao").unwrap();
        let agency = AgencyId::new("mcn").unwrap();
        let always = VideoTaskPolicy { applies: FeeApplies::Always, ..VideoTaskPolicy::default() };
        let events = VideoTaskPolicy::default();
        // policy, price, in an event, fee, net
        let rows = [
            (events, 100_000, false, 0, 100_000),
            (events, 100_000, true, 20_000, 80_000),
            (events, 104, true, 20, 84),
            (events, 4, true, 0, 4),
            (always, 100_000, false, 20_000, 80_000),
        ];
        for (policy, price, in_event, fee, net) in rows {
            let task = VideoTask {
                talent: promoter("a"),
                agency: Some(agency.clone()),
                price: Fen(price),
                in_event,
            };
            let paid = policy.confirm(&task, &platform).unwrap();
            assert_eq!((paid.fee, paid.net), (Fen(fee), Fen(net)), "{price} {in_event}");
            assert_eq!(paid.payee, Payee::Agency(agency.clone()));
            let alone = VideoTask { agency: None, ..task };
            assert_eq!(policy.confirm(&alone, &platform).unwrap().payee, Payee::Promoter(promoter("a")));
        }
        let free = VideoTask { talent: promoter("a"), agency: None, price: Fen(0), in_event: true };
        assert_eq!(events.confirm(&free, &platform), Err(VideoTaskError::Price(Fen(0))));
    }
}
