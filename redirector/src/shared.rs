//! What all workers share: keys, table, settings, and how many connections are open.

use crate::agents::Agents;
use crate::background::Contact;
use crate::cells::Cells;
use crate::config::{AddressRange, EdgeKeys, Limits};
use crate::cookies::CookieJar;
use crate::pages::Pages;
use crate::request::Hosts;
use crate::table::Table;
use arc_swap::ArcSwap;
use attribution_core::catalogue::Durability;
use attribution_core::time::Instant;
use journal::Journal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// What all workers share. Nothing in it is written by a click but the workers' own cells.
pub(crate) struct Shared {
    /// When the live streams began.
    pub(crate) begun: Instant,
    pub(crate) table: Arc<Table>,
    pub(crate) contact: Arc<Contact>,
    pub(crate) keys: EdgeKeys,
    pub(crate) hosts: Hosts,
    pub(crate) jar: CookieJar,
    pub(crate) pages: Pages,
    pub(crate) trusted: Vec<AddressRange>,
    pub(crate) max_stale_ms: Option<i64>,
    pub(crate) durability: Durability,
    pub(crate) limits: Limits,
    pub(crate) agents: ArcSwap<Agents>,
    /// Counts up with every reload of the agents.
    pub(crate) agents_generation: AtomicU64,
    pub(crate) journal: Arc<Journal>,
    pub(crate) cells: Arc<[Cells]>,
    pub(crate) connections: AtomicUsize,
    pub(crate) connection_cap: usize,
    pub(crate) draining: AtomicBool,
}

impl Shared {
    /// Whether the edge has been cut off for longer than it may give claims.
    pub(crate) fn is_stale(&self, now: Instant) -> bool {
        let too_long = |limit| self.contact.heard().is_none_or(|heard| now.millis() - heard.millis() > limit);
        self.max_stale_ms.is_some_and(too_long)
    }
}

/// One more open connection; given back when dropped.
pub(crate) struct ConnectionPermit(Arc<Shared>);

impl ConnectionPermit {
    /// `None` if there are as many as there may be.
    pub(crate) fn take(shared: &Arc<Shared>) -> Option<Self> {
        let open = shared.connections.fetch_add(1, Ordering::Relaxed);
        let permit = Self(Arc::clone(shared));
        (open < shared.connection_cap).then_some(permit)
    }

    /// For a connection that another one gives way to.
    pub(crate) fn take_over(shared: &Arc<Shared>) -> Self {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
