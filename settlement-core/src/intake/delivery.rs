//! What came of each delivery: kept in the transaction of what it changed, so that the same delivery again gets the
//! same answer and changes nothing. One that was not taken in is tried again when it comes again.

use crate::api::Cursor;
use crate::params;
use crate::store::{Row, Store, StoreError, Tx};
use attribution_core::time::{DAY_MS, Instant};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long deliveries are remembered. Senders repeat for days; later the events themselves are known.
const KEEP_MS: i64 = 30 * DAY_MS;
/// Rows forgotten at a time.
const FORGET_AT_ONCE: i64 = 1_000;

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum IntakeOutcome {
    /// At least one event was taken in.
    Accepted,
    /// All of it was there already.
    Duplicate,
    /// Something is in the review queue.
    Review,
    /// It holds events that can never be, or not from this source. `detail` and the kept body say more.
    Rejected,
    /// It holds nothing that concerns us, such as a topic of another kind.
    Ignored,
    /// It should mean something and does not say what; the body is kept for a person to look at.
    Unmappable,
}

impl IntakeOutcome {
    const ALL: [Self; 6] =
        [Self::Accepted, Self::Duplicate, Self::Review, Self::Rejected, Self::Ignored, Self::Unmappable];

    /// Whether a repeat can come to nothing else. What was refused may be taken in later: once the product is in the
    /// catalogue, say, or the source's settings are mended.
    const fn stands(self) -> bool {
        matches!(self, Self::Accepted | Self::Duplicate | Self::Ignored)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Review => "review",
            Self::Rejected => "rejected",
            Self::Ignored => "ignored",
            Self::Unmappable => "unmappable",
        }
    }
}

/// Which delivery.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) source: String,
    pub(super) delivery: String,
    pub(super) topic: String,
    pub(super) body_hash: [u8; 32],
}

/// An answer, as it was given.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) status: u16,
    pub(super) answer: String,
    /// The body was this one.
    pub(super) same_body: bool,
    /// A repeat gets this answer; otherwise it is tried again.
    pub(super) stands: bool,
}

/// Waits for others that take the same delivery in, and finds what they answered.
pub(super) fn kept(tx: &mut dyn Tx, key: &Key) -> Result<Option<Kept>, StoreError> {
    tx.lock(&format!("intake {} {}", key.source, key.delivery))?;
    let row = tx.query_opt(
        "SELECT status, answer, body_hash, outcome FROM intake_deliveries WHERE source = $1 AND delivery = $2",
        params![&key.source, &key.delivery],
    )?;
    row.map(|row| {
        let outcome = row.text(3)?;
        Ok(Kept {
            stands: IntakeOutcome::ALL.iter().any(|known| known.name() == outcome && known.stands()),
            status: u16::try_from(row.int(0)?).unwrap_or(200),
            answer: row.text(1)?.to_owned(),
            same_body: row.blob(2)? == key.body_hash,
        })
    })
    .transpose()
}

/// What there is to keep.
pub(super) struct Done<'a> {
    pub(super) outcome: IntakeOutcome,
    pub(super) detail: Option<&'a str>,
    pub(super) status: u16,
    pub(super) answer: &'a str,
    /// Kept where nothing was taken in.
    pub(super) body: Option<&'a str>,
}

/// Keeps the answer, in place of an earlier one. When the delivery first came stays.
pub(super) fn keep(tx: &mut dyn Tx, key: &Key, done: &Done<'_>, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO intake_deliveries (source, delivery, received_ms, topic, outcome, detail, status, answer, \
         body_hash, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (source, delivery) DO UPDATE SET topic = excluded.topic, outcome = excluded.outcome, \
         detail = excluded.detail, status = excluded.status, answer = excluded.answer, \
         body_hash = excluded.body_hash, body = excluded.body",
        params![
            &key.source,
            &key.delivery,
            now,
            &key.topic,
            done.outcome.name(),
            done.detail,
            i64::from(done.status),
            done.answer,
            &key.body_hash,
            done.body
        ],
    )?;
    Ok(())
}

/// A delivery as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryView {
    /// The sender's own id of it.
    delivery: String,
    /// When it first came, in milliseconds since 1970.
    received_at: i64,
    /// Its topic or type, as the sender names it.
    topic: String,
    /// What came of it.
    outcome: String,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The HTTP status it was answered with.
    status: u16,
    /// Its body, where nothing was taken in.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl DeliveryView {
    /// Its sort key in the list.
    pub(super) fn key(&self) -> String {
        Cursor::of_number_and_texts(self.received_at, [&self.delivery])
    }
}

/// A source's deliveries, the newest first, behind those of `before`.
pub(super) fn list(
    tx: &mut dyn Tx,
    source: &str,
    before: Option<&(i64, [String; 1])>,
    limit: i64,
) -> Result<Vec<DeliveryView>, StoreError> {
    let (ms, delivery) = before.map_or((i64::MAX, ""), |(ms, [delivery])| (*ms, delivery.as_str()));
    let rows = tx.query(
        "SELECT delivery, received_ms, topic, outcome, detail, status, body FROM intake_deliveries \
         WHERE source = $1 AND (received_ms < $2 OR (received_ms = $2 AND delivery < $3)) \
         ORDER BY received_ms DESC, delivery DESC LIMIT $4",
        params![source, ms, delivery, limit],
    )?;
    rows.iter().map(view).collect()
}

fn view(row: &Row) -> Result<DeliveryView, StoreError> {
    Ok(DeliveryView {
        delivery: row.text(0)?.to_owned(),
        received_at: row.int(1)?,
        topic: row.text(2)?.to_owned(),
        outcome: row.text(3)?.to_owned(),
        detail: row.opt_text(4)?.map(str::to_owned),
        status: u16::try_from(row.int(5)?).unwrap_or(200),
        body: row.opt_text(6)?.map(str::to_owned),
    })
}

/// Forgets the oldest deliveries beyond their time; a bounded number.
pub(crate) async fn forget_old(store: &Store, now: Instant) -> Result<(), StoreError> {
    let old = now.plus(-KEEP_MS);
    // Looking is a read, so that a quiet core writes nothing.
    let sql = "SELECT 1 FROM intake_deliveries WHERE received_ms < $1 LIMIT 1";
    if store.read(move |tx| tx.query_opt(sql, params![old])).await?.is_none() {
        return Ok(());
    }
    let sql = "DELETE FROM intake_deliveries WHERE (source, delivery) IN (SELECT source, delivery \
               FROM intake_deliveries WHERE received_ms < $1 ORDER BY received_ms LIMIT $2)";
    store.write(move |tx| tx.execute(sql, params![old, FORGET_AT_ONCE])).await?;
    Ok(())
}
