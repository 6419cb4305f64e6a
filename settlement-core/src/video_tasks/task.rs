//! A task as it is kept.

use crate::params;
use crate::store::{Row, StoreError, Tx, read};
use attribution_core::ids::{AgencyId, MerchantId, ProductId, ProgrammeId, PromoterId};
use attribution_core::money::Fen;
use attribution_core::time::Instant;

/// A video task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    pub id: String,
    pub programme: ProgrammeId,
    pub merchant: MerchantId,
    pub product: Option<ProductId>,
    pub talent: PromoterId,
    pub price: Fen,
    /// It was confirmed in an event in which the fee applies.
    pub in_event: bool,
    pub state: State,
    pub created: Instant,
    pub closed: Option<Instant>,
    /// What its confirmation paid.
    pub paid: Option<Paid>,
}

/// What a confirmation paid, and by which rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paid {
    pub version: u32,
    pub agency: Option<AgencyId>,
    pub fee: Fen,
    pub net: Fen,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Confirmed,
    Cancelled,
}

impl State {
    const ALL: [Self; 3] = [Self::Open, Self::Confirmed, Self::Cancelled];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }
}

const COLUMNS: &str = "id, programme, merchant, product, talent, price_fen, in_event, state, created_ms, closed_ms, \
                       programme_version, agency, fee_fen, net_fen";

fn task(row: &Row) -> Result<Task, StoreError> {
    let state = row.text(7)?;
    let state = State::ALL
        .into_iter()
        .find(|known| known.name() == state)
        .ok_or_else(|| StoreError::Corrupt { what: "state of a video task", cause: state.into() })?;
    let paid = match (row.opt_num(10)?, row.opt_int(12)?, row.opt_int(13)?) {
        (Some(version), Some(fee), Some(net)) => {
            let agency = row.opt_text(11)?.map(|id| read("agency id", id)).transpose()?;
            Some(Paid { version, agency, fee: Fen(fee), net: Fen(net) })
        }
        _ => None,
    };
    Ok(Task {
        id: row.text(0)?.to_owned(),
        programme: read("programme id", row.text(1)?)?,
        merchant: read("merchant id", row.text(2)?)?,
        product: row.opt_text(3)?.map(|id| read("product id", id)).transpose()?,
        talent: read("promoter id", row.text(4)?)?,
        price: Fen(row.int(5)?),
        in_event: row.flag(6)?,
        state,
        created: row.instant(8)?,
        closed: row.opt_instant(9)?,
        paid,
    })
}

/// One task.
pub(super) fn find(tx: &mut dyn Tx, id: &str) -> Result<Option<Task>, StoreError> {
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM video_tasks WHERE id = $1"), params![id])?;
    row.as_ref().map(task).transpose()
}

/// A merchant's tasks, newest first, behind the one of this time and id.
pub(super) fn of_merchant(
    tx: &mut dyn Tx,
    merchant: &MerchantId,
    after: Option<&(i64, [String; 1])>,
    limit: i64,
) -> Result<Vec<Task>, StoreError> {
    let (at, id) = after.map_or((i64::MAX, ""), |(at, [id])| (*at, id.as_str()));
    let sql = format!(
        "SELECT {COLUMNS} FROM video_tasks WHERE merchant = $1 AND created_ms <= $2 \
         AND (created_ms < $2 OR id < $3) ORDER BY created_ms DESC, id DESC LIMIT $4"
    );
    tx.query(&sql, params![merchant, at, id, limit])?.iter().map(task).collect()
}

/// Keeps a new task.
pub(super) fn insert(tx: &mut dyn Tx, new: &Task) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO video_tasks (id, programme, merchant, product, talent, price_fen, in_event, state, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8)",
        params![
            &new.id,
            &new.programme,
            &new.merchant,
            new.product.as_ref(),
            &new.talent,
            new.price,
            new.in_event,
            new.created
        ],
    )?;
    Ok(())
}

/// Closes an open task, with what was paid if it was confirmed.
pub(super) fn close(
    tx: &mut dyn Tx,
    id: &str,
    state: State,
    paid: Option<&Paid>,
    in_event: bool,
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE video_tasks SET state = $2, closed_ms = $3, programme_version = $4, agency = $5, fee_fen = $6, \
         net_fen = $7, in_event = $8 WHERE id = $1 AND state = 'open'",
        params![
            id,
            state.name(),
            now,
            paid.map(|paid| i64::from(paid.version)),
            paid.and_then(|paid| paid.agency.as_ref()),
            paid.map(|paid| paid.fee),
            paid.map(|paid| paid.net),
            in_event
        ],
    )?;
    Ok(())
}
