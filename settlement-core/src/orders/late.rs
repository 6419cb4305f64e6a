//! What clicks change that come in after orders were judged: orders to look at again, and promoters' days.

use crate::attribution::READ_AHEAD_MS;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::click::{ClickId, Stream};
use attribution_core::outcome::Outcome;
use attribution_core::record::CLICK_FIXED_LEN;
use attribution_core::time::{DAY_MS, SHANGHAI_OFFSET_MS};
use std::ops::Range;

/// Clicks with these numbers, which were given up as lost, have come in below the cursor: what the sweep does with
/// new clicks is done for them, as far as it has gone by without them.
///
/// # Errors
/// If the store fails.
pub(crate) fn clicks_turned_up(
    tx: &mut dyn Tx,
    stream: Stream,
    numbers: &Range<u64>,
) -> Result<(), StoreError> {
    if numbers.is_empty() {
        return Ok(());
    }
    tx.lock("judged streams")?;
    let Stream { edge, epoch, worker } = stream;
    let judged = tx.query_opt(
        "SELECT next_sequence FROM judged_streams WHERE edge = $1 AND epoch = $2 AND worker = $3",
        params![edge, epoch, worker],
    )?;
    let end = judged.map_or(Ok(0), |row| row.count(0))?.min(numbers.end);
    if numbers.start < end {
        let (from, to) = (ClickId::new(stream, numbers.start), ClickId::new(stream, end));
        wake_clicked(tx, from, to)?;
        count_days(tx, from, to)?;
    }
    Ok(())
}

/// Orders made after a click in `[from, to)` by anybody joined to its visitor, or so little before it that the click is
/// read for them, and orders that carry its token.
pub(super) fn wake_clicked(tx: &mut dyn Tx, from: ClickId, to: ClickId) -> Result<(), StoreError> {
    let attributed = Outcome::Attributed as u8;
    tx.execute(
        &format!(
            "UPDATE orders SET dirty = 1 WHERE (platform, order_id) IN (\
             SELECT o.platform, o.order_id FROM clicks c JOIN identities i ON i.visitor = c.visitor \
             JOIN orders o ON o.platform = i.platform AND o.buyer = i.buyer \
             WHERE c.click_id >= $1 AND c.click_id < $2 AND c.outcome = {attributed} \
             AND o.provisional = 1 AND o.created_ms >= c.effective_ms - {READ_AHEAD_MS})"
        ),
        params![&from, &to],
    )?;
    tx.execute(
        "UPDATE orders SET dirty = 1 WHERE (platform, order_id) IN (\
         SELECT o.platform, o.order_id FROM order_tokens t \
         JOIN orders o ON o.platform = t.platform AND o.order_id = t.order_id \
         WHERE t.click_id >= $1 AND t.click_id < $2 AND o.provisional = 1)",
        params![&from, &to],
    )?;
    Ok(())
}

/// Adds the clicks in `[from, to)` to the days of their promoters, placements and targets, and of their labels.
pub(super) fn count_days(tx: &mut dyn Tx, from: ClickId, to: ClickId) -> Result<(), StoreError> {
    let attributed = Outcome::Attributed as u8;
    tx.execute(
        &format!(
            "INSERT INTO click_days (promoter, day, placement, target, merchant, clicks, all_clicks) \
             SELECT p.promoter, (c.effective_ms + {SHANGHAI_OFFSET_MS}) / {DAY_MS} AS day, c.placement, c.target, \
             t.merchant, COUNT(CASE WHEN c.outcome = {attributed} THEN 1 END), COUNT(*) \
             FROM clicks c JOIN placements p ON p.num = c.placement JOIN targets t ON t.num = c.target \
             WHERE c.click_id >= $1 AND c.click_id < $2 \
             GROUP BY p.promoter, (c.effective_ms + {SHANGHAI_OFFSET_MS}) / {DAY_MS}, c.placement, c.target, t.merchant \
             ON CONFLICT (promoter, day, placement, target) DO UPDATE SET \
             clicks = click_days.clicks + excluded.clicks, all_clicks = click_days.all_clicks + excluded.all_clicks"
        ),
        params![&from, &to],
    )?;
    // A record ends with its label.
    tx.execute(
        &format!(
            "INSERT INTO click_subs (promoter, day, placement, target, sub, clicks, all_clicks) \
             SELECT p.promoter, (c.effective_ms + {SHANGHAI_OFFSET_MS}) / {DAY_MS} AS day, c.placement, c.target, \
             substr(c.payload, {CLICK_FIXED_LEN} + 1), COUNT(CASE WHEN c.outcome = {attributed} THEN 1 END), COUNT(*) \
             FROM clicks c JOIN placements p ON p.num = c.placement JOIN targets t ON t.num = c.target \
             WHERE c.click_id >= $1 AND c.click_id < $2 AND length(c.payload) > {CLICK_FIXED_LEN} \
             GROUP BY p.promoter, (c.effective_ms + {SHANGHAI_OFFSET_MS}) / {DAY_MS}, c.placement, c.target, \
             substr(c.payload, {CLICK_FIXED_LEN} + 1) \
             ON CONFLICT (promoter, day, placement, target, sub) DO UPDATE SET \
             clicks = click_subs.clicks + excluded.clicks, all_clicks = click_subs.all_clicks + excluded.all_clicks"
        ),
        params![&from, &to],
    )?;
    Ok(())
}
