//! How an edge's parts are opened and tied together: the journal, the table, and what the background may ask.

use crate::background::{self, BackgroundOptions, ClaimTerms, RecorderOptions, Seams};
use crate::cells::Cells;
use crate::clock;
use crate::config::EdgeConfig;
use crate::shared::Shared;
use crate::start_error::StartError;
use crate::table::{Table, snapshot};
use attribution_core::catalogue::LinkFlags;
use attribution_core::code::CheckKey;
use attribution_core::record::{ClickRecord, Tally};
use attribution_core::time::Instant;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) fn background_options(config: &EdgeConfig) -> BackgroundOptions {
    BackgroundOptions {
        snapshot_every: config.snapshot_every,
        recorder: config.redis.clone().map(RecorderOptions::new),
        ..BackgroundOptions::default()
    }
}

/// Opens the journal and says what it has found there.
pub(crate) fn open_journal(
    config: &EdgeConfig,
    options: &BackgroundOptions,
    now: Instant,
    open: impl FnOnce(&journal::Options, i64, u64) -> Result<journal::Opened, journal::OpenError>,
) -> Result<journal::Opened, StartError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| StartError::System(io::Error::other(error)))?;
    let options = journal::Options {
        segment_bytes: config.journal.segment_bytes,
        spare_segments: config.journal.spare_segments,
        sync_interval: config.journal.sync_interval,
        cursors: background::cursor_names(options),
        ..journal::Options::new(config.data_dir.join("journal"), config.edge.0, config.workers)
    };
    let opened = open(&options, now.millis(), u64::from_le_bytes(random))?;
    for notice in &opened.notices {
        if notice.may_miss_frames() {
            tracing::error!(?notice, "the journal is damaged: clicks may be missing");
        } else {
            tracing::warn!(?notice, "the journal has something to say");
        }
    }
    Ok(opened)
}

/// Loads the table as it was last saved. Its codes must have been made with `check`.
pub(crate) fn load_table(
    dir: &Path,
    secure: bool,
    now: Instant,
    check: CheckKey,
) -> Result<Table, StartError> {
    let loaded = snapshot::load(dir, secure, now.millis());
    if loaded.check_key.is_some_and(|made_with| made_with != check.fingerprint()) {
        return Err(StartError::CheckKey);
    }
    tracing::info!(source = ?loaded.source, links = loaded.table.sizes().base_links, "the table is loaded");
    Ok(loaded.table)
}

/// What the background may ask of us.
pub(crate) fn seams(shared: &Arc<Shared>, table_dir: PathBuf) -> Seams {
    let [applying, emptying, replacing, saving, telling, holding, stepping, knowing] =
        std::array::from_fn(|_| Arc::clone(shared));
    Seams {
        now: clock::now,
        apply: Box::new(move |history, page| applying.table.apply(history, page)),
        begin_anew: Box::new(move || emptying.table.begin_anew()),
        take_over: Box::new(move || replacing.table.take_over()),
        save: Box::new(move |_| {
            if let Some(heard) = saving.contact.heard() {
                saving.table.note_heard(heard);
            }
            snapshot::save(&table_dir, &saving.table, saving.keys.check.fingerprint())?;
            Ok(())
        }),
        tally: Box::new(move |worker| {
            telling.cells.get(usize::from(worker.0)).map_or_else(Tally::default, Cells::tally)
        }),
        unwritten: Box::new(move || holding.cells.iter().filter_map(Cells::oldest_unwritten).min()),
        stepped_back: Box::new(move |worker| stepping.cells.get(usize::from(worker.0))?.step_back.get()),
        terms: Box::new(move |record| terms(&knowing, record)),
    }
}

fn terms(shared: &Shared, record: &ClickRecord<'_>) -> Option<ClaimTerms> {
    let small = shared.table.small().load();
    let programme = &small.programme(record.programme)?.row;
    let link = shared.table.link(record.code).filter(|link| !link.flags.has(LinkFlags::QR));
    Some(ClaimTerms {
        scope: programme.claim_scope,
        life_ms: programme.claim_life_ms,
        end: programme.claim_end,
        protection_ms: programme.protection_ms,
        rebind: programme.rebind,
        link_end: link.and_then(|link| link.expires.instant()),
    })
}
