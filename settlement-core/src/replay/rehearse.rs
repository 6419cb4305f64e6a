//! Changed rules over past orders: who would have gained or lost how much. Nothing is written.
//!
//! Each order is decided with everything that is known of it by now, once as it stands and once as if the changed rules
//! had been in force from a day on; its commission goes through the same books both times.

use super::decisions::{InForce, NOW, OrderCase};
use super::job::{Progress, Ranges, ReplayError, Selection, lock, walk};
use super::load::{Loaded, Range, StoredLine};
use super::money::books_under;
use super::totals::{self, ByHolder};
use crate::attribution::{Catalogue, Decided, Rehearsed};
use crate::catalogue::rules::{self, Programme};
use crate::orders::judge_error::JudgeError;
use crate::store::{Store, StoreError, Tx, from_json};
use attribution_core::attribute::Attribution;
use attribution_core::commission::Amounts;
use attribution_core::ids::ProgrammeId;
use attribution_core::ledger::LineState as Books;
use attribution_core::policy::{Policy, Preset};
use attribution_core::time::Instant;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Lines that are listed; more are counted.
const LISTED_MAX: usize = 10_000;

/// Why rules cannot be rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    /// There is no such programme.
    #[error("there is no programme {0}")]
    NoProgramme(ProgrammeId),
    /// The rules have mistakes, every one of them listed.
    #[error("these rules have mistakes: {}", .0.join("; "))]
    Mistakes(Vec<String>),
    /// The orders could not be gone through.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// What a line earns, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct LineFigures {
    /// The programme that decided.
    pub programme: Option<String>,
    /// The promoter who has the line.
    pub promoter: Option<String>,
    /// `award`, or why there is none.
    pub outcome: String,
    /// The customer's class.
    pub class: Option<String>,
    /// The rate in basis points.
    pub rate_bp: Option<u16>,
    /// The whole commission as it stands, fen.
    pub commission_fen: i64,
    /// What of it the promoter has, fen.
    pub promoter_fen: i64,
}

/// A line that would be another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LineChange {
    /// The platform.
    pub platform: String,
    /// The order.
    pub order: String,
    /// The line.
    pub line: String,
    /// What changes: `winner`, `class`, `rate`, `amount`, `outcome`.
    pub changed: Vec<&'static str>,
    /// As it stands.
    pub before: LineFigures,
    /// As it would be.
    pub after: LineFigures,
}

/// What one holder has, and would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Shares {
    /// `promoter/ID`, `agency/ID`, `platform/ID`, or `merchant/ID` (who pays: negative).
    pub holder: String,
    /// As it stands, fen.
    pub before_fen: i64,
    /// As it would be, fen.
    pub after_fen: i64,
    /// The difference, fen.
    pub gain_fen: i64,
}

/// What changed rules would have done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct Rehearsal {
    /// The programme.
    pub programme: String,
    /// Orders looked at.
    pub orders: u64,
    /// Their lines.
    pub lines: u64,
    /// Lines with another winner.
    pub winner: u64,
    /// Lines in another class.
    pub class: u64,
    /// Lines at another rate.
    pub rate: u64,
    /// Lines with another commission.
    pub amount: u64,
    /// Lines that differ in anything.
    pub changed: u64,
    /// All commission as it stands, fen.
    pub commission_before_fen: i64,
    /// All commission as it would be, fen.
    pub commission_after_fen: i64,
    /// Everybody whose sum changes.
    pub holders: Vec<Shares>,
    /// The lines that change, if they were asked for: the first ten thousand.
    pub changes: Vec<LineChange>,
}

/// The rules to rehearse: a preset, or the newest version of the programme, with other fields laid over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Begin with this preset instead of the programme's newest rules.
    pub preset: Option<Preset>,
    /// Fields that differ.
    pub policy: Value,
    /// List the lines that change.
    pub list: bool,
}

#[derive(Debug, Default)]
struct Sums {
    done: Rehearsal,
    before: ByHolder,
    after: ByHolder,
}

