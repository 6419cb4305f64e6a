//! Writing transfers. Nothing here decides how much or to whom.

use super::account::{AccountKey, Holder};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{LineId, OrderId, PlatformId};
use attribution_core::ledger::{Posting, Transfer, TransferKey, TransferKind, TransferState};
use attribution_core::money::Fen;
use attribution_core::policy::commission::Party;
use attribution_core::time::Instant;

/// What an entry counts towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// Expected; reserves nothing.
    Pending,
    /// Moved.
    Posted,
}

/// The order line a transfer is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The platform.
    pub platform: &'a PlatformId,
    /// The order.
    pub order: &'a OrderId,
    /// The line.
    pub line: &'a LineId,
}

/// Why a transfer was not written.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// Nothing or less would move.
    #[error("transfer {id} moves {amount} fen; it must move something")]
    Amount {
        /// Which.
        id: String,
        /// How much.
        amount: i64,
    },
    /// The entries of a transfer do not sum to zero.
    #[error("transfer {id} does not balance")]
    Unbalanced {
        /// Which.
        id: String,
    },
    /// The store failed; [`StoreError::Unique`] if the transfer was written or voided before.
    #[error("the ledger's store failed")]
    Store(#[from] StoreError),
}

const fn party_name(party: Party) -> &'static str {
    match party {
        Party::Platform => "platform",
        Party::Agency => "agency",
        Party::Promoter => "promoter",
    }
}

impl Subject<'_> {
    /// A transfer's id. Slashes inside the parts are escaped, so that two lines never share one.
    pub(crate) fn id(&self, key: TransferKey) -> String {
        let escape = |text: &str| text.replace('%', "%25").replace('/', "%2F");
        let (order, line) = (escape(self.order.as_str()), escape(self.line.as_str()));
        format!("{}/{order}/{line}/{}/{}", self.platform, key.revision, party_name(key.party))
    }
}

/// A transfer's own row.
struct Head<'a> {
    id: &'a str,
    state: &'a str,
    reason: &'a str,
    resolves: Option<&'a str>,
    counters: Option<&'a str>,
    subject: Option<Subject<'a>>,
    at: Instant,
}

/// Executes what the rules want posted for one line, in order. The keys make it safe to repeat: the same posting
/// twice is refused by the store.
///
/// # Errors
/// If a posting was executed before, or the store fails.
pub(crate) fn execute(
    tx: &mut dyn Tx,
    subject: Subject<'_>,
    postings: &[Posting],
    at: Instant,
    now: Instant,
) -> Result<(), TransferError> {
    for posting in postings {
        match posting {
            Posting::Write(transfer) => write(tx, subject, transfer, at, now)?,
            Posting::Void(key) => void(tx, subject, *key, at, now)?,
        }
    }
    Ok(())
}

/// A transfer of an order line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub id: String,
    pub state: &'static str,
    pub reason: &'static str,
    pub counters: Option<String>,
    /// `pending` or `posted`.
    pub layer: &'static str,
    pub debit: AccountKey,
    pub credit: AccountKey,
    pub amount: Fen,
}

/// How the transfer of a line is stored.
pub(crate) fn written(subject: Subject<'_>, transfer: &Transfer) -> Written {
    let state = match transfer.state {
        TransferState::Pending => "pending",
        TransferState::Posted => "posted",
    };
    let reason = match transfer.kind {
        TransferKind::Expected => "expected",
        TransferKind::Settled => "settled",
        TransferKind::Clawback => "clawback",
    };
    Written {
        id: subject.id(transfer.key),
        state,
        reason,
        counters: transfer.original.map(|key| subject.id(key)),
        layer: state,
        debit: Holder::Account(transfer.debit.clone()).key(),
        credit: Holder::Account(transfer.credit.clone()).key(),
        amount: transfer.amount,
    }
}

