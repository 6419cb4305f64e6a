//! The jobs over refund records: batches make theirs on their day, and the platform makes up for what is missing on
//! the rule's day. Running them again changes nothing.

use super::Key;
use super::recover::recoveries;
use crate::attribution::Catalogue;
use crate::ledger::Holder;
use crate::ledger::transfer::post;
use crate::params;
use crate::payouts::MoveError;
use crate::store::{Row, Store, StoreError, Tx, read};
use attribution_core::dispute::{Claim, Compensation};
use attribution_core::ids::{MerchantId, ProgrammeId};
use attribution_core::ledger::Account;
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use attribution_core::with_causes;

/// Records looked at in one transaction.
const AT_ONCE: i64 = 100;

/// Runs both jobs to their end; returns how many records were made up for.
pub(crate) async fn run(store: &Store, now: Instant) -> Result<u32, StoreError> {
    let due = store
        .read(move |tx| {
            tx.query_opt(
                "SELECT 1 FROM disputes WHERE (state = 'waiting' AND record_ms <= $1) \
                 OR (closed_ms IS NULL AND compensate_ms <= $1) LIMIT 1",
                params![now],
            )
        })
        .await?;
    if due.is_none() {
        return Ok(0);
    }
    store.write(move |tx| make_records(tx, now)).await?;
    let mut paid = 0;
    loop {
        match store.write(move |tx| compensate(tx, now)).await {
            Ok(None) => return Ok(paid),
            Ok(Some(more)) => paid += more,
            Err(MoveError::Store(error)) => return Err(error),
            Err(error) => {
                tracing::error!(error = with_causes(&error), "refund records could not be made up for");
                return Ok(paid);
            }
        }
    }
}

/// A batch's day has come: its records exist from its end on, with its own time.
fn make_records(tx: &mut dyn Tx, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE disputes SET created_ms = record_ms, state = CASE WHEN recovered_fen >= due_fen THEN 'success' \
         WHEN recovered_fen > 0 THEN 'recovering' ELSE 'created' END WHERE state = 'waiting' AND record_ms <= $1",
        params![now],
    )?;
    Ok(())
}

pub(super) fn key_of(row: &Row) -> Result<Key, StoreError> {
    Ok(Key {
        platform: read("platform id", row.text(0)?)?,
        order: read("order id", row.text(1)?)?,
        line: read("line id", row.text(2)?)?,
        refund: row.text(3)?.to_owned(),
    })
}

/// What [`make_up`] reads of records whose day has come and that are still open.
const DUE: &str = "SELECT platform, order_id, line_id, refund_id, merchant, programme, programme_version, rule, due_fen, \
                   merchant_broke_rules FROM disputes WHERE closed_ms IS NULL AND compensate_ms <= $1";

/// Closes some records whose day has come; `None` if there are no more.
fn compensate(tx: &mut dyn Tx, now: Instant) -> Result<Option<u32>, MoveError> {
    tx.lock("compensation")?;
    let sql = format!("{DUE} ORDER BY compensate_ms, platform, order_id, line_id, refund_id LIMIT {AT_ONCE}");
    let rows = tx.query(&sql, params![now])?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut rules = Catalogue::default();
    let mut paid = 0;
    for row in &rows {
        paid += u32::from(make_up(tx, &mut rules, row, now)?);
    }
    Ok(Some(paid))
}

/// Closes this record if its day has come, for whoever is about to book what comes back later and holds the lock
/// `compensation`: jobs may be late.
pub(super) fn compensate_one(tx: &mut dyn Tx, key: &Key, now: Instant) -> Result<(), MoveError> {
    let sql = format!("{DUE} AND platform = $2 AND order_id = $3 AND line_id = $4 AND refund_id = $5");
    if let Some(row) = tx.query_opt(&sql, params![now, &key.platform, &key.order, &key.line, &key.refund])? {
        make_up(tx, &mut Catalogue::default(), &row, now)?;
    }
    Ok(())
}

/// Makes up for what is missing on a record, if its rule says so, and closes it; says whether there was a payment.
fn make_up(tx: &mut dyn Tx, rules: &mut Catalogue, row: &Row, now: Instant) -> Result<bool, MoveError> {
    let key = key_of(row)?;
    let programme: ProgrammeId = read("programme id", row.text(5)?)?;
    let policy = rules.policy(tx, &programme, row.num(6)?)?;
    let name = row.text(7)?;
    let recovered = recoveries(tx, &key)?;
    let claim = Claim {
        due: Fen(row.int(8)?),
        recovered: &recovered,
        compensated: None,
        merchant_broke_rules: row.flag(9)?,
    };
    let rule = policy.refund_batches.iter().find(|rule| rule.name == name);
    let verdict = rule.map_or(Ok(Compensation::None), |rule| rule.compensation(&claim, now))?;
    let (state, amount) = match verdict {
        Compensation::Pays { amount } => ("compensated", Some(amount)),
        Compensation::Recovered => ("success", None),
        Compensation::RulesBroken => ("rules_broken", None),
        Compensation::None | Compensation::NotYet { .. } | Compensation::AlreadyPaid { .. } => ("", None),
    };
    if let Some(amount) = amount {
        let merchant: MerchantId = read("merchant id", row.text(4)?)?;
        let from = Holder::Account(Account::Platform { platform: key.platform.clone() });
        let to = Holder::Account(Account::Merchant { merchant });
        post(tx, &format!("compensation/{}", key.text()), "compensation", &from, &to, amount, now)?;
    }
    tx.execute(
        "UPDATE disputes SET state = CASE WHEN $5 = '' THEN state ELSE $5 END, compensated_fen = $6, closed_ms = $7 \
         WHERE platform = $1 AND order_id = $2 AND line_id = $3 AND refund_id = $4",
        params![&key.platform, &key.order, &key.line, &key.refund, state, amount, now],
    )?;
    Ok(amount.is_some())
}
