//! Taking one order event in: exactly once in effect, in any order of arrival, losing nothing.
//!
//! An event is either stored in the log of its order, or recognised as a repeat, or put into the review queue with
//! its contents, or refused because it can never be an event. Events of an order whose `created` is still missing
//! are stored and wait; `created` applies them.

use super::refusal::{Refusal, before_created, impossible, not_in_catalogue};
use super::review::{self, Finding, Reason};
use super::rows;
use super::waiting;
use crate::identities::{self, Seen, Source};
use crate::order_events::state::{Contradiction, OrderState};
use crate::order_events::{Created, EventKey, OrderEvent, log};
use crate::params;
use crate::store::{Row, StoreError, Tx, read};
use attribution_core::attribute::SHARED_BY;
use attribution_core::click::ClickId;
use attribution_core::ids::{MerchantId, OrderId, PlatformId};
use attribution_core::time::Instant;
use attribution_core::token::{ClickKeys, ClickToken};
use std::collections::BTreeSet;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Stored. The order is to be judged again.
    Applied {
        /// Click tokens (by position) that are not ours; the order stands without them.
        bad_tokens: Vec<usize>,
    },
    /// Stored; the order's `created` is still missing.
    Waiting,
    /// The same event was taken in before.
    Repeat,
    /// In the review queue, not applied.
    Review(Refusal),
    /// The order is another merchant's, or of a platform the merchant is not on; nothing was stored.
    NotTheirs,
}

/// The lock that all writers of one order take.
pub(crate) fn lock_name(key: &EventKey) -> String {
    format!("order {} {}", key.platform, key.order)
}

/// Takes one event in. `sender` is the merchant who sends it, `None` for the operator, who may speak for all.
///
/// # Errors
/// If the store fails.
pub fn take(
    tx: &mut dyn Tx,
    keys: &ClickKeys,
    event: &OrderEvent,
    sender: Option<&str>,
    now: Instant,
) -> Result<Taken, StoreError> {
    let key = event.key();
    let contents = event.contents();
    tx.lock(&lock_name(&key))?;
    let placed = placed(tx, &key)?;
    let owner = placed.as_ref().map(|placed| placed.merchant.as_str());
    if !may_speak(tx, event, sender, owner)? {
        return Ok(Taken::NotTheirs);
    }
    let whose = match (owner.or(sender), event) {
        (Some(merchant), _) => Some(read("merchant id", merchant)?),
        (None, OrderEvent::Created(created)) => Some(created.merchant.clone()),
        (None, _) => None,
    };
    if let Some(impossible) = impossible(event, now) {
        return refuse(tx, &key, &contents, whose.as_ref(), impossible, now);
    }
    match told_before(tx, &key, &contents, owner.or(sender).unwrap_or_default())? {
        Before::Nothing => {}
        Before::TheSame => return Ok(Taken::Repeat),
        Before::SomethingElse => {
            let detail =
                format!("this `{}` event came before with other contents; the first one stands", key.kind);
            let refusal = Refusal { reason: Reason::EventChanged, detail, pointer: String::new() };
            return refuse(tx, &key, &contents, whose.as_ref(), refusal, now);
        }
    }
    if let Some(refusal) = misfit(tx, &key, event, placed.as_ref())? {
        return refuse(tx, &key, &contents, whose.as_ref(), refusal, now);
    }
    // What is told after a judgement bears a later time: the times alone tell what each has seen.
    let judged = placed.as_ref().and_then(|placed| placed.judged);
    let received = judged.map_or(now, |judged| now.max(judged.plus(1)));
    log::insert(tx, &key, event, &contents, sender, received)?;
    if let OrderEvent::Created(created) = event {
        review::taken_in(tx, &key.platform, &key.order, now)?;
        waiting::sort(tx, created, now)?;
    }
    let events = log::events(tx, &key.platform, &key.order)?;
    match OrderState::of(&events) {
        None => Ok(Taken::Waiting),
        Some(state) => apply(tx, keys, event, &state, sender, now),
    }
}

/// What an event that is stored changes at once; the order's judgement comes later.
fn apply(
    tx: &mut dyn Tx,
    keys: &ClickKeys,
    event: &OrderEvent,
    state: &OrderState,
    sender: Option<&str>,
    now: Instant,
) -> Result<Taken, StoreError> {
    let bad_tokens = if let OrderEvent::Created(created) = event {
        rows::insert_order(tx, state)?;
        take_tokens(tx, keys, created, sender, now)?
    } else {
        Vec::new()
    };
    rows::touch_order(tx, state)?;
    note_contradictions(tx, state, now)?;
    if matches!(event, OrderEvent::Paid(_) | OrderEvent::Completed(_)) {
        close_explained(tx, state, now)?;
    }
    wake_others(tx, state, event)?;
    Ok(Taken::Applied { bad_tokens })
}

