//! What holds whatever happens to a line.

use super::*;
use crate::commission::Amounts;
use proptest::prelude::*;

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
