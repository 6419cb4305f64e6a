//! The figures of a report, gathered by day, promoter, product, placement or label.

use super::shown::{midnight, not_yet_shown};
use crate::attribution::Catalogue;
use crate::store::{Param, Row, StoreError, Tx, read};
use attribution_core::time::{DAY_MS, Instant, SHANGHAI_OFFSET_MS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What each entry of a report is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum By {
    #[default]
    Day,
    Promoter,
    Product,
    /// By where the promoter shares; empty for orders that no click of theirs brought.
    #[serde(skip)]
    Placement,
    /// By the promoter's own label of the tap; empty for those without one.
    #[serde(skip)]
    Sub,
}

impl By {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Day => "date",
            Self::Promoter => "promoter",
            Self::Product => "product",
            Self::Placement => "placement",
            Self::Sub => "sub",
        }
    }

    /// The key of an order line, by the instant in `at`.
    fn of_line(self, at: &str) -> String {
        match self {
            Self::Day => format!("({at} + {SHANGHAI_OFFSET_MS}) / {DAY_MS}"),
            Self::Promoter => "promoter".to_owned(),
            Self::Product => "product".to_owned(),
            Self::Placement => "COALESCE(placement, '')".to_owned(),
            Self::Sub => "COALESCE(sub, '')".to_owned(),
        }
    }

    /// The same of a day's clicks.
    const fn of_clicks(self) -> &'static str {
        match self {
            Self::Day => "d.day",
            Self::Promoter => "r.id",
            Self::Product => "t.id",
            Self::Placement => "p.id",
            Self::Sub => "d.sub",
        }
    }

    /// Where daily clicks are kept.
    const fn clicks(self) -> &'static str {
        match self {
            Self::Day | Self::Promoter | Self::Product | Self::Placement => "click_days",
            Self::Sub => "click_subs",
        }
    }

    fn key(self, row: &Row) -> Result<String, StoreError> {
        match self {
            Self::Day => row.int(0).map(date),
            _ => row.text(0).map(str::to_owned),
        }
    }
}

/// A label as it is shown; none if there is none. The edge lets only printable UTF-8 through.
pub(super) fn label(sub: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(sub);
    (!text.is_empty()).then(|| text.replace(char::is_control, "\u{fffd}"))
}

/// The first ten characters of an instant are its civil date there.
fn date(day: i64) -> String {
    Instant::of_shanghai_day(day).to_string().chars().take(10).collect()
}

/// Whose part of the commission is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Money {
    /// What promoters see as theirs, when the rules show it to them.
    Promoters,
    /// The whole, as the merchant pays it, at once.
    Merchants,
}

impl Money {
    const fn column(self) -> &'static str {
        match self {
            Self::Promoters => "promoter_fen",
            Self::Merchants => "commission_fen",
        }
    }
}

/// What a report is about. Everything given must fit.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub(super) promoter: Option<String>,
    pub(super) merchant: Option<String>,
    pub(super) agency: Option<String>,
    pub(super) product: Option<String>,
    pub(super) placement: Option<String>,
}

impl Scope {
    /// The conditions on order lines, with their values behind those that are there already.
    fn of_lines<'s>(&'s self, values: &mut Vec<Param<'s>>) -> String {
        self.conditions(
            values,
            [
                "promoter = ?",
                "merchant = ?",
                "promoter IN (SELECT id FROM promoters WHERE agency = ?)",
                "product = ?",
                "placement = ?",
            ],
        )
    }

    /// The conditions on daily clicks.
    fn of_clicks<'s>(&'s self, values: &mut Vec<Param<'s>>) -> String {
        self.conditions(
            values,
            [
                "d.promoter = (SELECT num FROM promoters WHERE id = ?)",
                "d.merchant = ?",
                "d.promoter IN (SELECT num FROM promoters WHERE agency = ?)",
                "d.target = (SELECT num FROM targets WHERE kind = 'product' AND id = ?)",
                "d.placement = (SELECT num FROM placements WHERE id = ?)",
            ],
        )
    }

    /// What of a line is the agency's whose report this is: 0 where it was another's, or nobody's, when it was earned.
    fn own_share<'s>(&'s self, values: &mut Vec<Param<'s>>) -> String {
        let Some(agency) = &self.agency else { return "0".to_owned() };
        values.push(agency.into());
        format!("CASE WHEN agency = ${} THEN agency_fen ELSE 0 END", values.len())
    }

    fn conditions<'s>(&'s self, values: &mut Vec<Param<'s>>, texts: [&str; 5]) -> String {
        let given = [&self.promoter, &self.merchant, &self.agency, &self.product, &self.placement];
        let mut sql = String::new();
        for (text, value) in texts.into_iter().zip(given) {
            if let Some(value) = value {
                values.push(value.into());
                sql.push_str(&format!(" AND {}", text.replace('?', &format!("${}", values.len()))));
            }
        }
        sql
    }
}