/// What was told under an event's key before.
enum Before {
    Nothing,
    TheSame,
    SomethingElse,
}

/// Only what `counts` has said and what operators have said can be repeated or contradicted: the word of a merchant whose
/// order it is not must never stand in the way.
fn told_before(tx: &mut dyn Tx, key: &EventKey, contents: &str, counts: &str) -> Result<Before, StoreError> {
    let rows = tx.query(
        "SELECT contents FROM order_events WHERE platform = $1 AND order_id = $2 AND kind = $3 AND refund_id = $4 \
         AND (kind = 'created' OR sender = '' OR sender = $5)",
        params![&key.platform, &key.order, key.kind, &key.number, counts],
    )?;
    for row in &rows {
        if row.text(0)? == contents {
            return Ok(Before::TheSame);
        }
    }
    Ok(if rows.is_empty() { Before::Nothing } else { Before::SomethingElse })
}

/// Why an event does not fit the catalogue or the order that is there, if so.
fn misfit(
    tx: &mut dyn Tx,
    key: &EventKey,
    event: &OrderEvent,
    placed: Option<&Placed>,
) -> Result<Option<Refusal>, StoreError> {
    if let OrderEvent::Created(created) = event
        && let Some(refusal) = not_in_catalogue(tx, created)?
    {
        return Ok(Some(refusal));
    }
    Ok(placed.and_then(|placed| before_created(key.kind, event.at(), placed.at)))
}

/// What is known of an order that is there.
struct Placed {
    merchant: String,
    at: Instant,
    /// When it was last judged.
    judged: Option<Instant>,
}

/// Whether the order's `created` was taken in.
///
/// # Errors
/// If the store fails.
pub(crate) fn is_placed(tx: &mut dyn Tx, platform: &PlatformId, order: &OrderId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM orders WHERE platform = $1 AND order_id = $2";
    Ok(tx.query_opt(sql, params![platform, order])?.is_some())
}

/// Whether the merchant or an operator has told of an event with this key, whatever it said.
///
/// # Errors
/// If the store fails.
pub(crate) fn is_told(tx: &mut dyn Tx, key: &EventKey, merchant: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM order_events WHERE platform = $1 AND order_id = $2 AND kind = $3 AND refund_id = $4 \
               AND sender IN ('', $5)";
    Ok(tx.query_opt(sql, params![&key.platform, &key.order, key.kind, &key.number, merchant])?.is_some())
}

fn placed(tx: &mut dyn Tx, key: &EventKey) -> Result<Option<Placed>, StoreError> {
    let row = tx.query_opt(
        "SELECT merchant, created_ms, judged_ms FROM orders WHERE platform = $1 AND order_id = $2",
        params![&key.platform, &key.order],
    )?;
    let placed = |row: Row| {
        Ok(Placed { merchant: row.text(0)?.to_owned(), at: row.instant(1)?, judged: row.opt_instant(2)? })
    };
    row.map(placed).transpose()
}

/// Whether `sender` may speak of this order: of one that is not there yet every merchant of the platform may, and who
/// has placed it shows whether it counts.
fn may_speak(
    tx: &mut dyn Tx,
    event: &OrderEvent,
    sender: Option<&str>,
    owner: Option<&str>,
) -> Result<bool, StoreError> {
    let Some(sender) = sender else { return Ok(true) };
    if let OrderEvent::Created(created) = event {
        return Ok(created.merchant.as_str() == sender);
    }
    if let Some(owner) = owner {
        return Ok(owner == sender);
    }
    let there = tx.query_opt(
        "SELECT 1 FROM merchants WHERE id = $1 AND platform = $2",
        params![sender, &event.key().platform],
    )?;
    Ok(there.is_some())
}

fn refuse(
    tx: &mut dyn Tx,
    key: &EventKey,
    contents: &str,
    merchant: Option<&MerchantId>,
    refusal: Refusal,
    now: Instant,
) -> Result<Taken, StoreError> {
    let found =
        format!("{} {} {:016x}", key.kind, key.number, xxhash_rust::xxh3::xxh3_64(contents.as_bytes()));
    let finding = Finding {
        platform: &key.platform,
        order: &key.order,
        merchant,
        line: "",
        reason: refusal.reason,
        found: &found,
        detail: &refusal.detail,
        contents: Some(contents),
    };
    review::open(tx, &finding, now)?;
    Ok(Taken::Review(refusal))
}

