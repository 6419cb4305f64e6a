//! Applying an event to an order line: the only place where transfers are made.

use super::line::{Entry, LedgerError, LineEvent, LineState, RefundEvent, Step};
use super::{Account, Posting, Transfer, TransferKey, TransferKind, TransferState};
use crate::commission::{Amounts, Payee, Share, Terms};
use crate::money::{Fen, Overflow};
use crate::policy::SettlementPolicy;
use crate::policy::commission::Party;
use crate::policy::settlement::{PayMethod, RefundAfter, RefundBefore};

/// Applies one event.
///
/// # Errors
/// If the event does not fit the line's state or an amount is broken; the line is unchanged.
pub fn apply(policy: &SettlementPolicy, state: &LineState, event: &LineEvent) -> Result<Step, LedgerError> {
    let mut work = Work { state: state.clone(), postings: Vec::new(), manual: false };
    work.event(policy, event)?;
    Ok(Step { state: work.state, postings: work.postings, manual: work.manual })
}

struct Work {
    state: LineState,
    postings: Vec<Posting>,
    manual: bool,
}

impl Work {
    fn event(&mut self, policy: &SettlementPolicy, event: &LineEvent) -> Result<(), LedgerError> {
        let entry = self.state.entry;
        match event {
            LineEvent::Decided { terms, hold_for_review } => {
                self.decided(policy, terms.as_ref(), *hold_for_review)
            }
            LineEvent::Paid { amount, method } => self.paid(policy, *amount, *method),
            LineEvent::Completed => self.completed(),
            LineEvent::Settled { cashback, terms } => self.settled(*cashback, terms.as_ref()),
            LineEvent::BalanceTooLow => match entry {
                Entry::Matured => {
                    self.state.waiting_for_balance = true;
                    Ok(())
                }
                _ => Err(LedgerError::WrongState(entry)),
            },
            LineEvent::Refunded(refund) => self.refunded(policy, *refund),
            LineEvent::Closed => self.closed(),
        }
    }

    fn decided(
        &mut self,
        policy: &SettlementPolicy,
        terms: Option<&Terms>,
        hold_for_review: bool,
    ) -> Result<(), LedgerError> {
        // An order may be decided before anybody knows how it will be paid.
        let excluded = self.state.method.is_some_and(|method| policy.excluded_methods.contains(&method));
        let terms = terms.filter(|_| !excluded);
        match self.state.entry {
            // A settled line is never changed by a later decision; a person looks at it.
            Entry::Settled => {
                if self.state.terms.as_ref() != terms {
                    self.state.review = true;
                }
                return Ok(());
            }
            Entry::ManualRequired => return Ok(()),
            Entry::Tracked | Entry::Expected | Entry::Matured | Entry::Invalid => {}
        }
        self.state.terms = terms.cloned();
        self.state.review = hold_for_review;
        if self.state.entry == Entry::Tracked || self.state.closed {
            return Ok(());
        }
        self.rewrite()
    }

    fn paid(&mut self, policy: &SettlementPolicy, amount: Fen, method: PayMethod) -> Result<(), LedgerError> {
        if amount < Fen::ZERO {
            return Err(LedgerError::Negative);
        }
        if self.state.entry != Entry::Tracked {
            return Err(LedgerError::WrongState(self.state.entry));
        }
        self.state.paid = amount;
        self.state.method = Some(method);
        if policy.excluded_methods.contains(&method) {
            self.state.terms = None;
        }
        self.state.entry = Entry::Expected;
        self.rewrite()
    }

    fn completed(&mut self) -> Result<(), LedgerError> {
        match self.state.entry {
            Entry::Tracked => return Err(LedgerError::WrongState(Entry::Tracked)),
            Entry::Expected => self.state.entry = Entry::Matured,
            // Nothing is due, or it is handled by hand: it is only remembered.
            Entry::Invalid | Entry::ManualRequired | Entry::Matured | Entry::Settled => {}
        }
        self.state.completed = true;
        Ok(())
    }

    fn settled(&mut self, cashback: Fen, terms: Option<&Terms>) -> Result<(), LedgerError> {
        if cashback < Fen::ZERO {
            return Err(LedgerError::Negative);
        }
        if self.state.entry != Entry::Matured {
            return Err(LedgerError::WrongState(self.state.entry));
        }
        if self.state.review {
            return Err(LedgerError::UnderReview);
        }
        self.void_open();
        if let Some(terms) = terms {
            self.state.terms = Some(terms.clone());
        }
        self.state.cashback = cashback;
        self.state.waiting_for_balance = false;
        let amounts = self.current_amounts()?;
        if amounts.gross == Fen::ZERO {
            self.state.entry = Entry::Invalid;
            self.state.amounts = amounts;
            return Ok(());
        }
        self.state.entry = Entry::Settled;
        self.write(amounts, TransferKind::Settled, TransferState::Posted);
        Ok(())
    }

    fn refunded(&mut self, policy: &SettlementPolicy, refund: RefundEvent) -> Result<(), LedgerError> {
        if refund.amount < Fen::ZERO {
            return Err(LedgerError::Negative);
        }
        let refunded = self.state.refunded.add(refund.amount)?;
        let entry = self.state.entry;
        if entry == Entry::Tracked {
            return Err(LedgerError::WrongState(entry));
        }
        if refunded > self.state.paid {
            return Err(LedgerError::RefundExceedsPaid { paid: self.state.paid, refunded });
        }
        self.state.refunded = refunded;
        match entry {
            Entry::Settled => self.refunded_after(policy, refund.in_time.min(refunded)),
            Entry::Expected | Entry::Matured => self.refunded_before(policy),
            Entry::Tracked | Entry::Invalid => Ok(()),
            Entry::ManualRequired => {
                self.manual = true;
                Ok(())
            }
        }
    }