/// What links brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Figures {
    /// Clicks that were attributed when they were made.
    pub(super) clicks: i64,
    /// All taps that were answered and recorded, those of machines and on dead links included.
    pub(super) all_clicks: i64,
    /// Orders placed then.
    pub(super) orders: i64,
    /// What is expected from the orders placed then, fen.
    pub(super) expected_fen: i64,
    /// What was settled then, refunds since taken off, fen.
    pub(super) settled_fen: i64,
    /// An agency's report: what the agency itself expects from the orders placed then, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agency_expected_fen: Option<i64>,
    /// An agency's report: what was settled then for the agency itself, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agency_settled_fen: Option<i64>,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.clicks += other.clicks;
        self.all_clicks += other.all_clicks;
        self.orders += other.orders;
        self.expected_fen += other.expected_fen;
        self.settled_fen += other.settled_fen;
        add_to(&mut self.agency_expected_fen, other.agency_expected_fen);
        add_to(&mut self.agency_settled_fen, other.agency_settled_fen);
    }
}

fn add_to(sum: &mut Option<i64>, more: Option<i64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0) + more);
    }
}

/// The entries of a report in the order of their keys, and all together.
type Gathered = (Vec<(String, Figures)>, Figures);

/// How many orders the lines are of: two platforms may give orders the same number.
const ORDERS: &str = "COUNT(DISTINCT platform || '/' || order_id)";

/// Gathers the figures of the days `first..=last`.
///
/// # Errors
/// If the store fails.
pub(super) fn figures(
    tx: &mut dyn Tx,
    scope: &Scope,
    by: By,
    money: Money,
    (first, last): (i64, i64),
    now: Instant,
) -> Result<Gathered, StoreError> {
    let days = (Instant::of_shanghai_day(first), Instant::of_shanghai_day(last + 1));
    let mut rows = clicks(tx, scope, by, (first, last))?;
    expected(tx, scope, by, money, days, &mut rows)?;
    settled(tx, scope, by, money, days, &mut rows)?;
    if money == Money::Promoters {
        withhold(tx, scope, by, (first, last), now, &mut rows)?;
    }
    let nothing = scope.agency.as_ref().map(|_| 0);
    let mut total =
        Figures { agency_expected_fen: nothing, agency_settled_fen: nothing, ..Figures::default() };
    for figures in rows.values_mut() {
        figures.agency_expected_fen = nothing.map(|none| figures.agency_expected_fen.unwrap_or(none));
        figures.agency_settled_fen = nothing.map(|none| figures.agency_settled_fen.unwrap_or(none));
        total.add(figures);
    }
    // An order of two products is in two rows, and one order.
    total.orders = orders(tx, scope, days)?;
    Ok((rows.into_iter().collect(), total))
}

/// The orders placed from one instant up to another, and what of them is expected.
fn expected(
    tx: &mut dyn Tx,
    scope: &Scope,
    by: By,
    money: Money,
    (from, to): (Instant, Instant),
    rows: &mut BTreeMap<String, Figures>,
) -> Result<(), StoreError> {
    let column = money.column();
    let mut values: Vec<Param<'_>> = vec![from.into(), to.into()];
    let own = scope.own_share(&mut values);
    let sql = format!(
        "SELECT {key}, {ORDERS}, CAST(SUM(CASE WHEN state IN ('expected', 'matured') \
         THEN {column} ELSE 0 END) AS BIGINT), CAST(SUM(CASE WHEN state IN ('expected', 'matured') \
         THEN {own} ELSE 0 END) AS BIGINT) FROM order_lines WHERE created_ms >= $1 AND created_ms < $2 \
         AND state <> 'none' AND promoter IS NOT NULL{} GROUP BY {key}",
        scope.of_lines(&mut values),
        key = by.of_line("created_ms")
    );
    for row in &tx.query(&sql, &values)? {
        let figures = rows.entry(by.key(row)?).or_default();
        (figures.orders, figures.expected_fen) = (row.int(1)?, row.int(2)?);
        figures.agency_expected_fen = Some(row.int(3)?);
    }
    Ok(())
}

/// What settled from one instant up to another.
fn settled(
    tx: &mut dyn Tx,
    scope: &Scope,
    by: By,
    money: Money,
    (from, to): (Instant, Instant),
    rows: &mut BTreeMap<String, Figures>,
) -> Result<(), StoreError> {
    let column = money.column();
    let mut values: Vec<Param<'_>> = vec![from.into(), to.into()];
    let own = scope.own_share(&mut values);
    let sql = format!(
        "SELECT {key}, CAST(SUM({column}) AS BIGINT), CAST(SUM({own}) AS BIGINT) FROM order_lines \
         WHERE state = 'settled' AND settled_ms >= $1 AND settled_ms < $2 AND promoter IS NOT NULL{} GROUP BY {key}",
        scope.of_lines(&mut values),
        key = by.of_line("settled_ms")
    );
    for row in &tx.query(&sql, &values)? {
        let figures = rows.entry(by.key(row)?).or_default();
        figures.settled_fen = row.int(1)?;
        figures.agency_settled_fen = Some(row.int(2)?);
    }
    Ok(())
}

