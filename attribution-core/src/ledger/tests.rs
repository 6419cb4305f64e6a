#![expect(clippy::type_complexity, reason = "rows of a table read best as tuples")]

use super::*;
use crate::commission::{Amounts, PartyTerms, Terms};
use crate::ids::{AgencyId, PromoterId};
use crate::money::BasisPoints;
use crate::policy::commission::Rounding;
use crate::policy::settlement::PayMethod;
use crate::policy::{Preset, SettlementPolicy};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

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

#[test]
fn a_line_earns_what_its_events_say() {
    use PayMethod::{Alipay, BankCard, WechatConsignment, WechatOwn};
    use Preset::{Distributor1688, YouzanPermanent};
    let pay = |method| paid(10_000, method);
    // what it shows, programme, events, entry, expected, paid by the merchant, had by the promoter
    let rows: [(&str, Preset, Vec<LineEvent>, Entry, i64, i64, i64); 21] = [
        ("ordered, not paid", Distributor1688, vec![decided(500)], Entry::Tracked, 0, 0, 0),
        (
            "never paid, closed",
            Distributor1688,
            vec![decided(500), LineEvent::Closed],
            Entry::Invalid,
            0,
            0,
            0,
        ),
        (
            "paid: expected, nothing moved",
            Distributor1688,
            vec![decided(500), pay(Alipay)],
            Entry::Expected,
            500,
            0,
            0,
        ),
        (
            "settled",
            Distributor1688,
            vec![decided(500), pay(Alipay), LineEvent::Completed, SETTLED],
            Entry::Settled,
            0,
            -500,
            500,
        ),
        (
            "the balance was too low",
            Distributor1688,
            vec![decided(500), pay(Alipay), LineEvent::Completed, LineEvent::BalanceTooLow],
            Entry::Matured,
            500,
            0,
            0,
        ),
        (
            "and settled later",
            Distributor1688,
            vec![decided(500), pay(Alipay), LineEvent::Completed, LineEvent::BalanceTooLow, SETTLED],
            Entry::Settled,
            0,
            -500,
            500,
        ),
        (
            "partly refunded before completion",
            YouzanPermanent,
            vec![decided(1_000), pay(WechatConsignment), refund(3_000)],
            Entry::Expected,
            700,
            0,
            0,
        ),
        (
            "partly refunded while it waited for balance",
            YouzanPermanent,
            vec![
                decided(1_000),
                pay(BankCard),
                LineEvent::Completed,
                LineEvent::BalanceTooLow,
                refund(3_000),
                SETTLED,
            ],
            Entry::Settled,
            0,
            -700,
            700,
        ),
        (
            "wholly refunded before completion",
            YouzanPermanent,
            vec![decided(1_000), pay(WechatConsignment), refund(10_000)],
            Entry::Invalid,
            0,
            0,
            0,
        ),
        (
            "refunded after settlement, no clawback here",
            YouzanPermanent,
            vec![decided(1_000), pay(WechatConsignment), LineEvent::Completed, SETTLED, refund(3_000)],
            Entry::Settled,
            0,
            -1_000,
            1_000,
        ),
        (
            "own pay without a refund settles by itself",
            YouzanPermanent,
            vec![decided(1_000), pay(WechatOwn), LineEvent::Completed, SETTLED],
            Entry::Settled,
            0,
            -1_000,
            1_000,
        ),
        (
            "own pay with a refund is settled by hand",
            YouzanPermanent,
            vec![decided(1_000), pay(WechatOwn), refund(1)],
            Entry::ManualRequired,
            0,
            0,
            0,
        ),
        (
            "refunded after settlement with clawback",
            Distributor1688,
            vec![decided(500), pay(Alipay), LineEvent::Completed, SETTLED, refund(4_000)],
            Entry::Settled,
            0,
            -300,
            300,
        ),
        (
            "in two refunds",
            Distributor1688,
            vec![decided(500), pay(Alipay), LineEvent::Completed, SETTLED, refund(1), refund(3_999)],
            Entry::Settled,
            0,
            -300,
            300,
        ),
        (
            "a superseding decision before settlement",
            Distributor1688,
            vec![decided(500), pay(Alipay), decided(300)],
            Entry::Expected,
            300,
            0,
            0,
        ),
        (
            "superseded to nothing",
            Distributor1688,
            vec![decided(500), pay(Alipay), LineEvent::Decided { terms: None, hold_for_review: false }],
            Entry::Invalid,
            0,
            0,
            0,
        ),
        (
            "and from nothing to something",
            Distributor1688,
            vec![LineEvent::Decided { terms: None, hold_for_review: false }, pay(Alipay), decided(500)],
            Entry::Expected,
            500,
            0,
            0,
        ),
        (
            "nothing was due when the trade completed, then a late click",
            Distributor1688,
            vec![
                LineEvent::Decided { terms: None, hold_for_review: false },
                pay(Alipay),
                LineEvent::Completed,
                decided(500),
            ],
            Entry::Matured,
            500,
            0,
            0,
        ),
        (
            "refunded and decided anew while it waits",
            Distributor1688,
            vec![decided(500), pay(Alipay), LineEvent::Completed, refund(2_000), decided(300)],
            Entry::Matured,
            240,
            0,
            0,
        ),
        (
            "closed after payment: a late decision brings nothing back",
            Distributor1688,
            vec![decided(500), pay(Alipay), LineEvent::Closed, decided(300)],
            Entry::Invalid,
            0,
            0,
            0,
        ),
        ("less than a fen", Distributor1688, vec![decided(500), paid(19, Alipay)], Entry::Invalid, 0, 0, 0),
    ];
    for (what, preset, events, entry, expected, merchant, promoter) in rows {
        let life = Life::all(preset, &events);
        let got = (life.state.entry, life.books.expected(), life.books.merchant(), life.books.promoter());
        assert_eq!(got, (entry, expected, merchant, promoter), "{what}");
    }
}

