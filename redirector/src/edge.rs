//! An edge as one thing: started, asked how it is, reloaded, shut down.

use crate::agents::{Agents, AgentsError};
use crate::background::{self, Background, Contact, Parts, Pulse};
use crate::cells::Cells;
use crate::config::{EdgeConfig, EdgeKeys};
use crate::cookies::CookieJar;
use crate::core_link::CoreLink;
use crate::journal_metrics::Growth;
use crate::listen;
use crate::pages::Pages;
use crate::readiness::{NotReady, Readiness};
use crate::request::Hosts;
use crate::server::{self, Setup, Stage};
use crate::shared::Shared;
use crate::start_error::StartError;
use crate::table::Table;
use crate::{clock, journal_metrics, metrics, wiring};
use arc_swap::ArcSwap;
use attribution_core::record::Tally;
use attribution_core::time::Instant;
use attribution_core::with_causes;
use journal::storage::Storage;
use journal::{Journal, Notice, Stats};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use url::Url;

/// What a shutdown did.
#[derive(Debug)]
pub struct ShutdownReport {
    /// Every request under way was answered in time.
    pub drained: bool,
    /// What the background left for the next start.
    pub background: background::ShutdownReport,
    /// Why the journal was not closed in order, if so; the next start recovers it.
    pub journal: Option<journal::CloseError>,
}

/// A running edge. Dropping it stops it without manners.
pub struct Edge {
    address: SocketAddr,
    shared: Arc<Shared>,
    agent_patterns: Option<PathBuf>,
    growth: Growth,
    stage: watch::Sender<Stage>,
    /// The sockets once more: while they are held, connections wait in them even if no worker accepts.
    listeners: Vec<TcpListener>,
    workers: Vec<JoinHandle<()>>,
    background: Option<Background>,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Edge {
    /// Starts an edge: loads the table's snapshot, opens the journal, listens, and serves, with or without the core.
    /// Blocks for the loading and some syncs.
    ///
    /// # Errors
    /// If something is wrong that waiting would not mend.
    pub fn start(config: EdgeConfig, keys: EdgeKeys, link: Arc<dyn CoreLink>) -> Result<Self, StartError> {
        Self::start_opening(config, keys, link, Journal::open)
    }

    /// As [`start`](Self::start), with the journal on a storage of the caller's: for tests of disks that fail.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_on(
        storage: &Arc<dyn Storage>,
        config: EdgeConfig,
        keys: EdgeKeys,
        link: Arc<dyn CoreLink>,
    ) -> Result<Self, StartError> {
        let open = |options: &journal::Options, now, random| Journal::open_on(storage, options, now, random);
        Self::start_opening(config, keys, link, open)
    }