/// Rehearses.
///
/// # Errors
/// If the rules have mistakes, or the store fails or has not what was asked for.
pub async fn rehearse(
    store: &Store,
    programme: ProgrammeId,
    changed: Changed,
    selection: Selection,
    progress: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Rehearsal, RehearseError> {
    let id = programme.clone();
    let known = store.read(move |tx| rules::of_id(tx, &id)).await?;
    let known = known.ok_or_else(|| RehearseError::NoProgramme(programme.clone()))?;
    let rehearsed = Rehearsed {
        version: known.versions.iter().map(|version| version.version).max().unwrap_or_default() + 1,
        since: selection.since.unwrap_or(Instant(i64::MIN)),
        policy: policy(&known, &changed)?,
        programme,
    };
    let selection = Selection { merchant: selection.merchant.or(known.merchant), ..selection };
    let sums = Arc::new(Mutex::new(Sums::default()));
    let (of, list, rules) = (Arc::clone(&sums), changed.list, rehearsed.clone());
    let ranges = Ranges::begin(store, selection, None).await?;
    let catalogue = move || Catalogue::rehearsing(rules.clone());
    let programme = rehearsed.programme.clone();
    let work = move |tx: &mut dyn Tx, catalogue: &mut Catalogue, range: &Range, _: &Ranges| {
        rehearse_range(tx, catalogue, range, &programme, list, &of)
    };
    walk(store, &ranges, progress, catalogue, work).await?;
    let Sums { mut done, before, after } = std::mem::take(&mut *lock(&sums));
    done.programme = rehearsed.programme.to_string();
    done.holders = holders(&before, &after);
    done.changes.sort_by(|a, b| (&a.platform, &a.order, &a.line).cmp(&(&b.platform, &b.order, &b.line)));
    done.changes.truncate(LISTED_MAX);
    Ok(done)
}

/// The rules that would be in force.
fn policy(programme: &Programme, changed: &Changed) -> Result<Policy, RehearseError> {
    let newest = programme.versions.iter().max_by_key(|version| version.version);
    let base = match (changed.preset, newest) {
        (Some(preset), _) => preset.policy(),
        (None, Some(newest)) => newest.policy.clone(),
        (None, None) => Policy::default(),
    };
    crate::catalogue::laid_over(&base, &changed.policy).map_err(RehearseError::Mistakes)
}

fn holders(before: &ByHolder, after: &ByHolder) -> Vec<Shares> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let shares = names.into_iter().map(|holder| {
        let fen = |sums: &ByHolder| sums.get(holder).copied().unwrap_or_default();
        let (before_fen, after_fen) = (fen(before), fen(after));
        let gain_fen = after_fen.saturating_sub(before_fen);
        Shares { holder: holder.clone(), before_fen, after_fen, gain_fen }
    });
    shares.filter(|shares| shares.gain_fen != 0).collect()
}

fn rehearse_range(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    range: &Range,
    programme: &ProgrammeId,
    list: bool,
    sums: &Mutex<Sums>,
) -> Result<u64, StoreError> {
    let loaded = Loaded::read(tx, range)?;
    let mut part = Sums::default();
    for buyer in &loaded.buyers {
        for index in 0..buyer.standing.len() {
            let case = OrderCase { platform: &range.platform, facts: &loaded.facts, buyer, index };
            rehearse_order(tx, catalogue, case, programme, list, &mut part)?;
        }
    }
    let lines = part.done.lines;
    lock(sums).add(part);
    Ok(lines)
}

impl Sums {
    fn add(&mut self, part: Self) {
        let (all, one) = (&mut self.done, part.done);
        for (sum, more) in [
            (&mut all.orders, one.orders),
            (&mut all.lines, one.lines),
            (&mut all.winner, one.winner),
            (&mut all.class, one.class),
            (&mut all.rate, one.rate),
            (&mut all.amount, one.amount),
            (&mut all.changed, one.changed),
        ] {
            *sum += more;
        }
        all.commission_before_fen = all.commission_before_fen.saturating_add(one.commission_before_fen);
        all.commission_after_fen = all.commission_after_fen.saturating_add(one.commission_after_fen);
        all.changes.extend(one.changes);
        if all.changes.len() > 2 * LISTED_MAX {
            all.changes.truncate(LISTED_MAX);
        }
        part.before.into_iter().for_each(|(holder, fen)| totals::plus(&mut self.before, holder, fen));
        part.after.into_iter().for_each(|(holder, fen)| totals::plus(&mut self.after, holder, fen));
    }
}

