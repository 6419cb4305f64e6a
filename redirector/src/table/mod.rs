//! What the edge knows: links in a packed base under an overlay of recent changes, and small tables by number.
//!
//! The core's change feed and the snapshot on disk write it; the hot path reads it. Small tables are wholly in the
//! overlay; large ones are merged into the base shard by shard. The destination belongs to the target, so that
//! withdrawing one product changes one row. The table decides nothing.
//!
//! When the core turns out to have another past than the table's (see [`attribution_core::history`]), everything is
//! loaded anew into a table beside this one, which takes its place at once when it is whole.

mod base;
mod memory;
mod numbered;
mod overlay;
mod rows;
mod slot;
pub mod snapshot;

pub use rows::RowError;
pub(crate) use rows::{Programme, Target};

use arc_swap::ArcSwap;
use attribution_core::catalogue::{BanRow, Change, LinkRow, NumberedChange, PlacementRow, PromoterRow};
use attribution_core::code::{Alias, CheckKey, Code};
use attribution_core::decide::Resolved;
use attribution_core::history::{FeedPosition, HistoryId};
use attribution_core::ids::{CategoryNum, ProgrammeNum};
use attribution_core::time::Instant;
use dashmap::DashMap;
use numbered::Numbered;
use overlay::Links;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Custom aliases.
type Aliases = DashMap<AliasText, Code, foldhash::fast::RandomState>;

/// The small tables, replaced together: readers see a page of changes whole or not at all. With them the links and
/// aliases that speak of their rows: the numbers mean nothing to the rows of another history.
#[derive(Clone)]
pub(crate) struct Small {
    links: Arc<Links>,
    aliases: Arc<Aliases>,
    placements: Numbered<PlacementRow>,
    promoters: Numbered<PromoterRow>,
    targets: Numbered<Arc<Target>>,
    programmes: Numbered<Arc<Programme>>,
    bans: Arc<HashMap<CategoryNum, Vec<BanRow>, foldhash::fast::RandomState>>,
}

/// A link with all it points at.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) placement: &'a PlacementRow,
    pub(crate) promoter: &'a PromoterRow,
    pub(crate) target: &'a Arc<Target>,
    pub(crate) programme: &'a Arc<Programme>,
    /// Of the target's category.
    pub(crate) bans: &'a [BanRow],
}

impl<'a> Found<'a> {
    /// As the rules take it.
    pub(crate) fn resolved(&self, link: &'a LinkRow) -> Resolved<'a> {
        Resolved {
            link,
            target: &self.target.row,
            promoter: self.promoter,
            programme: &self.programme.row,
            bans: self.bans,
        }
    }
}

impl Small {
    fn empty() -> Self {
        Self {
            links: Arc::new(Links::empty()),
            aliases: Arc::default(),
            placements: Numbered::default(),
            promoters: Numbered::default(),
            targets: Numbered::default(),
            programmes: Numbered::default(),
            bans: Arc::default(),
        }
    }

    /// The link behind a code.
    pub(crate) fn link(&self, code: Code) -> Option<LinkRow> {
        self.links.get(code)
    }

    /// The link behind what stands in an address: its code, or its alias.
    pub(crate) fn find(&self, name: &[u8], check: CheckKey) -> Option<LinkRow> {
        let code = match Code::parse(name, check) {
            Some(code) => code,
            None => self.alias(std::str::from_utf8(name).ok()?)?,
        };
        self.link(code)
    }

    /// Begins to fetch what [`link`](Self::link) will read.
    pub(crate) fn fetch_ahead(&self, code: Code) {
        self.links.fetch_ahead(code);
    }

    /// The code behind a custom alias.
    fn alias(&self, text: &str) -> Option<Code> {
        self.aliases.get(text).map(|code| *code)
    }

    /// Follows a link. `None` if the core has not yet told all of it: then the link is not known either.
    pub(crate) fn follow(&self, link: &LinkRow) -> Option<Found<'_>> {
        let placement = self.placements.get(link.placement.0)?;
        let target = self.targets.get(link.target.0)?;
        let programme = self.programmes.get(placement.programme.0)?;
        Some(Found {
            placement,
            promoter: self.promoters.get(placement.promoter.0)?,
            target,
            programme,
            bans: target.row.category.map_or(&[], |category| self.bans_of(category)),
        })
    }

    /// A programme by its number.
    pub(crate) fn programme(&self, number: ProgrammeNum) -> Option<&Arc<Programme>> {
        self.programmes.get(number.0)
    }