fn write(
    tx: &mut dyn Tx,
    subject: Subject<'_>,
    transfer: &Transfer,
    at: Instant,
    now: Instant,
) -> Result<(), TransferError> {
    let Written { id, state, reason, counters, debit, credit, amount, .. } = written(subject, transfer);
    let layer = match transfer.state {
        TransferState::Pending => Layer::Pending,
        TransferState::Posted => Layer::Posted,
    };
    let counters = counters.as_deref();
    let head = Head { id: &id, state, reason, resolves: None, counters, subject: Some(subject), at };
    insert_head(tx, &head, now)?;
    insert_pair(tx, &id, layer, &debit, &credit, amount)
}

fn void(
    tx: &mut dyn Tx,
    subject: Subject<'_>,
    key: TransferKey,
    at: Instant,
    now: Instant,
) -> Result<(), TransferError> {
    let pending = subject.id(key);
    let id = format!("{pending}/void");
    let head = Head {
        id: &id,
        state: "void",
        reason: "superseded",
        resolves: Some(&pending),
        counters: None,
        subject: Some(subject),
        at,
    };
    insert_head(tx, &head, now)?;
    let copied = tx.execute(
        "INSERT INTO ledger_entries (transfer, position, layer, account, owner, programme, amount_fen) \
         SELECT $1, position, layer, account, owner, programme, -amount_fen FROM ledger_entries \
         WHERE transfer = $2 AND layer = 'pending'",
        params![&id, &pending],
    )?;
    if copied == 2 { Ok(()) } else { Err(TransferError::Unbalanced { id }) }
}

/// Moves posted money that is about no order line.
///
/// # Errors
/// If a transfer of this id exists, nothing would move, or the store fails.
pub(crate) fn post(
    tx: &mut dyn Tx,
    id: &str,
    reason: &str,
    debit: &Holder,
    credit: &Holder,
    amount: Fen,
    now: Instant,
) -> Result<(), TransferError> {
    let head = Head { id, state: "posted", reason, resolves: None, counters: None, subject: None, at: now };
    insert_head(tx, &head, now)?;
    insert_pair(tx, id, Layer::Posted, &debit.key(), &credit.key(), amount)
}

fn insert_head(tx: &mut dyn Tx, head: &Head<'_>, now: Instant) -> Result<(), StoreError> {
    let subject = head.subject;
    tx.execute(
        "INSERT INTO ledger_transfers (id, state, reason, resolves, counters, platform, order_id, line_id, at_ms, \
         recorded_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            head.id,
            head.state,
            head.reason,
            head.resolves,
            head.counters,
            subject.map(|s| s.platform),
            subject.map(|s| s.order),
            subject.map(|s| s.line),
            head.at,
            now,
        ],
    )?;
    Ok(())
}

/// The two entries of a transfer: what one side loses the other gains.
fn insert_pair(
    tx: &mut dyn Tx,
    transfer: &str,
    layer: Layer,
    debit: &AccountKey,
    credit: &AccountKey,
    amount: Fen,
) -> Result<(), TransferError> {
    if amount <= Fen::ZERO {
        return Err(TransferError::Amount { id: transfer.to_owned(), amount: amount.0 });
    }
    let name = match layer {
        Layer::Pending => "pending",
        Layer::Posted => "posted",
    };
    for (position, (key, fen)) in (0i64..).zip([(debit, -amount.0), (credit, amount.0)]) {
        tx.execute(
            "INSERT INTO ledger_entries (transfer, position, layer, account, owner, programme, amount_fen) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            params![transfer, position, name, key.account, &key.owner, &key.programme, fen],
        )?;
        if layer == Layer::Posted {
            tx.execute(
                "INSERT INTO ledger_balances (account, owner, programme, balance_fen) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (account, owner, programme) DO UPDATE \
                 SET balance_fen = ledger_balances.balance_fen + excluded.balance_fen",
                params![key.account, &key.owner, &key.programme, fen],
            )?;
        }
    }
    Ok(())
}
