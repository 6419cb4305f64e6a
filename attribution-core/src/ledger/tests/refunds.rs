//! What refunds take back, and which of them are for a person.

use super::*;
use std::collections::BTreeSet;

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
fn a_refund_that_takes_nothing_back_posts_nothing() {
    let settled = [decided(500), paid(10_000, PayMethod::BankCard), LineEvent::Completed, SETTLED];
    for (preset, refunded) in [(Preset::YouzanPermanent, 1_000), (Preset::Distributor1688, 0)] {
        let life = Life::all(preset, &settled);
        let step = apply(&life.policy, &life.state, &refund(refunded)).unwrap();
        assert_eq!((step.postings, step.state.revision), (vec![], life.state.revision), "{preset:?}");
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