    fn bans_of(&self, category: CategoryNum) -> &[BanRow] {
        if self.bans.is_empty() {
            return &[];
        }
        self.bans.get(&category).map_or(&[], Vec::as_slice)
    }

    fn put(&mut self, change: &Change, cookie_prefix: &str) -> Result<(), RowError> {
        let in_range = match change {
            Change::Link(_) | Change::Alias { .. } => true, // not a small table
            Change::Placement(row) => self.placements.set(row.num.0, Some(*row)),
            Change::Promoter(row) => self.promoters.set(row.num.0, Some(*row)),
            Change::Target(row) => {
                self.targets.set(row.num.0, None);
                let (target, fault) = Target::prepare(row.clone())?;
                let in_range = self.targets.set(row.num.0, Some(Arc::new(target)));
                if let Some(fault) = fault {
                    return Err(fault);
                }
                in_range
            }
            Change::Programme(row) => {
                let (programme, fault) = Programme::prepare(row.clone(), cookie_prefix);
                let in_range = self.programmes.set(row.num.0, Some(Arc::new(programme)));
                if let Some(fault) = fault {
                    return Err(fault);
                }
                in_range
            }
            Change::Ban(row) => {
                self.put_ban(*row);
                true
            }
        };
        if in_range { Ok(()) } else { Err(RowError::Number) }
    }

    fn put_ban(&mut self, ban: BanRow) {
        let bans = Arc::make_mut(&mut self.bans).entry(ban.category).or_default();
        match bans.iter_mut().find(|known| known.programme == ban.programme) {
            Some(known) => *known = ban,
            None => bans.push(ban),
        }
    }
}

/// How many rows the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableSizes {
    /// Links in the packed base.
    pub base_links: usize,
    /// Links in the overlay of recent changes; may stand in the base too.
    pub overlay_links: usize,
    /// Bytes of the packed base.
    pub base_bytes: usize,
    /// Custom aliases.
    pub aliases: usize,
    /// Placements.
    pub placements: usize,
    /// Promoters.
    pub promoters: usize,
    /// Targets.
    pub targets: usize,
    /// Programmes.
    pub programmes: usize,
}

/// An alias as a key that plain text finds: what stands in a path need not be a valid alias.
#[derive(PartialEq, Eq)]
struct AliasText(Alias);

impl std::hash::Hash for AliasText {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl std::borrow::Borrow<str> for AliasText {
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

/// The table of one edge.
pub struct Table {
    small: Arc<ArcSwap<Small>>,
    /// One writer at a time: the change feed or the loading of a snapshot.
    writing: Mutex<()>,
    /// Held for the moment of a copy.
    position: Mutex<FeedPosition>,
    heard: AtomicI64,
    /// A table that is loaded beside this one, to take its place.
    beside: Mutex<Option<Box<Table>>>,
    cookie_prefix: &'static str,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("generation", &self.generation()).finish_non_exhaustive()
    }
}

impl Table {
    /// An empty table. `secure` says that the public scheme is https, which decides the names of the cookies.
    pub fn new(secure: bool) -> Self {
        Self {
            small: Arc::new(ArcSwap::from_pointee(Small::empty())),
            writing: Mutex::new(()),
            position: Mutex::new(FeedPosition::START),
            heard: AtomicI64::new(0),
            beside: Mutex::new(None),
            cookie_prefix: crate::cookies::prefix(secure),
        }
    }

    /// As [`Small::link`], for those who hold no view.
    pub(crate) fn link(&self, code: Code) -> Option<LinkRow> {
        self.small.load().link(code)
    }

    /// The small tables, for a worker to keep a cached view of.
    pub(crate) const fn small(&self) -> &Arc<ArcSwap<Small>> {
        &self.small
    }

    /// The number of the last change applied.
    pub fn generation(&self) -> u64 {
        self.position().number
    }

    /// How far it has followed the core's changes, and in which history.
    pub fn position(&self) -> FeedPosition {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_position(&self, position: FeedPosition) {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }

    /// When the core was last heard; zero for never.
    pub fn heard_at(&self) -> Instant {
        Instant(self.heard.load(Ordering::Relaxed))
    }

    /// Notes that the core answered at `now`; earlier than before if the clock had been ahead.
    pub fn note_heard(&self, now: Instant) {
        self.heard.store(now.millis(), Ordering::Relaxed);
    }

    /// Begins to load everything anew: until [`take_over`](Self::take_over), changes go to an empty table beside this
    /// one, which serves on. What was loaded beside it before is dropped. Both are in memory for that time.
    pub fn begin_anew(&self) {
        let fresh = Self { cookie_prefix: self.cookie_prefix, ..Self::new(false) };
        *self.beside.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(fresh));
    }