fn rehearse_order(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    case: OrderCase<'_>,
    programme: &ProgrammeId,
    list: bool,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    let Some(state) = case.state(NOW) else { return Ok(()) };
    let concerned = catalogue.programmes(tx, &state.created.platform, &state.created.merchant)?;
    if concerned.iter().all(|of| of.id != *programme) {
        return Ok(());
    }
    let standing = case.standing();
    let made =
        standing.lines.iter().filter_map(|line| line.decisions.last()).map(|decision| decision.made).max();
    let made = made.unwrap_or(state.received);
    let decided = match case.decide(tx, catalogue, (NOW, made)) {
        Ok(decided) => decided,
        Err(error) => return store_only(error),
    };
    sums.done.orders += 1;
    for (index, line) in standing.lines.iter().enumerate() {
        sums.done.lines += 1;
        let before = stands(line)?;
        let after = match decided.get(index).and_then(Option::as_ref) {
            None => (LineFigures::default(), Amounts::default()),
            Some(decided) => {
                let in_force = InForce::of(decided, state.received);
                let books = match books_under(tx, catalogue, case, index, in_force) {
                    Ok(books) => books,
                    Err(error) => return store_only(error),
                };
                let amounts = books.map(|books| books.amounts).unwrap_or_default();
                (LineFigures::of(&decided.attribution, &amounts), amounts)
            }
        };
        totals::add(&mut sums.before, &standing.merchant, &before.1);
        totals::add(&mut sums.after, &standing.merchant, &after.1);
        let done = &mut sums.done;
        done.commission_before_fen = done.commission_before_fen.saturating_add(before.1.gross.0);
        done.commission_after_fen = done.commission_after_fen.saturating_add(after.1.gross.0);
        note(case, line, before.0, after.0, list, done);
    }
    Ok(())
}

/// What the rules refuse stays as it is: only the store's failures end a rehearsal.
fn store_only(error: JudgeError) -> Result<(), StoreError> {
    match error {
        JudgeError::Store(error)
        | JudgeError::Decide(crate::attribution::decide::DecideError::Store(error)) => Err(error),
        other => Err(StoreError::Corrupt { what: "order", cause: Box::new(other) }),
    }
}

/// The line as it stands.
fn stands(line: &StoredLine) -> Result<(LineFigures, Amounts), StoreError> {
    let Some(last) = line.decisions.last() else { return Ok((LineFigures::default(), Amounts::default())) };
    let decided: Decided = from_json("decision", &last.text)?;
    let amounts = match &line.books {
        Some(text) => from_json::<Books>("books of a line", text)?.amounts,
        None => Amounts::default(),
    };
    Ok((LineFigures::of(&decided.attribution, &amounts), amounts))
}

impl LineFigures {
    fn of(attribution: &Attribution, amounts: &Amounts) -> Self {
        let award = attribution.award();
        let own = amounts
            .shares
            .iter()
            .filter(|share| share.party == attribution_core::policy::commission::Party::Promoter);
        Self {
            programme: Some(attribution.programme.to_string()),
            promoter: award.and_then(|award| award.promoter.as_ref()).map(ToString::to_string),
            outcome: match &attribution.outcome {
                attribution_core::attribute::Outcome::Award(_) => "award".to_owned(),
                attribution_core::attribute::Outcome::NoCommission(none) => none.code().to_owned(),
            },
            class: award.and_then(|award| award.class).map(|class| class.name().to_owned()),
            rate_bp: award.map(|award| award.terms.rate.points()),
            commission_fen: amounts.gross.0,
            promoter_fen: own.map(|share| share.amount.0).sum(),
        }
    }
}

fn note(
    case: OrderCase<'_>,
    line: &StoredLine,
    before: LineFigures,
    after: LineFigures,
    list: bool,
    done: &mut Rehearsal,
) {
    let mut changed = Vec::new();
    let mut differs = |name, count: Option<&mut u64>, differs: bool| {
        if differs {
            changed.push(name);
            if let Some(count) = count {
                *count += 1;
            }
        }
    };
    differs("winner", Some(&mut done.winner), before.promoter != after.promoter);
    differs("class", Some(&mut done.class), before.class != after.class);
    differs("rate", Some(&mut done.rate), before.rate_bp != after.rate_bp);
    let amounts = |figures: &LineFigures| (figures.commission_fen, figures.promoter_fen);
    differs("amount", Some(&mut done.amount), amounts(&before) != amounts(&after));
    differs("outcome", None, before.outcome != after.outcome);
    if changed.is_empty() {
        return;
    }
    done.changed += 1;
    if list && done.changes.len() < LISTED_MAX {
        let (platform, order) = (case.platform.to_string(), case.order().to_string());
        done.changes.push(LineChange {
            platform,
            order,
            line: line.line.to_string(),
            changed,
            before,
            after,
        });
    }
}