    fn refunded_before(&mut self, policy: &SettlementPolicy) -> Result<(), LedgerError> {
        if self.refunds_by_hand(policy) {
            self.void_open();
            self.leave_to_people();
            return Ok(());
        }
        self.rewrite()
    }

    /// The commission on what was refunded goes back to the merchant: on what was refunded in time, as if it had been
    /// known, and on the rest where the programme takes that back.
    fn refunded_after(&mut self, policy: &SettlementPolicy, in_time: Fen) -> Result<(), LedgerError> {
        let Some(terms) = self.state.terms.clone() else { return Ok(()) };
        if in_time > Fen::ZERO && self.refunds_by_hand(policy) {
            self.take_back(terms.amounts(Fen::ZERO)?)?;
            self.leave_to_people();
            return Ok(());
        }
        let kept = match policy.refund_after {
            RefundAfter::Clawback => Fen::ZERO,
            RefundAfter::None => self.state.refunded.sub(in_time)?,
        };
        self.manual = kept > Fen::ZERO;
        let now = terms.amounts(self.state.base()?.add(kept)?)?;
        if now.base < self.state.amounts.base { self.take_back(now) } else { Ok(()) }
    }

    /// Whether merchant and promoter settle an order by hand once it has a refund, for how it was paid.
    fn refunds_by_hand(&self, policy: &SettlementPolicy) -> bool {
        let method = self.state.method.unwrap_or(PayMethod::Other);
        let RefundBefore::ReduceBase(reduced) = &policy.refund_before;
        policy.refund_manual_methods.contains(&method) || !reduced.contains(method)
    }

    fn leave_to_people(&mut self) {
        self.state.amounts = Amounts::default();
        self.state.entry = Entry::ManualRequired;
        self.manual = true;
    }

    /// Counter-entries from what has settled down to `now`.
    fn take_back(&mut self, now: Amounts) -> Result<(), LedgerError> {
        self.state.revision += 1;
        let before = std::mem::take(&mut self.state.amounts);
        for (old, new) in before.shares.iter().zip(&now.shares) {
            let back = old.amount.sub(new.amount)?;
            if back == Fen::ZERO {
                continue;
            }
            let holder = self.holder(&before.shares, old);
            let merchant = Account::Merchant { merchant: self.state.merchant.clone() };
            // A split that is not monotone can give a party a fen on a refund: the entry then runs the other way.
            let (debit, credit) = if back > Fen::ZERO { (holder, merchant) } else { (merchant, holder) };
            self.postings.push(Posting::Write(Transfer {
                key: TransferKey { revision: self.state.revision, party: old.party },
                kind: TransferKind::Clawback,
                state: TransferState::Posted,
                debit,
                credit,
                amount: Fen(back.0.saturating_abs()),
                original: self.state.open.iter().find(|key| key.party == old.party).copied(),
            }));
        }
        self.state.amounts = now;
        Ok(())
    }

    fn closed(&mut self) -> Result<(), LedgerError> {
        match self.state.entry {
            Entry::Settled => Err(LedgerError::WrongState(Entry::Settled)),
            _ => {
                self.void_open();
                self.state.amounts = Amounts::default();
                self.state.entry = Entry::Invalid;
                self.state.closed = true;
                Ok(())
            }
        }
    }

    /// Voids what is pending and writes it anew from the state. What is too little now, and enough at a tier, waits for its
    /// settlement with nothing pending.
    fn rewrite(&mut self) -> Result<(), LedgerError> {
        self.void_open();
        let amounts = self.current_amounts()?;
        let most = self.state.terms.as_ref().map(|terms| terms.most(amounts.base)).transpose()?;
        if most.unwrap_or_default() == Fen::ZERO {
            self.state.amounts = amounts;
            self.state.entry = Entry::Invalid;
            return Ok(());
        }
        self.state.entry = if self.state.completed { Entry::Matured } else { Entry::Expected };
        self.write(amounts, TransferKind::Expected, TransferState::Pending);
        Ok(())
    }

    fn current_amounts(&self) -> Result<Amounts, Overflow> {
        match &self.state.terms {
            Some(terms) => terms.amounts(self.state.base()?),
            None => Ok(Amounts::default()),
        }
    }

    fn void_open(&mut self) {
        self.postings.extend(self.state.open.drain(..).map(Posting::Void));
    }

    fn write(&mut self, amounts: Amounts, kind: TransferKind, state: TransferState) {
        self.state.revision += 1;
        for share in amounts.shares.iter().filter(|share| share.amount > Fen::ZERO) {
            let key = TransferKey { revision: self.state.revision, party: share.party };
            self.state.open.push(key);
            self.postings.push(Posting::Write(Transfer {
                key,
                kind,
                state,
                debit: Account::Merchant { merchant: self.state.merchant.clone() },
                credit: self.holder(&amounts.shares, share),
                amount: share.amount,
                original: None,
            }));
        }
        self.state.amounts = amounts;
    }

    /// Where a share lies: one that is collected at the withdrawal stays with the promoter until then.
    fn holder(&self, shares: &[Share], share: &Share) -> Account {
        let promoter = || shares.iter().find(|s| s.party == Party::Promoter).map(|s| s.payee.clone());
        let payee =
            share.collected_at_withdrawal.then(promoter).flatten().unwrap_or_else(|| share.payee.clone());
        let programme = self.state.programme.clone();
        match payee {
            Payee::Platform(platform) => Account::Platform { platform },
            payee => Account::Earned { programme, payee },
        }
    }
}