#[test]
fn cashback_reached_at_settlement_comes_off_the_base_and_later_tiers_change_nothing() {
    let settled = LineEvent::Settled { cashback: Fen(800), terms: None };
    let events = [decided(1_000), paid(8_800, PayMethod::BankCard), LineEvent::Completed, settled];
    let life = Life::all(Preset::YouzanPermanent, &events);
    assert_eq!((life.state.amounts.base, life.books.promoter()), (Fen(8_000), 800));
    assert_eq!(apply(&life.policy, &life.state, &SETTLED), Err(LedgerError::WrongState(Entry::Settled)));
}

#[test]
fn a_later_decision_on_a_settled_line_is_for_a_person() {
    let mut life = Life::all(
        Preset::Distributor1688,
        &[decided(500), paid(10_000, PayMethod::Alipay), LineEvent::Completed, SETTLED],
    );
    life.go(&LineEvent::Decided { terms: None, hold_for_review: false }).unwrap();
    assert!(life.state.review);
    assert_eq!(life.books.promoter(), 500, "nothing is taken back by itself");
}

#[test]
fn nothing_settles_before_the_review() {
    let held = LineEvent::Decided { terms: Some(terms(500, [0, 0, 1])), hold_for_review: true };
    let mut life =
        Life::all(Preset::Distributor1688, &[held, paid(10_000, PayMethod::Alipay), LineEvent::Completed]);
    assert_eq!(life.go(&SETTLED), Err(LedgerError::UnderReview));
    life.go(&decided(500)).unwrap();
    life.go(&SETTLED).unwrap();
    assert_eq!(life.books.promoter(), 500);
}

#[test]
fn what_is_collected_at_the_withdrawal_stays_with_the_promoter_until_then() {
    let three = LineEvent::Decided { terms: Some(terms(1_000, [1, 2, 7])), hold_for_review: false };
    let events = [three, paid(100_000, PayMethod::Alipay), LineEvent::Completed, SETTLED];
    let life = Life::all(Preset::TaobaoLive, &events);
    let agency = |a: &Account| matches!(a, Account::Earned { payee: Payee::Agency(_), .. });
    let platform = |a: &Account| matches!(a, Account::Platform { .. });
    assert_eq!(life.books.promoter(), 8_000, "the dashboard shows 80 %");
    assert_eq!(life.books.sum(TransferState::Posted, agency), 2_000);
    assert_eq!(life.books.sum(TransferState::Posted, platform), 0);
    assert_eq!(life.books.merchant(), -10_000);
}

#[test]
fn what_is_taken_back_names_what_it_takes_back() {
    let three = LineEvent::Decided { terms: Some(terms(1_000, [1, 2, 7])), hold_for_review: false };
    let events = [three, paid(100_000, PayMethod::Alipay), LineEvent::Completed, SETTLED];
    let mut life = Life::all(Preset::TaobaoLive, &events);
    let settled: BTreeMap<Party, TransferKey> = life.state.open.iter().map(|key| (key.party, *key)).collect();
    assert_eq!(settled.len(), 3);
    life.go(&refund(50_000)).unwrap();
    life.go(&refund(50_000)).unwrap();
    let back: Vec<&Transfer> =
        life.books.transfers.values().filter(|t| t.kind == TransferKind::Clawback).collect();
    assert_eq!(back.len(), 6, "each party twice");
    for transfer in back {
        assert_eq!(transfer.original, Some(settled[&transfer.key.party]), "{transfer:?}");
    }
}