/// How many orders were placed from one instant up to another.
fn orders(tx: &mut dyn Tx, scope: &Scope, (from, to): (Instant, Instant)) -> Result<i64, StoreError> {
    let mut values: Vec<Param<'_>> = vec![from.into(), to.into()];
    let sql = format!(
        "SELECT {ORDERS} FROM order_lines WHERE created_ms >= $1 AND created_ms < $2 AND state <> 'none' \
         AND promoter IS NOT NULL{}",
        scope.of_lines(&mut values)
    );
    tx.query_one(&sql, &values)?.int(0)
}

/// The clicks of each entry.
fn clicks(
    tx: &mut dyn Tx,
    scope: &Scope,
    by: By,
    (first, last): (i64, i64),
) -> Result<BTreeMap<String, Figures>, StoreError> {
    let mut rows: BTreeMap<String, Figures> = BTreeMap::new();
    let mut values: Vec<Param<'_>> = vec![first.into(), last.into()];
    let sums = "CAST(COALESCE(SUM(d.clicks), 0) AS BIGINT), CAST(COALESCE(SUM(d.all_clicks), 0) AS BIGINT)";
    let sql = format!(
        "SELECT {key}, {sums} FROM {} d \
         JOIN promoters r ON r.num = d.promoter JOIN targets t ON t.num = d.target JOIN placements p ON p.num = d.placement \
         WHERE d.day >= $1 AND d.day <= $2{} GROUP BY {key}",
        by.clicks(),
        scope.of_clicks(&mut values),
        key = by.of_clicks()
    );
    for row in &tx.query(&sql, &values)? {
        let key = if by == By::Sub { label(row.blob(0)?).unwrap_or_default() } else { by.key(row)? };
        let figures = rows.entry(key).or_default();
        figures.clicks += row.int(1)?;
        figures.all_clicks += row.int(2)?;
    }
    if by == By::Sub {
        let mut values: Vec<Param<'_>> = vec![first.into(), last.into()];
        let sql = format!(
            "SELECT {sums} FROM click_days d WHERE d.day >= $1 AND d.day <= $2{}",
            scope.of_clicks(&mut values)
        );
        let all = tx.query_one(&sql, &values)?;
        let labelled = |of: fn(&Figures) -> i64| rows.values().map(of).sum::<i64>();
        let clicks = all.int(0)? - labelled(|figures| figures.clicks);
        let all_clicks = all.int(1)? - labelled(|figures| figures.all_clicks);
        if all_clicks > 0 {
            rows.insert(String::new(), Figures { clicks, all_clicks, ..Figures::default() });
        }
    }
    Ok(rows)
}

/// Lines whose trade succeeded today are still shown as expected, in programmes that show a success from the next
/// midnight on.
fn withhold(
    tx: &mut dyn Tx,
    scope: &Scope,
    by: By,
    (first, last): (i64, i64),
    now: Instant,
    rows: &mut BTreeMap<String, Figures>,
) -> Result<(), StoreError> {
    let mut values: Vec<Param<'_>> = vec![midnight(now).into()];
    let own = scope.own_share(&mut values);
    let sql = format!(
        "SELECT programme, programme_version, created_ms, settled_ms, promoter_fen, promoter, product, \
         COALESCE(sub, ''), {own}, matured_ms, COALESCE(placement, '') FROM order_lines WHERE state = 'settled' AND settled_ms >= $1 AND matured_ms >= $1 AND promoter IS NOT NULL{}",
        scope.of_lines(&mut values)
    );
    let mut rules = Catalogue::default();
    for row in &tx.query(&sql, &values)? {
        let (Some(programme), Some(version)) = (row.opt_text(0)?, row.opt_num(1)?) else { continue };
        let programme = read("programme id", programme)?;
        if !not_yet_shown(tx, &mut rules, &programme, version, row.instant(9)?, now)? {
            continue;
        }
        let (placed, settled) = (row.instant(2)?.shanghai_day(), row.instant(3)?.shanghai_day());
        let key = |day: i64| {
            Ok::<_, StoreError>(match by {
                By::Day => date(day),
                By::Promoter => row.text(5)?.to_owned(),
                By::Product => row.text(6)?.to_owned(),
                By::Placement => row.text(10)?.to_owned(),
                By::Sub => row.text(7)?.to_owned(),
            })
        };
        let (fen, own) = (row.int(4)?, row.int(8)?);
        if (first..=last).contains(&settled) {
            let figures = rows.entry(key(settled)?).or_default();
            figures.settled_fen -= fen;
            add_to(&mut figures.agency_settled_fen, Some(-own));
        }
        if (first..=last).contains(&placed) {
            let figures = rows.entry(key(placed)?).or_default();
            figures.expected_fen += fen;
            add_to(&mut figures.agency_expected_fen, Some(own));
        }
    }
    Ok(())
}
