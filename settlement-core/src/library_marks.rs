//! What a change leaves for the library's index, in the change's own transaction: a mark on each product that it may
//! concern, or, of many, a word that they are stale.

use crate::params;
use crate::store::{StoreError, Tx};

/// One product has changed.
pub(crate) fn product(tx: &mut dyn Tx, target: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO library_marks (target, mark) VALUES ($1, 1) \
         ON CONFLICT (target) DO UPDATE SET mark = library_marks.mark + 1",
        params![target],
    )?;
    Ok(())
}

/// All products of a merchant have: its name, or a rate of its shop.
pub(crate) fn merchant(tx: &mut dyn Tx, merchant: &str) -> Result<(), StoreError> {
    stale(tx, "merchant", merchant)
}

/// All products of a category and of those below it have.
pub(crate) fn category(tx: &mut dyn Tx, category: &str) -> Result<(), StoreError> {
    stale(tx, "category", category)
}

/// All products of a programme have: its merchant's, or if it is a platform's, all there are.
pub(crate) fn programme(tx: &mut dyn Tx, programme: &str) -> Result<(), StoreError> {
    let row = tx.query_opt("SELECT merchant FROM programmes WHERE id = $1", params![programme])?;
    match row.as_ref().map(|row| row.opt_text(0)).transpose()?.flatten() {
        Some(owner) => merchant(tx, owner),
        None => stale(tx, "all", ""),
    }
}

/// The products that a rate is for have.
pub(crate) fn subject(tx: &mut dyn Tx, of: &str, kind: &str, subject: &str) -> Result<(), StoreError> {
    match kind {
        "product" => {
            let sql = "SELECT num FROM targets WHERE kind = 'product' AND id = $1";
            match tx.query_opt(sql, params![subject])? {
                Some(row) => product(tx, row.int(0)?),
                None => Ok(()),
            }
        }
        "category" => category(tx, subject),
        "shop" => merchant(tx, subject),
        _ => programme(tx, of),
    }
}

/// The products that a targeted plan has rates for have.
pub(crate) fn plan(tx: &mut dyn Tx, plan: &str) -> Result<(), StoreError> {
    let sql = "SELECT DISTINCT programme, subject_kind, subject FROM rates WHERE plan = $1";
    for row in &tx.query(sql, params![plan])? {
        subject(tx, row.text(0)?, row.text(1)?, row.text(2)?)?;
    }
    Ok(())
}

/// Products that are marked one by one at most; more are left to the job.
const AT_ONCE: i64 = 500;

/// Marks what `kind` and `id` name: at once where it is little, else by and by.
fn stale(tx: &mut dyn Tx, kind: &str, id: &str) -> Result<(), StoreError> {
    let few = next(tx, kind, id, 0, AT_ONCE + 1)?;
    if i64::try_from(few.len()).is_ok_and(|count| count <= AT_ONCE) {
        return few.into_iter().try_for_each(|target| product(tx, target));
    }
    tx.execute(
        "INSERT INTO library_stale (kind, id, after_target) VALUES ($1, $2, 0) \
         ON CONFLICT (kind, id) DO UPDATE SET after_target = 0",
        params![kind, id],
    )?;
    Ok(())
}

/// The next products after `after` that `kind` and `id` name, in order.
pub(crate) fn next(
    tx: &mut dyn Tx,
    kind: &str,
    id: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let rows = match kind {
        "merchant" => tx.query(
            "SELECT num FROM targets WHERE kind = 'product' AND merchant = $1 AND num > $2 ORDER BY num LIMIT $3",
            params![id, after, limit],
        )?,
        "category" => tx.query(
            "WITH RECURSIVE below (num) AS (SELECT num FROM categories WHERE id = $1 \
             UNION SELECT c.num FROM categories c JOIN below b ON c.parent = b.num) \
             SELECT num FROM targets WHERE kind = 'product' AND num > $2 AND category IN (SELECT num FROM below) \
             ORDER BY num LIMIT $3",
            params![id, after, limit],
        )?,
        _ => tx.query(
            "SELECT num FROM targets WHERE kind = 'product' AND num > $1 ORDER BY num LIMIT $2",
            params![after, limit],
        )?,
    };
    rows.iter().map(|row| row.int(0)).collect()
}
