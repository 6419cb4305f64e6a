//! The figures of a report, gathered by day, promoter or product.

use crate::attribution::Catalogue;
use crate::attribution::programmes::read;
use crate::store::{Param, Row, StoreError, Tx};
use attribution_core::policy::settlement::ReportVisible;
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
}

impl By {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Day => "date",
            Self::Promoter => "promoter",
            Self::Product => "product",
        }
    }

    /// The key of an order line, by the instant in `at`.
    fn of_line(self, at: &str) -> String {
        match self {
            Self::Day => format!("({at} + {SHANGHAI_OFFSET_MS}) / {DAY_MS}"),
            Self::Promoter => "promoter".to_owned(),
            Self::Product => "product".to_owned(),
        }
    }

    /// The same of a day's clicks.
    const fn of_clicks(self) -> &'static str {
        match self {
            Self::Day => "d.day",
            Self::Promoter => "r.id",
            Self::Product => "t.id",
        }
    }

    fn key(self, row: &Row) -> Result<String, StoreError> {
        match self {
            Self::Day => row.int(0).map(date),
            _ => row.text(0).map(str::to_owned),
        }
    }
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
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.clicks += other.clicks;
        self.all_clicks += other.all_clicks;
        self.orders += other.orders;
        self.expected_fen += other.expected_fen;
        self.settled_fen += other.settled_fen;
    }
}

/// The entries of a report in the order of their keys, and all together.
type Gathered = (Vec<(String, Figures)>, Figures);

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
    let (from, to) = (Instant::of_shanghai_day(first), Instant::of_shanghai_day(last + 1));
    let mut rows: BTreeMap<String, Figures> = BTreeMap::new();
    let mut values: Vec<Param<'_>> = vec![first.into(), last.into()];
    let sql = format!(
        "SELECT {key}, CAST(SUM(d.clicks) AS BIGINT), CAST(SUM(d.all_clicks) AS BIGINT) FROM click_days d \
         JOIN promoters r ON r.num = d.promoter JOIN targets t ON t.num = d.target \
         WHERE d.day >= $1 AND d.day <= $2{} GROUP BY {key}",
        scope.of_clicks(&mut values),
        key = by.of_clicks()
    );
    for row in &tx.query(&sql, &values)? {
        let figures = rows.entry(by.key(row)?).or_default();
        (figures.clicks, figures.all_clicks) = (row.int(1)?, row.int(2)?);
    }
    let column = money.column();
    let mut values: Vec<Param<'_>> = vec![from.into(), to.into()];
    let sql = format!(
        "SELECT {key}, COUNT(DISTINCT order_id), CAST(SUM(CASE WHEN state IN ('expected', 'matured') \
         THEN {column} ELSE 0 END) AS BIGINT) FROM order_lines WHERE created_ms >= $1 AND created_ms < $2 \
         AND state <> 'none' AND promoter IS NOT NULL{} GROUP BY {key}",
        scope.of_lines(&mut values),
        key = by.of_line("created_ms")
    );
    for row in &tx.query(&sql, &values)? {
        let figures = rows.entry(by.key(row)?).or_default();
        (figures.orders, figures.expected_fen) = (row.int(1)?, row.int(2)?);
    }
    let mut values: Vec<Param<'_>> = vec![from.into(), to.into()];
    let sql = format!(
        "SELECT {key}, CAST(SUM({column}) AS BIGINT) FROM order_lines WHERE state = 'settled' \
         AND settled_ms >= $1 AND settled_ms < $2 AND promoter IS NOT NULL{} GROUP BY {key}",
        scope.of_lines(&mut values),
        key = by.of_line("settled_ms")
    );
    for row in &tx.query(&sql, &values)? {
        rows.entry(by.key(row)?).or_default().settled_fen = row.int(1)?;
    }
    if money == Money::Promoters {
        withhold(tx, scope, by, (first, last), now, &mut rows)?;
    }
    let mut total = Figures::default();
    rows.values().for_each(|figures| total.add(figures));
    Ok((rows.into_iter().collect(), total))
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
    let midnight = Instant::of_shanghai_day(now.shanghai_day());
    let mut values: Vec<Param<'_>> = vec![midnight.into()];
    let sql = format!(
        "SELECT programme, programme_version, created_ms, settled_ms, promoter_fen, promoter, product \
         FROM order_lines WHERE state = 'settled' AND settled_ms >= $1 AND matured_ms >= $1 AND promoter IS NOT NULL{}",
        scope.of_lines(&mut values)
    );
    let mut rules = Catalogue::default();
    for row in &tx.query(&sql, &values)? {
        let (Some(programme), Some(version)) = (row.opt_text(0)?, row.opt_num(1)?) else { continue };
        let policy = rules.policy(tx, &read("programme id", programme)?, version)?;
        if policy.settlement.report_visible != ReportVisible::NextDay {
            continue;
        }
        let (placed, settled) = (row.instant(2)?.shanghai_day(), row.instant(3)?.shanghai_day());
        let key = |day: i64| {
            Ok::<_, StoreError>(match by {
                By::Day => date(day),
                By::Promoter => row.text(5)?.to_owned(),
                By::Product => row.text(6)?.to_owned(),
            })
        };
        let fen = row.int(4)?;
        if (first..=last).contains(&settled) {
            rows.entry(key(settled)?).or_default().settled_fen -= fen;
        }
        if (first..=last).contains(&placed) {
            rows.entry(key(placed)?).or_default().expected_fen += fen;
        }
    }
    Ok(())
}