    fn start_opening(
        config: EdgeConfig,
        keys: EdgeKeys,
        link: Arc<dyn CoreLink>,
        open: impl FnOnce(&journal::Options, i64, u64) -> Result<journal::Opened, journal::OpenError>,
    ) -> Result<Self, StartError> {
        if config.workers == 0 || config.workers > 128 {
            return Err(StartError::Workers(config.workers));
        }
        let secure = is_secure(&config.public_base)?;
        let agents = Agents::load(config.agent_patterns.as_deref())?;
        let table_dir = config.data_dir.join("table");
        fs::create_dir_all(&table_dir).map_err(|e| StartError::DataDir(table_dir.clone(), e))?;

        let now = clock::now();
        let options = wiring::background_options(&config);
        let opened = wiring::open_journal(&config, &options, now, open)?;
        let incomplete = opened.notices.iter().filter_map(Notice::incomplete).collect();
        let journal = Arc::new(opened.journal);
        // After the journal, whose lock keeps a second process away from the files aside.
        let table = Arc::new(wiring::load_table(&table_dir, secure, now, keys.check)?);
        let heard = Some(table.heard_at()).filter(|at| *at != Instant(0));
        let contact = Arc::new(Contact::new(table.position(), heard));

        let (listeners, address) = listen::open(config.listen, config.workers)?;
        let wanted = config.limits.connections;
        let connection_cap = listen::connection_cap(wanted);
        if connection_cap < wanted {
            tracing::info!(
                connection_cap,
                wanted,
                "the limit of open files leaves room for fewer connections: raise it (LimitNOFILE, ulimit -n)"
            );
        }
        let shared = Arc::new(Shared {
            hosts: Hosts::new(&config.public_base, &config.hosts),
            jar: CookieJar::new(secure),
            pages: Pages::new(),
            trusted: config.trusted_proxies,
            max_stale_ms: config.max_stale.map(|limit| i64::try_from(limit.as_millis()).unwrap_or(i64::MAX)),
            durability: config.durability,
            limits: config.limits,
            agents: ArcSwap::from_pointee(agents),
            agents_generation: AtomicU64::new(1),
            cells: (0..config.workers).map(|_| Cells::default()).collect(),
            begun: now,
            connections: AtomicUsize::new(0),
            connection_cap,
            draining: AtomicBool::new(false),
            journal: Arc::clone(&journal),
            contact: Arc::clone(&contact),
            table,
            keys,
        });
        let seams = wiring::seams(&shared, table_dir);
        let background = background::spawn(Parts {
            edge: config.edge,
            begun: now,
            link,
            journal,
            contact,
            incomplete,
            seams,
            options,
        })?;
        let (stage, _) = watch::channel(Stage::Serving);
        let mut edge = Self {
            address,
            shared,
            agent_patterns: config.agent_patterns,
            growth: Growth::new(std::time::Instant::now()),
            stage,
            listeners: Vec::new(),
            workers: Vec::new(),
            background: Some(background),
        };
        edge.start_workers(listeners, opened.writers)?;
        Ok(edge)
    }

    fn start_workers(
        &mut self,
        listeners: Vec<Vec<TcpListener>>,
        writers: Vec<journal::Writer>,
    ) -> Result<(), StartError> {
        let bells: Vec<Arc<Notify>> = writers.iter().map(|_| Arc::new(Notify::new())).collect();
        // Only the cells: the journal keeps what it calls, and whatever held the journal would never be dropped.
        let (all, rung) = (Arc::clone(&self.shared.cells), bells.clone());
        self.shared.journal.on_durable(Box::new(move || {
            for (cells, bell) in all.iter().zip(&rung) {
                if cells.disk_queue.get() > 0 {
                    bell.notify_one();
                }
            }
        }));
        for listener in listeners.iter().flatten() {
            self.listeners.push(listener.try_clone().map_err(StartError::System)?);
        }
        for ((listeners, writer), durable) in listeners.into_iter().zip(writers).zip(bells) {
            let worker = writer.stream().worker;
            let setup = Setup {
                shared: Arc::clone(&self.shared),
                writer,
                listeners,
                stage: self.stage.subscribe(),
                durable,
            };
            let run = move || {
                if let Err(error) = server::run(setup) {
                    tracing::error!(error = with_causes(&error), worker, "a worker has ended");
                }
            };
            let thread = thread::Builder::new().name(format!("yinke-edge-{worker}"));
            self.workers.push(thread.spawn(run).map_err(StartError::System)?);
        }
        Ok(())
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it knows; for loading links past the feed, in tests and benchmarks.
    pub fn table(&self) -> &Arc<Table> {
        &self.shared.table
    }

    /// How far it has followed the core.
    pub fn contact(&self) -> &Arc<Contact> {
        &self.shared.contact
    }

    /// Its sockets, for the process that comes after this one: as long as somebody holds them, clients that connect wait
    /// instead of being refused. Taken before [`shutdown`](Self::shutdown), which closes them otherwise.
    pub fn take_listeners(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.listeners)
    }

