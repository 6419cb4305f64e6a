//! How an order stands: a pure function of the set of its events.
//!
//! The order of arrival does not matter: every new event reads all events of its order again. Nothing here looks
//! anything up and nothing here knows about commission.

use super::log::StoredEvent;
use super::{Created, OrderEvent};
use crate::api::ApiTime;
use attribution_core::dispute::CreditPart;
use attribution_core::ids::{LineId, ProductId};
use attribution_core::money::Fen;
use attribution_core::policy::settlement::PayMethod;
use attribution_core::time::{Instant, Period};

/// An order as its events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderState {
    /// The order as it was placed.
    pub created: Created,
    /// When the core learnt of the order.
    pub received: Instant,
    /// How it was paid, by the payment or else by the order.
    pub payment_method: Option<PayMethod>,
    /// When it was paid. What is paid on delivery (货到付款), and what costs nothing, is paid with its completion, even if no
    /// event said so.
    pub paid: Option<Instant>,
    /// When each parcel left.
    pub parcels: Vec<Instant>,
    /// After the last of them more were to follow.
    pub more_to_ship: bool,
    /// When the buyer confirmed the receipt.
    pub confirmed: Option<Instant>,
    /// When the trade succeeded: confirmed, and the money had reached the seller.
    pub completed: Option<Instant>,
    /// When the order was closed without success. A paid and completed order does not close: its refunds say what is left.
    /// Nor does one that a programme's timer had completed by then, which is not told here.
    pub closed: Option<Instant>,
    /// While a refund was asked for and neither granted nor refused; open ones have no end.
    pub refunds_asked: Vec<Period>,
    /// Its lines in the order of `created`.
    pub lines: Vec<LineState>,
    /// What its events say that cannot be: for the review queue.
    pub contradictions: Vec<Contradiction>,
}

/// One line as the events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineState {
    /// Its number.
    pub line: LineId,
    /// What was bought.
    pub product: ProductId,
    /// Which SKU, if the platform tells.
    pub sku: Option<String>,
    /// Pieces.
    pub quantity: u32,
    /// Goods amount paid, or to be paid.
    pub amount: Fen,
    /// Refunds that succeeded, by number.
    pub refunds: Vec<LineRefund>,
}

/// A refund of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineRefund {
    /// The refund's number.
    pub refund: String,
    /// Fen given back.
    pub amount: Fen,
    /// When it was asked for, if known.
    pub initiated: Option<Instant>,
    /// When it succeeded.
    pub at: Instant,
    /// When the core learnt of it.
    pub received: Instant,
    /// What of a shopping credit came back.
    pub part: Option<CreditPart>,
    /// A batch leaves it out.
    pub special: bool,
}

/// Two events of one order that cannot both be right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contradiction {
    /// A payment or refund names a line the order does not have.
    UnknownLine {
        /// The event's type.
        kind: &'static str,
        /// The refund's number; empty for a payment.
        refund: String,
        /// The line it names.
        line: LineId,
    },
    /// More was refunded than was paid.
    RefundedTooMuch {
        /// The line.
        line: LineId,
    },
    /// The order was completed before it was paid, or without a payment that is known.
    CompletedBeforePaid,
}

impl Contradiction {
    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::UnknownLine { .. } => "unknown_line",
            Self::RefundedTooMuch { .. } => "refund_exceeds_payment",
            Self::CompletedBeforePaid => "completed_before_paid",
        }
    }

    /// The line concerned; none if it is the whole order.
    pub(crate) const fn line(&self) -> Option<&LineId> {
        match self {
            Self::UnknownLine { line, .. } | Self::RefundedTooMuch { line } => Some(line),
            Self::CompletedBeforePaid => None,
        }
    }
}

impl LineState {
    /// What was refunded in all; never more than was paid.
    pub(crate) fn refunded(&self) -> Fen {
        self.refunded_where(|_| true)
    }

    /// What the refunds that `counts` picks come to; never more than was paid.
    pub(crate) fn refunded_where(&self, counts: impl Fn(&LineRefund) -> bool) -> Fen {
        let sum = self.refunds.iter().filter(|r| counts(r)).map(|r| r.amount.0).fold(0, i64::saturating_add);
        Fen(sum.min(self.amount.0))
    }
}

impl OrderState {
    /// Reads all events of one order; `None` while its `created` is missing.
    pub(crate) fn of(events: &[StoredEvent]) -> Option<Self> {
        let (created, received) = events.iter().find_map(|stored| match &stored.event {
            OrderEvent::Created(created) => Some((created.clone(), stored.received)),
            _ => None,
        })?;
        let lines = created.lines.iter().map(|line| LineState {
            line: line.line.clone(),
            product: line.product.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            amount: Fen(line.amount_fen),
            refunds: Vec::new(),
        });
        let created_by = created.merchant.clone();
        let mut state = Self {
            payment_method: created.payment_method,
            lines: lines.collect(),
            received,
            created,
            paid: None,
            parcels: Vec::new(),
            more_to_ship: false,
            confirmed: None,
            completed: None,
            closed: None,
            refunds_asked: Vec::new(),
            contradictions: Vec::new(),
        };
        // Another merchant's word on this order does not count.
        let own = |stored: &&StoredEvent| {
            stored.sender.as_deref().is_none_or(|sender| sender == created_by.as_str())
        };
        // Two passes, so that a refund is measured against what was paid whichever arrived first.
        for stored in events.iter().filter(own) {
            state.apply_step(&stored.event);
        }
        for stored in events.iter().filter(own) {
            state.apply_refund(stored);
        }
        state.refunds_asked = refunds_asked(&events.iter().filter(own).collect::<Vec<_>>());
        state.settle_contradictions();
        Some(state)
    }

