//! What a line earns, as its events say.

#![expect(clippy::type_complexity, reason = "rows of a table read best as tuples")]

use super::*;
use crate::policy::commission::Tier;

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
fn what_a_tier_may_still_make_enough_waits_for_its_settlement() {
    let tiers = [Tier { from_orders: 2, bp: BasisPoints::new(800).unwrap() }];
    let own = Terms { rises_to: Some(tiers[0].bp), ..terms(500, [0, 0, 1]) };
    let decided = LineEvent::Decided { terms: Some(own.clone()), hold_for_review: false };
    // refunded of 25 fen, orders when settling: entry before, entry and commission afterwards
    let rows = [
        (12, 2, Entry::Matured, Entry::Settled, 1),
        (12, 1, Entry::Matured, Entry::Invalid, 0),
        (13, 2, Entry::Invalid, Entry::Invalid, 0),
    ];
    for (refunded, orders, before, after, gross) in rows {
        let mut life = Life::all(
            Preset::TaobaoLive,
            &[decided.clone(), paid(25, PayMethod::Alipay), refund(refunded), LineEvent::Completed],
        );
        assert_eq!((life.state.entry, life.books.expected()), (before, 0), "{refunded}");
        let settled = LineEvent::Settled { cashback: Fen::ZERO, terms: Some(own.at_tier(&tiers, orders)) };
        let _ = life.go(&settled);
        assert_eq!((life.state.entry, life.state.amounts.gross), (after, Fen(gross)), "{refunded}, {orders}");
    }
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
