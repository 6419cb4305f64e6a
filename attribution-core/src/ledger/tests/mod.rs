//! The ledger of a line: what its events come to, what refunds take back, and what holds of any life. What the tests share
//! is here.

mod any_life;
mod lines;
mod refunds;

use super::*;
use crate::commission::{PartyTerms, Terms};
use crate::ids::{AgencyId, PromoterId};
use crate::money::BasisPoints;
use crate::policy::commission::Rounding;
use crate::policy::settlement::PayMethod;
use crate::policy::{Preset, SettlementPolicy};
use std::collections::BTreeMap;

/// Balances as the store would keep them: pending transfers do not count.
#[derive(Default)]
struct Books {
    transfers: BTreeMap<TransferKey, Transfer>,
    voided: Vec<TransferKey>,
}

impl Books {
    fn post(&mut self, postings: Vec<Posting>) {
        for posting in postings {
            match posting {
                Posting::Write(transfer) => {
                    assert!(transfer.amount > Fen::ZERO, "{transfer:?}");
                    assert!(self.transfers.insert(transfer.key, transfer).is_none(), "a key is used once");
                }
                Posting::Void(key) => {
                    assert_eq!(
                        self.transfers[&key].state,
                        TransferState::Pending,
                        "only a pending one is voided"
                    );
                    assert!(!self.voided.contains(&key), "{key:?} is voided once");
                    self.voided.push(key);
                }
            }
        }
    }

    fn sum(&self, state: TransferState, counts: impl Fn(&Account) -> bool) -> i64 {
        let live = self.transfers.values().filter(|t| t.state == state && !self.voided.contains(&t.key));
        live.map(|t| t.amount.0 * (i64::from(counts(&t.credit)) - i64::from(counts(&t.debit)))).sum()
    }

    fn live(&self) -> impl Iterator<Item = (&TransferKey, &Transfer)> {
        self.transfers.iter().filter(|(key, _)| !self.voided.contains(key))
    }

    fn expected(&self) -> i64 {
        -self.sum(TransferState::Pending, is_merchant)
    }
    fn merchant(&self) -> i64 {
        self.sum(TransferState::Posted, is_merchant)
    }
    fn promoter(&self) -> i64 {
        self.sum(TransferState::Posted, |a| match a {
            Account::Earned { payee, .. } => matches!(payee, Payee::Promoter(_)),
            _ => false,
        })
    }
}

fn is_merchant(account: &Account) -> bool {
    matches!(account, Account::Merchant { .. })
}

fn terms(bp: u32, weights: [u32; 3]) -> Terms {
    let payees = [
        (Party::Platform, Payee::Platform(PlatformId::new("P").unwrap())),
        (Party::Agency, Payee::Agency(AgencyId::new("mcn").unwrap())),
        (Party::Promoter, Payee::Promoter(PromoterId::new("a").unwrap())),
    ];
    Terms {
        rate: BasisPoints::new(bp).unwrap(),
        rounding: Rounding::Floor,
        min_fen: Fen(1),
        parties: payees
            .into_iter()
            .zip(weights)
            .map(|((party, payee), weight)| PartyTerms {
                party,
                payee,
                weight,
                collected_at_withdrawal: party == Party::Platform,
            })
            .collect(),
        rises_to: None,
        tier: None,
    }
}

fn decided(bp: u32) -> LineEvent {
    LineEvent::Decided { terms: Some(terms(bp, [0, 0, 1])), hold_for_review: false }
}
const fn paid(amount: i64, method: PayMethod) -> LineEvent {
    LineEvent::Paid { amount: Fen(amount), method }
}
const fn refund(amount: i64) -> LineEvent {
    LineEvent::Refunded(RefundEvent { amount: Fen(amount), in_time: Fen::ZERO })
}
const fn refund_in_time(amount: i64, in_time: i64) -> LineEvent {
    LineEvent::Refunded(RefundEvent { amount: Fen(amount), in_time: Fen(in_time) })
}
const SETTLED: LineEvent = LineEvent::Settled { cashback: Fen::ZERO, terms: None };

struct Life {
    policy: SettlementPolicy,
    state: LineState,
    books: Books,
    manual: bool,
}

impl Life {
    fn new(preset: Preset) -> Self {
        let state = LineState::new(ProgrammeId::new("prog").unwrap(), MerchantId::new("S").unwrap());
        Self { policy: preset.policy().settlement, state, books: Books::default(), manual: false }
    }

    fn go(&mut self, event: &LineEvent) -> Result<(), LedgerError> {
        let step = apply(&self.policy, &self.state, event)?;
        self.state = step.state;
        self.manual |= step.manual;
        self.books.post(step.postings);
        Ok(())
    }

    fn all(preset: Preset, events: &[LineEvent]) -> Self {
        let mut life = Self::new(preset);
        for event in events {
            life.go(event).unwrap();
        }
        life
    }
}