    /// Its journal.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.shared.journal
    }

    /// A way to have it tell the core at once how it stands.
    pub fn pulse(&self) -> Option<Pulse> {
        self.background.as_ref().and_then(Background::pulse)
    }

    /// The totals of all its workers in this start.
    pub fn tally(&self) -> Tally {
        let mut all = Tally::default();
        for tally in self.shared.cells.iter().map(Cells::tally) {
            all.answered += tally.answered;
            all.recorded += tally.recorded;
            all.unjournaled += tally.unjournaled;
            for (sum, counted) in all.counted.iter_mut().zip(tally.counted) {
                *sum += counted;
            }
        }
        all
    }

    /// Whether it can serve, and if not, why.
    pub fn readiness(&self) -> Readiness {
        let mut reasons = Vec::new();
        if self.shared.draining.load(Ordering::Relaxed) {
            reasons.push(NotReady::Draining);
        } else {
            let ended = self.workers.iter().enumerate().filter(|(_, worker)| worker.is_finished());
            reasons.extend(ended.map(|(at, _)| NotReady::WorkerLost(u8::try_from(at).unwrap_or(u8::MAX))));
        }
        // Kept with the snapshot: a table that was saved in the middle of a first load is no whole one either.
        if self.shared.contact.heard().is_none() {
            let empty = self.shared.table.is_empty();
            reasons.push(if empty { NotReady::TableEmpty } else { NotReady::TableIncomplete });
        }
        let Stats { threads_alive, spare_error, ready_segments, .. } = self.shared.journal.stats();
        if !threads_alive {
            reasons.push(NotReady::JournalFailed("its threads have ended".to_owned()));
        } else if let Some(error) = spare_error.filter(|_| ready_segments == 0) {
            reasons.push(NotReady::JournalFailed(error));
        }
        Readiness { reasons, unsynced_ms: self.shared.journal.unsynced_age_ms() }
    }

    /// Appends its metrics, in Prometheus' text form.
    pub fn render_metrics(&self, out: &mut String) {
        let now = clock::now();
        metrics::render(&self.shared, now, out);
        let journal = &self.shared.journal;
        let unsynced_ms = journal.unsynced_age_ms();
        journal_metrics::render(&journal.stats(), unsynced_ms, &self.growth, std::time::Instant::now(), out);
    }

    /// Reads the agent patterns again; on an error the old ones stay.
    ///
    /// # Errors
    /// If the file cannot be read or is wrong.
    pub fn reload(&self) -> Result<(), AgentsError> {
        let agents = Agents::load(self.agent_patterns.as_deref())?;
        self.shared.agents.store(Arc::new(agents));
        self.shared.agents_generation.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the edge within about `deadline`: not ready, no new connections, what is under way is answered, totals
    /// written, shipped as far as time allows, the journal synced and closed.
    pub async fn shutdown(mut self, deadline: Duration) -> ShutdownReport {
        let begun = tokio::time::Instant::now();
        self.shared.draining.store(true, Ordering::Relaxed);
        self.listeners.clear();
        self.stage.send_replace(Stage::Draining);
        let workers = std::mem::take(&mut self.workers);
        let mut ended = tokio::task::spawn_blocking(move || workers.into_iter().for_each(joined));
        // Half of the time for clients; the rest is the core's and the disk's.
        let drained = tokio::time::timeout(deadline / 2, &mut ended).await.is_ok();
        if !drained {
            self.stage.send_replace(Stage::Closing);
            let _ = tokio::time::timeout(deadline / 4, ended).await; // a worker that hangs is left behind
        }
        let rest = deadline.saturating_sub(begun.elapsed());
        let background = match self.background.take() {
            Some(background) => background.shutdown(rest).await,
            None => background::ShutdownReport { unshipped: 0, deadline_passed: false },
        };
        let journal = Arc::clone(&self.shared.journal);
        let closed = tokio::task::spawn_blocking(move || journal.close()).await;
        ShutdownReport { drained, background, journal: closed.ok().and_then(Result::err) }
    }
}

fn joined(worker: JoinHandle<()>) {
    if worker.join().is_err() {
        tracing::error!("a worker panicked");
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.stage.send_replace(Stage::Closing);
    }
}

/// Whether browsers reach the edge by https.
fn is_secure(public_base: &Url) -> Result<bool, StartError> {
    match (public_base.scheme(), public_base.host_str()) {
        ("https", Some(_)) => Ok(true),
        ("http", Some(_)) => Ok(false),
        _ => Err(StartError::PublicBase(public_base.to_string())),
    }
}