    /// Puts the table that was loaded beside this one in its place, at once and whole: rows that it does not have are
    /// gone. Does nothing if there is none.
    pub fn take_over(&self) {
        let Some(fresh) = self.beside.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // The rows before the position: who saves meanwhile may write newer rows than the position says, never older
        // ones.
        self.small.store(fresh.small.load_full());
        self.set_position(fresh.position());
    }

    /// Applies changes of a history in the order of their numbers; those at or below the last one applied are skipped.
    /// A row that cannot be used (see [`RowError`]) takes the old one's place as "unknown": better no answer than an
    /// old one.
    pub fn apply(&self, history: HistoryId, changes: &[NumberedChange]) {
        if let Some(beside) = &*self.beside.lock().unwrap_or_else(PoisonError::into_inner) {
            beside.apply(history, changes);
            return;
        }
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let applied = self.generation();
        let news = || changes.iter().filter(|change| change.number > applied);
        let is_small =
            |change: &&NumberedChange| !matches!(change.change, Change::Link(_) | Change::Alias { .. });
        let mut small = None;
        for change in news().filter(is_small) {
            self.put(change.number, &change.change, &mut small);
        }
        if let Some(small) = small.take() {
            self.small.store(Arc::new(small));
        }
        // After the rows that they point at: a new link is never met without its target.
        for change in news().filter(|change| !is_small(change)) {
            self.put(change.number, &change.change, &mut small);
        }
        let number = news().map(|change| change.number).fold(applied, u64::max);
        self.set_position(FeedPosition { history: Some(history), number });
        self.small.load().links.merge_if_large();
    }

    /// Loads many links at once, past the overlay, as a snapshot does: for tests and benchmarks. Rows replace older ones.
    pub fn load_links(&self, rows: &[LinkRow]) {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.small.load().links.load(rows.iter());
    }

    /// Takes one row in, of change `number` (zero: of a snapshot); `small` is the copy of the small tables under way,
    /// made when first needed.
    fn put(&self, number: u64, change: &Change, small: &mut Option<Small>) {
        match change {
            Change::Link(row) => self.small.load().links.put(row),
            Change::Alias { alias, code } => {
                self.small.load().aliases.insert(AliasText(alias.clone()), *code);
            }
            other => {
                let small = small.get_or_insert_with(|| Small::clone(&self.small.load()));
                if let Err(error) = small.put(other, self.cookie_prefix) {
                    // Not the row itself: an address in it may carry a password.
                    let (kind, row) = name_of(other);
                    tracing::error!(%error, kind, row, number, "a row cannot be used as it is");
                }
            }
        }
    }

    fn alias_rows(small: &Small) -> Vec<Change> {
        let row = |entry: dashmap::mapref::multiple::RefMulti<'_, AliasText, Code>| Change::Alias {
            alias: entry.key().0.clone(),
            code: *entry.value(),
        };
        small.aliases.iter().map(row).collect()
    }

    /// Whether no link is known.
    pub fn is_empty(&self) -> bool {
        self.small.load().links.is_empty()
    }

    /// How many rows it holds.
    pub fn sizes(&self) -> TableSizes {
        let small = self.small.load();
        TableSizes {
            base_links: small.links.base_len(),
            overlay_links: small.links.overlay_len(),
            base_bytes: small.links.base_bytes(),
            aliases: small.aliases.len(),
            placements: small.placements.len(),
            promoters: small.promoters.len(),
            targets: small.targets.len(),
            programmes: small.programmes.len(),
        }
    }
}

/// What a row is of, and its own number.
const fn name_of(change: &Change) -> (&'static str, u32) {
    match change {
        Change::Link(_) => ("link", 0),
        Change::Alias { .. } => ("alias", 0),
        Change::Placement(row) => ("placement", row.num.0),
        Change::Promoter(row) => ("promoter", row.num.0),
        Change::Target(row) => ("target", row.num.0),
        Change::Programme(row) => ("programme", row.num.0),
        Change::Ban(row) => ("ban", row.category.0),
    }
}

#[cfg(test)]
mod anew_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
pub(crate) mod tests;