/// Keeps the order's tokens and joins their visitors to the buyer; returns the positions of those that are not ours.
fn take_tokens(
    tx: &mut dyn Tx,
    keys: &ClickKeys,
    created: &Created,
    sender: Option<&str>,
    now: Instant,
) -> Result<Vec<usize>, StoreError> {
    let mut bad = Vec::new();
    let mut seen = BTreeSet::new();
    for (position, text) in created.click_tokens.iter().enumerate() {
        let Ok(token) = ClickToken::open(text.as_bytes(), keys) else {
            bad.push(position);
            continue;
        };
        if !seen.insert(token.click) {
            continue;
        }
        let others = others_who_brought(tx, token.click, created)?;
        tx.execute(
            "INSERT INTO order_tokens (platform, order_id, click_id, visitor, code, placement, target, clicked_ms, token, \
             buyers_before) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                &created.platform,
                &created.order,
                &token.click,
                token.visitor.is_some().then_some(&token.visitor),
                token.code,
                token.placement,
                token.target,
                token.clicked,
                text,
                others
            ],
        )?;
        if token.visitor.is_some() {
            let seen = Seen {
                visitor: token.visitor,
                platform: &created.platform,
                buyer: &created.buyer,
                at: created.at.instant(),
                source: Source::Order,
                told_by: sender,
            };
            identities::join(tx, seen, now)?;
        }
    }
    Ok(bad)
}

/// Orders with one token that are looked at.
const LOOKED_AT: i64 = 1_000;

/// How many other buyers' orders have brought the token of this click so far, as far as it matters: no more than
/// [`SHARED_BY`], and not among more orders than a request has time for.
fn others_who_brought(tx: &mut dyn Tx, click: ClickId, created: &Created) -> Result<i64, StoreError> {
    let row = tx.query_one(
        "SELECT COUNT(*) FROM (SELECT DISTINCT o.platform, o.buyer FROM \
         (SELECT platform, order_id FROM order_tokens WHERE click_id = $1 LIMIT $4) AS t \
         JOIN orders o ON o.platform = t.platform AND o.order_id = t.order_id \
         WHERE NOT (o.platform = $2 AND o.buyer = $3) LIMIT $5) AS others",
        params![&click, &created.platform, &created.buyer, LOOKED_AT, i64::from(SHARED_BY)],
    )?;
    row.int(0)
}

fn note_contradictions(tx: &mut dyn Tx, state: &OrderState, now: Instant) -> Result<(), StoreError> {
    for contradiction in &state.contradictions {
        let (reason, found, detail) = match contradiction {
            Contradiction::UnknownLine { kind, refund, line } => (
                Reason::UnknownLine,
                format!("{kind} {refund}"),
                format!("`{kind}` {refund} names line {line}, which the order does not have"),
            ),
            Contradiction::RefundedTooMuch { line } => (
                Reason::RefundExceedsPayment,
                String::new(),
                format!("more was refunded on line {line} than was paid for it"),
            ),
            Contradiction::CompletedBeforePaid => (
                Reason::CompletedBeforePaid,
                String::new(),
                "the order is said to be completed before it was paid, or without a payment that is known: nothing is \
                 settled until there is one"
                    .to_owned(),
            ),
        };
        let line = contradiction.line().map_or("", |line| line.as_str());
        review::open(tx, &Finding::of(&state.created, line, reason, &found, &detail), now)?;
    }
    Ok(())
}

/// Events come in any order: what a payment explains was no contradiction.
fn close_explained(tx: &mut dyn Tx, state: &OrderState, now: Instant) -> Result<(), StoreError> {
    let created = &state.created;
    for reason in [Reason::CompletedBeforePaid, Reason::RefundExceedsPayment] {
        let still = state.contradictions.iter().filter(|of| of.code() == reason.code());
        let still: Vec<&str> = still.map(|of| of.line().map_or("", |line| line.as_str())).collect();
        review::explained(tx, &created.platform, &created.order, reason, &still, now)?;
    }
    Ok(())
}

/// A new order, its payment, its end without one, or a new success can change how the buyer's other orders are judged.
fn wake_others(tx: &mut dyn Tx, state: &OrderState, event: &OrderEvent) -> Result<(), StoreError> {
    let created = &state.created;
    let (platform, buyer) = (&created.platform, &created.buyer);
    if let (OrderEvent::Created(_) | OrderEvent::Paid(_) | OrderEvent::Completed(_), Some(paid)) =
        (event, state.paid)
    {
        crate::wake::payer(tx, platform, buyer, paid)?;
    }
    let from = match event {
        OrderEvent::Created(_) => created.at.instant(),
        OrderEvent::Closed(_) if state.paid.is_none() => created.at.instant(),
        OrderEvent::Paid(_) if state.closed.is_some() || state.payment_method != created.payment_method => {
            created.at.instant()
        }
        // A refund may have undone the success: what counts is that there was a completion.
        _ => match state.completed {
            Some(completed) => completed,
            None => return Ok(()),
        },
    };
    crate::wake::buyer(tx, platform, buyer, from)
}
