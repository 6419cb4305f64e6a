//! What rates pay, in words: for whoever chooses among targeted plans, and for whoever sets them.

use crate::sheet::{Cell, Table};
use crate::show::{moment, rate};
use crate::texts::{Texts, fill};
use serde::Deserialize;

/// A rate, of a targeted plan or of the general one, as the API lists it.
#[derive(Debug, Deserialize)]
pub(crate) struct PlanRate {
    subject_kind: String,
    subject: String,
    subject_name: Option<String>,
    class: Option<String>,
    bp: Option<u32>,
    from: i64,
    to: Option<i64>,
}

/// Rates that stand in one cell of a list of plans.
const IN_ONE_CELL: usize = 3;

impl PlanRate {
    /// For what it is: the whole shop, one product, everything.
    fn goods(&self, t: &Texts) -> String {
        let name = self.subject_name.as_deref().unwrap_or(&self.subject);
        match self.subject_kind.as_str() {
            "product" => format!("{} {name}", t.shop.product),
            "category" => format!("{} {name}", t.shop.category),
            "shop" => format!("{} {name}", t.shop.whole_shop),
            _ => t.shop.everything.clone(),
        }
    }

    fn customers<'t>(&self, t: &'t Texts) -> Option<&'t str> {
        match self.class.as_deref()? {
            "new" => Some(&t.policy.class_new),
            "returning" => Some(&t.policy.class_returning),
            _ => None,
        }
    }

    fn percent(&self, t: &Texts) -> String {
        self.bp.map_or_else(|| t.policy.nothing.clone(), rate)
    }

    /// For what, how much, for whom, from when and until when.
    pub(crate) fn cells(&self, t: &Texts) -> Vec<Cell> {
        vec![
            Cell::Text(self.goods(t)),
            Cell::Number(self.percent(t)),
            Cell::Text(self.customers(t).unwrap_or(&t.policy.class_any).to_owned()),
            Cell::Text(moment(self.from)),
            Cell::Text(self.to.map_or_else(|| "—".to_owned(), moment)),
        ]
    }

    /// In short: how much, for what, for whom, and from when if that is still to come.
    fn words(&self, t: &Texts, now: i64) -> String {
        let mut words = format!("{} · {}", self.percent(t), self.goods(t));
        if let Some(customers) = self.customers(t) {
            words += &format!(" · {customers}");
        }
        if self.from > now {
            words += &format!(" · {}", fill(&t.plan.from, "at", moment(self.from)));
        }
        words
    }
}

/// The rates of a plan in one cell.
pub(crate) fn cell(t: &Texts, rates: &[PlanRate], more: bool, now: i64) -> Cell {
    if rates.is_empty() {
        return Cell::Text(t.plan.no_rates.clone());
    }
    let some: Vec<String> = rates.iter().take(IN_ONE_CELL).map(|rate| rate.words(t, now)).collect();
    let more =
        if more || rates.len() > IN_ONE_CELL { format!(" {}", t.plan.more_rates) } else { String::new() };
    Cell::Text(format!("{}{more}", some.join(" / ")))
}

/// The heads above [`PlanRate::cells`].
pub(crate) fn columns(t: &Texts) -> [&str; 5] {
    [&t.shop.for_what, &t.shop.rate, &t.shop.customers, &t.shop.from, &t.shop.to]
}

/// The rates of a plan, one a row.
pub(crate) fn table(t: &Texts, rates: &[PlanRate]) -> Table {
    let mut table = Table::new(&t.plan.rates, &columns(t), &[1], &t.plan.no_rates);
    rates.iter().for_each(|of| table.row(of.cells(t)));
    table
}