/// What was refunded before the completion counts as if it had been told then, however late it is told.
#[test]
fn a_refund_in_time_that_is_told_late_comes_to_the_same_books() {
    let life = |method, refunds: &[LineEvent]| {
        let settled = [decided(1_000), paid(10_000, method), LineEvent::Completed, SETTLED];
        let life = Life::all(Preset::YouzanPermanent, &[&settled, refunds].concat());
        (life.state.entry, life.books.promoter(), life.state.amounts.gross.0, life.manual)
    };
    let rows = [
        (
            "in time",
            PayMethod::BankCard,
            vec![refund_in_time(3_000, 3_000)],
            (Entry::Settled, 700, 700, false),
        ),
        (
            "too late",
            PayMethod::BankCard,
            vec![refund_in_time(3_000, 0)],
            (Entry::Settled, 1_000, 1_000, true),
        ),
        (
            "one of each, the later one first",
            PayMethod::BankCard,
            vec![refund_in_time(2_000, 0), refund_in_time(3_000, 3_000)],
            (Entry::Settled, 700, 700, true),
        ),
        (
            "one of each, as they were",
            PayMethod::BankCard,
            vec![refund_in_time(3_000, 3_000), refund_in_time(2_000, 3_000)],
            (Entry::Settled, 700, 700, true),
        ),
        (
            "all of it",
            PayMethod::BankCard,
            vec![refund_in_time(10_000, 10_000)],
            (Entry::Settled, 0, 0, false),
        ),
        (
            "own payment is settled by hand",
            PayMethod::WechatOwn,
            vec![refund_in_time(1, 1)],
            (Entry::ManualRequired, 0, 0, true),
        ),
        (
            "and stays so",
            PayMethod::WechatOwn,
            vec![refund_in_time(1, 1), refund_in_time(5, 1)],
            (Entry::ManualRequired, 0, 0, true),
        ),
        (
            "after the completion nothing changes",
            PayMethod::WechatOwn,
            vec![refund(1)],
            (Entry::Settled, 1_000, 1_000, true),
        ),
    ];
    for (what, method, refunds, expected) in rows {
        assert_eq!(life(method, &refunds), expected, "{what}");
    }
}

#[test]
fn nothing_paid_and_nothing_refunded_are_amounts_too() {
    let mut free = Life::all(Preset::Distributor1688, &[decided(500), paid(0, PayMethod::Alipay)]);
    assert_eq!((free.state.entry, free.books.expected()), (Entry::Invalid, 0), "a free order earns nothing");
    free.go(&refund(0)).unwrap();
    let mut life = Life::all(Preset::Distributor1688, &[decided(500), paid(10_000, PayMethod::Alipay)]);
    life.go(&refund(0)).unwrap();
    assert_eq!((life.state.entry, life.books.expected()), (Entry::Expected, 500));
    let undecided = Life::all(Preset::Distributor1688, &[decided(500)]);
    let negative = paid(-1, PayMethod::Alipay);
    assert_eq!(apply(&undecided.policy, &undecided.state, &negative), Err(LedgerError::Negative));
}

#[test]
fn a_refund_is_for_a_person_where_its_way_to_pay_asks_for_one_or_none_is_named() {
    use crate::policy::settlement::{Methods, RefundBefore};
    let mut life = Life::all(Preset::Distributor1688, &[decided(500), paid(10_000, PayMethod::Alipay)]);
    let other = BTreeSet::from([PayMethod::BankCard]);
    let own = BTreeSet::from([PayMethod::Alipay]);
    // methods whose refunds are for a person, methods whose refunds reduce the base, for a person
    let rows = [
        (&other, Methods::Only(own.clone()), false),
        (&own, Methods::Only(own.clone()), true),
        (&other, Methods::Only(other.clone()), true),
        (&own, Methods::Only(other.clone()), true),
    ];
    for (manual, reduced, expected) in rows {
        life.policy.refund_manual_methods = manual.clone();
        life.policy.refund_before = RefundBefore::ReduceBase(reduced);
        let step = apply(&life.policy, &life.state, &refund(1_000)).unwrap();
        assert_eq!(step.manual, expected, "{manual:?}, {:?}", life.policy.refund_before);
    }
}