    fn apply_step(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Created(_)
            | OrderEvent::Refunded(_)
            | OrderEvent::RefundAsked(_)
            | OrderEvent::RefundRefused(_) => {}
            OrderEvent::Paid(paid) => {
                self.paid = Some(paid.at.instant());
                self.payment_method = paid.payment_method.or(self.payment_method);
                for amount in &paid.lines {
                    match self.lines.iter_mut().find(|l| l.line == amount.line) {
                        Some(line) => line.amount = Fen(amount.amount_fen),
                        None => self.contradictions.push(Contradiction::UnknownLine {
                            kind: "paid",
                            refund: String::new(),
                            line: amount.line.clone(),
                        }),
                    }
                }
            }
            OrderEvent::Shipped(parcel) => {
                let at = parcel.at.instant();
                let last = self.parcels.iter().max().copied();
                // Of two that left at once the one that says that it was the last is right.
                self.more_to_ship = match last {
                    Some(last) if at < last => self.more_to_ship,
                    Some(last) if at == last => self.more_to_ship && parcel.more_to_come,
                    _ => parcel.more_to_come,
                };
                self.parcels.push(at);
            }
            OrderEvent::Completed(trade) => {
                self.confirmed = Some(trade.at.instant());
                self.completed = Some(trade.succeeded());
            }
            OrderEvent::Closed(step) => self.closed = Some(step.at.instant()),
        }
    }

    fn apply_refund(&mut self, stored: &StoredEvent) {
        let OrderEvent::Refunded(refund) = &stored.event else { return };
        for amount in &refund.lines {
            match self.lines.iter_mut().find(|l| l.line == amount.line) {
                Some(line) => line.refunds.push(LineRefund {
                    refund: refund.refund_id.clone(),
                    amount: Fen(amount.amount_fen),
                    initiated: refund.initiated_at.map(ApiTime::instant),
                    at: refund.at.instant(),
                    received: stored.received,
                    part: refund.credit_part,
                    special: refund.special,
                }),
                None => self.contradictions.push(Contradiction::UnknownLine {
                    kind: "refunded",
                    refund: refund.refund_id.clone(),
                    line: amount.line.clone(),
                }),
            }
        }
    }

    fn settle_contradictions(&mut self) {
        if let Some(completed) = self.completed {
            let on_delivery = self.payment_method == Some(PayMethod::CashOnDelivery);
            if on_delivery || self.lines.iter().all(|line| line.amount == Fen::ZERO) {
                self.paid = self.paid.or(self.completed);
            }
            if self.paid.is_none_or(|paid| paid.floor_seconds() > completed.floor_seconds()) {
                self.contradictions.push(Contradiction::CompletedBeforePaid);
            }
            self.closed = self.closed.filter(|_| self.paid.is_none());
        }
        for line in &mut self.lines {
            line.refunds.sort_by(|a, b| (a.at, &a.refund).cmp(&(b.at, &b.refund)));
            let sum = line.refunds.iter().map(|r| r.amount.0).fold(0, i64::saturating_add);
            let paid = self.paid.map_or(0, |_| line.amount.0);
            if sum > paid {
                self.contradictions.push(Contradiction::RefundedTooMuch { line: line.line.clone() });
            }
        }
        self.contradictions.sort();
    }

    /// When this order became a success that counts as history of the buyer at the shop: completed and paid, whichever is
    /// later, unless it was wholly refunded before the confirmation (售中). A refund afterwards (售后) does not undo it.
    pub(crate) fn success(&self) -> Option<Instant> {
        let (completed, paid) = (self.completed?, self.paid?);
        self.keeps(|_| true, self.confirmed).then_some(completed.max(paid))
    }

    /// Whether something of the lines that `counts` picks was not given back before the confirmation, if there is one yet. A
    /// gift beside goods that all came back is nothing; gifts alone are something.
    pub(crate) fn keeps(&self, counts: impl Fn(&LineState) -> bool, confirmed: Option<Instant>) -> bool {
        let in_sale = |refund: &LineRefund| confirmed.is_none_or(|confirmed| refund.at < confirmed);
        let kept = |line: &LineState| line.refunded_where(in_sale) < line.amount;
        let mut lines = self.lines.iter().filter(|line| counts(line));
        let gifts_alone = lines.clone().all(|line| line.amount == Fen::ZERO);
        gifts_alone || lines.any(kept)
    }
}

/// From when to when each refund was asked for. A refund that succeeded may say itself when that began.
fn refunds_asked(events: &[&StoredEvent]) -> Vec<Period> {
    let ended = |number: &str| {
        let end = |stored: &&StoredEvent| match &stored.event {
            OrderEvent::Refunded(refund) if refund.refund_id == number => Some(refund.at.instant()),
            OrderEvent::RefundRefused(refused) if refused.refund_id == number => Some(refused.at.instant()),
            _ => None,
        };
        events.iter().filter_map(end).min()
    };
    let asked = |stored: &&StoredEvent| match &stored.event {
        OrderEvent::RefundAsked(asked) => {
            Some(Period { from: asked.at.instant(), to: ended(&asked.refund_id) })
        }
        OrderEvent::Refunded(refund) => {
            let from = refund.initiated_at?.instant();
            Some(Period { from, to: Some(refund.at.instant()) })
        }
        _ => None,
    };
    events.iter().filter_map(asked).filter(|period| period.to.is_none_or(|to| to > period.from)).collect()
}
