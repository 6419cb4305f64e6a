//! Video tasks (V任务): a fixed price that a merchant pays for a talent's video, beside any commission.
//!
//! The platform's technical fee applies only in events, whose days are part of the rules, and comes off at the moment
//! the merchant confirms and pays. The rest goes to the talent's agency first, which pays the talent.

use crate::commission::Payee;
use crate::explanation::Language;
use crate::ids::{AgencyId, PlatformId, PromoterId};
use crate::money::{Fen, Overflow};
use crate::policy::video_task::{FeeApplies, VideoTaskPolicy};
use serde::{Deserialize, Serialize};

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
    /// It is confirmed in an event ([`VideoTaskPolicy::in_event`]).
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
    /// Whether the fee is taken from a task.
    const fn applies_to(&self, task: &VideoTask) -> bool {
        match self.applies {
            FeeApplies::InEvents => task.in_event,
            FeeApplies::Always => true,
        }
    }

    /// What the merchant's confirmation pays at once.
    ///
    /// # Errors
    /// If the price is not above zero.
    pub fn confirm(&self, task: &VideoTask, platform: &PlatformId) -> Result<Confirmed, VideoTaskError> {
        if task.price <= Fen::ZERO {
            return Err(VideoTaskError::Price(task.price));
        }
        let fee = if self.applies_to(task) {
            task.price.scale(i128::from(self.fee.points()), 10_000)?
        } else {
            Fen::ZERO
        };
        let payee = match &task.agency {
            Some(agency) => Payee::Agency(agency.clone()),
            None => Payee::Promoter(task.talent.clone()),
        };
        Ok(Confirmed { fee, platform: platform.clone(), net: task.price.sub(fee)?, payee })
    }
}

impl Confirmed {
    /// Tells what a confirmation pays, from the amounts themselves.
    pub fn explain(&self, policy: &VideoTaskPolicy, task: &VideoTask, language: Language) -> Vec<String> {
        let agency = task.agency.as_ref();
        let applies = policy.applies_to(task);
        let mut told = Vec::with_capacity(3);
        match language {
            Language::En => {
                told.push(format!("The merchant confirms the video task and pays ¥{} at once.", task.price));
                told.push(if applies {
                    format!("The technical fee of {} is ¥{}, deducted now.", policy.fee, self.fee)
                } else {
                    "No technical fee: it applies only in events.".to_owned()
                });
                told.push(match agency {
                    Some(agency) => {
                        format!("¥{} go to agency {agency}, which pays {}.", self.net, task.talent)
                    }
                    None => format!("¥{} go to {}, who has no agency.", self.net, task.talent),
                });
            }
            Language::Zh => {
                told.push(format!("商家确认V任务,即时付款 ¥{}。", task.price));
                told.push(if applies {
                    format!("技术服务费 {},即时扣除 ¥{}。", policy.fee, self.fee)
                } else {
                    "日常不扣技术服务费,仅活动期间收取。".to_owned()
                });
                told.push(match agency {
                    Some(agency) => {
                        format!("¥{} 先到机构 {agency},由机构付给达人 {}。", self.net, task.talent)
                    }
                    None => format!("达人 {} 没有机构,¥{} 直接到达人。", task.talent, self.net),
                });
            }
        }
        told
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
            (&events, 100_000, false, 0, 100_000),
            (&events, 100_000, true, 20_000, 80_000),
            (&events, 104, true, 20, 84),
            (&events, 4, true, 0, 4),
            (&always, 100_000, false, 20_000, 80_000),
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

    #[test]
    fn a_confirmation_is_told_in_both_languages() {
        let policy = VideoTaskPolicy::default();
        let platform = PlatformId::new("taobao").unwrap();
        let agency = AgencyId::new("mcn").unwrap();
        let task =
            VideoTask { talent: promoter("a"), agency: Some(agency), price: Fen(100_000), in_event: true };
        let paid = policy.confirm(&task, &platform).unwrap();
        assert_eq!(
            paid.explain(&policy, &task, Language::En),
            [
                "The merchant confirms the video task and pays ¥1000.00 at once.",
                "The technical fee of 20% is ¥200.00, deducted now.",
                "¥800.00 go to agency mcn, which pays a.",
            ]
        );
        assert_eq!(
            paid.explain(&policy, &task, Language::Zh),
            [
                "商家确认V任务,即时付款 ¥1000.00。",
                "技术服务费 20%,即时扣除 ¥200.00。",
                "¥800.00 先到机构 mcn,由机构付给达人 a。",
            ]
        );
        let alone = VideoTask { agency: None, in_event: false, ..task };
        let paid = policy.confirm(&alone, &platform).unwrap();
        assert_eq!(
            paid.explain(&policy, &alone, Language::En)[1..],
            ["No technical fee: it applies only in events.", "¥1000.00 go to a, who has no agency."]
        );
    }
}