#[test]
fn a_bill_whose_cashback_outlives_its_refund_leaves_nothing_to_a_person() {
    let settled = LineEvent::Settled { cashback: Fen(1_000), terms: None };
    let mut life = Life::all(
        Preset::TaobaoLive,
        &[decided(500), paid(10_000, PayMethod::Alipay), LineEvent::Completed, settled],
    );
    life.go(&refund(10_000)).unwrap();
    let bill = life.state.bill().unwrap();
    assert_eq!((bill.base, bill.refunded, bill.refunded_by_hand), (Fen::ZERO, Fen(10_000), Fen::ZERO));
    assert_eq!(life.books.promoter(), 0, "all of it was taken back");
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let live = Life::all(Preset::Distributor1688, &[decided(500), paid(100, PayMethod::Alipay)]);
    let rows = [
        (refund(101), LedgerError::RefundExceedsPaid { paid: Fen(100), refunded: Fen(101) }),
        (refund(-1), LedgerError::Negative),
        (paid(100, PayMethod::Alipay), LedgerError::WrongState(Entry::Expected)),
        (SETTLED, LedgerError::WrongState(Entry::Expected)),
    ];
    for (event, error) in rows {
        assert_eq!(apply(&live.policy, &live.state, &event), Err(error), "{event:?}");
    }
}

#[test]
fn a_way_to_pay_that_does_not_count_earns_nothing_whenever_it_is_learned() {
    let cash = || paid(10_000, PayMethod::CashOnDelivery);
    for events in [[decided(500), cash()], [cash(), decided(500)]] {
        let life = Life::all(Preset::YouzanPermanent, &events);
        assert_eq!((life.state.entry, life.books.expected()), (Entry::Invalid, 0), "{events:?}");
    }
    let counts = Life::all(Preset::Distributor1688, &[decided(500), cash()]);
    assert_eq!((counts.state.entry, counts.books.expected()), (Entry::Expected, 500), "elsewhere it counts");
}

fn any_event() -> impl Strategy<Value = LineEvent> {
    let weights = prop_oneof![Just([1, 2, 7]), Just([5, 1, 4]), Just([0, 0, 1])];
    let some_terms = (0u32..3_000, weights).prop_map(|(bp, weights)| terms(bp, weights));
    prop_oneof![
        4 => (proptest::option::weighted(0.8, some_terms), any::<bool>())
            .prop_map(|(terms, hold)| LineEvent::Decided { terms, hold_for_review: hold }),
        4 => (0i64..50_000).prop_map(|amount| paid(amount, PayMethod::Alipay)),
        4 => Just(LineEvent::Completed),
        4 => (0i64..200).prop_map(|c| LineEvent::Settled { cashback: Fen(c), terms: None }),
        1 => Just(LineEvent::BalanceTooLow),
        6 => (0i64..20_000).prop_map(refund),
        1 => Just(LineEvent::Closed),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_books_agree_with_the_line(events in proptest::collection::vec(any_event(), 0..25)) {
        let mut life = Life::new(Preset::TaobaoLive);
        for event in &events {
            let before = life.state.clone();
            if life.go(event).is_err() {
                prop_assert_eq!(&life.state, &before);
            }
            let gross = life.state.amounts.gross.0;
            let (expected, merchant) = (life.books.expected(), life.books.merchant());
            match life.state.entry {
                Entry::Settled => prop_assert_eq!((expected, merchant), (0, -gross)),
                Entry::Expected | Entry::Matured => prop_assert_eq!((expected, merchant), (gross, 0)),
                Entry::Tracked | Entry::Invalid | Entry::ManualRequired => prop_assert_eq!((expected, merchant), (0, 0)),
            }
        }
    }
}

/// Each account's money, expected and posted together.
fn holdings(books: &Books) -> BTreeMap<Account, i64> {
    let mut sums = BTreeMap::new();
    for (_, transfer) in books.live() {
        *sums.entry(transfer.debit.clone()).or_default() -= transfer.amount.0;
        *sums.entry(transfer.credit.clone()).or_default() += transfer.amount.0;
    }
    sums
}

/// A life of a line that reaches far: some way into it, with refunds at any point.
fn any_life() -> impl Strategy<Value = Vec<LineEvent>> {
    let weights = prop_oneof![Just([1, 2, 7]), Just([0, 3, 7]), Just([0, 0, 1])];
    let start = (1u32..3_000, weights, 0i64..50_000, 0i64..300);
    (start, proptest::collection::vec((0u8..6, 0i64..20_000), 0..12)).prop_map(|(start, steps)| {
        let (bp, weights, amount, cashback) = start;
        let first = LineEvent::Decided { terms: Some(terms(bp, weights)), hold_for_review: false };
        let mut events = vec![first, paid(amount, PayMethod::BankCard)];
        let mut next =
            [LineEvent::Completed, LineEvent::Settled { cashback: Fen(cashback), terms: None }].into_iter();
        events.extend(steps.into_iter().filter_map(|(what, part)| match what {
            0 | 1 => next.next(),
            2 => Some(refund_in_time(part, part)),
            _ => Some(refund(part)),
        }));
        events
    })
}

proptest! {
    /// A refund gives money to the merchant or to nobody; every transfer takes what it gives.
    #[test]
    fn a_refund_pays_nobody_but_the_merchant(preset in 0..Preset::ALL.len(), events in any_life()) {
        let mut life = Life::new(Preset::ALL[preset]);
        for event in &events {
            let before = holdings(&life.books);
            let _ = life.go(event);
            let after = holdings(&life.books);
            prop_assert_eq!(after.values().sum::<i64>(), 0);
            if !matches!(event, LineEvent::Refunded(_)) {
                continue;
            }
            for account in before.keys().chain(after.keys()) {
                let of = |books: &BTreeMap<Account, i64>| books.get(account).copied().unwrap_or(0);
                let gained = of(&after) - of(&before);
                prop_assert!(if is_merchant(account) { gained >= 0 } else { gained <= 0 }, "{account:?} {gained}");
            }
        }
    }

    /// What is refunded counts, not in how many pieces or in which order, before the settlement and after it.
    #[test]
    fn refunds_in_pieces_are_the_refund_of_their_sum(
        parts in proptest::collection::vec(0i64..4_000, 1..6),
        settled in any::<bool>(),
        bp in 0u32..3_000,
    ) {
        let prefix: &[LineEvent] = if settled { &[LineEvent::Completed, SETTLED] } else { &[] };
        let live = |refunds: &[i64]| {
            let mut life = Life::new(Preset::TaobaoLive);
            let first = LineEvent::Decided { terms: Some(terms(bp, [1, 2, 7])), hold_for_review: false };
            let refunds = refunds.iter().copied().map(refund);
            let events = [first, paid(24_000, PayMethod::Alipay)].into_iter().chain(prefix.iter().cloned());
            for event in events.chain(refunds) {
                let _ = life.go(&event);
            }
            (life.state.amounts.clone(), life.state.refunded, holdings(&life.books))
        };
        let mut backwards = parts.clone();
        backwards.reverse();
        let whole = live(&[parts.iter().sum()]);
        let nonzero = |(amounts, refunded, mut books): (Amounts, Fen, BTreeMap<Account, i64>)| {
            books.retain(|_, sum| *sum != 0);
            (amounts, refunded, books)
        };
        prop_assert_eq!(nonzero(live(&parts)), nonzero(whole.clone()));
        prop_assert_eq!(nonzero(live(&backwards)), nonzero(whole));
    }

    /// What a bill says is what the transfers carry, and its steps lead from one to the next.
    #[test]
    fn a_bill_adds_up_to_the_ledgers_amounts(preset in 0..Preset::ALL.len(), events in any_life()) {
        let mut life = Life::new(Preset::ALL[preset]);
        for event in &events {
            let _ = life.go(event);
            let bill = life.state.bill().unwrap();
            let shares: i64 = bill.amounts.shares.iter().map(|share| share.amount.0).sum();
            prop_assert_eq!(shares, bill.amounts.gross.0);
            let merchant: i64 = holdings(&life.books).iter().filter(|(a, _)| is_merchant(a)).map(|(_, n)| n).sum();
            prop_assert_eq!(merchant, -bill.amounts.gross.0, "{:?}", bill);
            prop_assert_eq!(bill.base.0, (bill.paid.0 - bill.refunded.0 - bill.cashback.0).max(0));
            prop_assert_eq!(bill.refunded.0 + bill.refunded_by_hand.0, life.state.refunded.0);
            let silent = matches!(bill.entry, Entry::Tracked | Entry::ManualRequired);
            if let Some(terms) = bill.terms.as_ref().filter(|_| !silent) {
                prop_assert_eq!(terms.amounts(bill.base).unwrap().gross, bill.amounts.gross);
            }
        }
    }
}
