//! Follows the core's change feed: asks for what comes after the last applied number, applies it in order, and has
//! the table saved: at once when it is whole for the first time, from time to time later.
//!
//! The feed never goes back and never skips: the core makes its numbers visible in order. While the core is away the
//! table serves on, and [`Contact`] says since when it may be stale.
//!
//! A core that was restored from a backup, or is a new one, has another past than the table. It says so, and the feed
//! loads everything anew into a table beside the one that serves, until that is whole.

use super::backoff::Backoff;
use super::phase::{Phase, Phases};
use super::{BackgroundOptions, Contact, Seams, seconds};
use crate::core_link::{CoreLink, LinkError, Retry};
use attribution_core::catalogue::{Change, ChangePage, NumberedChange};
use attribution_core::history::FeedPosition;
use attribution_core::with_causes;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Follows the change feed.
pub(super) struct Feed {
    pub(super) link: Arc<dyn CoreLink>,
    pub(super) seams: Arc<Seams>,
    pub(super) contact: Arc<Contact>,
    pub(super) options: Arc<BackgroundOptions>,
}

/// When the table was last saved, and the saving that is on its way.
struct Saving {
    /// The number that the last begun saving holds.
    number: u64,
    at: Instant,
    /// Whether a whole table was ever saved, or begun to be.
    whole: bool,
    task: Option<JoinHandle<bool>>,
}

impl Feed {
    /// Works until the phase is no longer [`Phase::Run`]; then saves a changed table once more.
    pub(super) async fn run(&self, phases: Phases) {
        let mut backoff =
            Backoff::new(Duration::from_millis(100), Duration::from_secs(3), self.options.jitter);
        let whole = self.contact.heard().is_some();
        let mut saving = Saving { number: self.contact.applied(), at: Instant::now(), whole, task: None };
        // The first load of an empty table says nothing about how fast changes arrive.
        let mut measured = self.contact.applied() > 0;
        let mut anew = None;
        let mut silent = false;
        metrics::counter!("yinke_edge_table_reloads_total").increment(0); // an increase is seen from zero on
        while phases.now() == Phase::Run {
            let began = Instant::now();
            let from = anew.unwrap_or_else(|| self.contact.position());
            let asked = self.link.changes(from, self.options.feed_page);
            let answer = tokio::select! {
                biased;
                () = phases.reaches(Phase::Drain) => break,
                answer = asked => answer,
            };
            let loading = anew.is_some();
            let taken = answer.and_then(|page| match loading || page.reload {
                true => self.load_anew(&page, &mut anew),
                false => self.take(&page, measured),
            });
            let pause = match taken {
                Ok(more) => {
                    backoff.reset();
                    if std::mem::take(&mut silent) {
                        tracing::info!("the core is heard again");
                    }
                    if loading && anew.is_none() {
                        // What was saved is of another past.
                        (saving.number, saving.whole) = (0, false);
                    }
                    self.save_if_due(&mut saving).await;
                    if more {
                        continue;
                    }
                    measured |= self.contact.is_current();
                    // A core that waits for changes is asked again at once, any other every so often.
                    self.options.feed_every.saturating_sub(began.elapsed())
                }
                Err(error) => {
                    metrics::counter!("yinke_edge_feed_errors_total", "reason" => error.reason())
                        .increment(1);
                    if error.retry() == Retry::AfterRepair {
                        tracing::error!(error = with_causes(&error), "the core gives no changes");
                        backoff.stretch();
                    } else if !silent {
                        tracing::warn!(
                            error = with_causes(&error),
                            "the core is not heard: clicks are served and recorded, withdrawals do not arrive"
                        );
                    }
                    silent = true;
                    backoff.pause(error.retry_after())
                }
            };
            phases.pause(pause, Phase::Drain).await;
        }
        self.save_at_end(saving).await;
    }

    /// Applies a page; says whether the next one may be asked for at once.
    fn take(&self, page: &ChangePage, measured: bool) -> Result<bool, LinkError> {
        let before = self.contact.applied();
        let Read { news, number: applied, head } = read(page, before)?;
        if !news.is_empty() {
            (self.seams.apply)(page.history, news);
        }
        if measured {
            news.iter().for_each(|change| self.measure(change));
        }
        self.contact.set_position(FeedPosition { history: Some(page.history), number: applied });
        self.contact.set_head(head, (self.seams.now)());
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("yinke_edge_changes_behind").set((head - applied) as f64);
        Ok(applied > before && applied < head)
    }

    /// The same while everything is loaded anew, beginning with the page that says so. `anew` is how far that has come.
    fn load_anew(&self, page: &ChangePage, anew: &mut Option<FeedPosition>) -> Result<bool, LinkError> {
        let from = match anew {
            Some(from) if !page.reload => *from,
            Some(FeedPosition::START) => {
                return Err(LinkError::BadAnswer("the core disowns its own first change".to_owned()));
            }
            _ => {
                metrics::counter!("yinke_edge_table_reloads_total").increment(1);
                tracing::warn!(
                    applied = self.contact.applied(),
                    history = %page.history,
                    head = page.head,
                    "the core has another past than this table, which serves on while everything is loaded anew"
                );
                (self.seams.begin_anew)();
                *anew = Some(FeedPosition::START);
                return Ok(true);
            }
        };
        let Read { news, number, head } = read(page, from.number)?;
        if head == 0 {
            // Most likely not the core that was meant. An old table is better than none.
            return Err(LinkError::BadAnswer("the core has no catalogue at all; the table stays".to_owned()));
        }
        (self.seams.apply)(page.history, news);
        let position = FeedPosition { history: Some(page.history), number };
        *anew = Some(position);
        if number < head {
            return Ok(number > from.number);
        }
        (self.seams.take_over)();
        *anew = None;
        self.contact.set_position(position);
        self.contact.set_head(head, (self.seams.now)());
        tracing::warn!(applied = number, "the table that was loaded anew has taken over");
        Ok(false)
    }

    /// From the core's commit to the table that answers.
    fn measure(&self, change: &NumberedChange) {
        metrics::histogram!("yinke_edge_change_apply_seconds", "kind" => kind(&change.change))
            .record(seconds(change.at, (self.seams.now)()));
    }

    async fn save_if_due(&self, saving: &mut Saving) {
        if saving.task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        if let Some(task) = saving.task.take()
            && !task.await.unwrap_or(false)
        {
            saving.number = 0; // whatever is in the table is not on disk
        }
        let new = self.contact.applied() - saving.number.min(self.contact.applied());
        let whole = saving.whole || self.contact.heard().is_some();
        // Without a whole table on disk, an edge that is killed could not serve until the core is there.
        let first = whole && !saving.whole;
        let due = new >= self.options.snapshot_changes
            || saving.at.elapsed() >= self.options.snapshot_every
            || first;
        if new == 0 || !due {
            return;
        }
        let (number, at) = (self.contact.applied(), Instant::now());
        *saving = Saving { number, at, whole, task: Some(self.save()) };
    }

    async fn save_at_end(&self, mut saving: Saving) {
        if let Some(task) = saving.task.take()
            && !task.await.unwrap_or(false)
        {
            saving.number = 0;
        }
        if self.contact.applied() > saving.number {
            let _ = self.save().await; // a failure has been said by the task
        }
    }

    fn save(&self) -> JoinHandle<bool> {
        let seams = Arc::clone(&self.seams);
        let number = self.contact.applied();
        tokio::task::spawn_blocking(move || match (seams.save)(number) {
            Ok(()) => true,
            Err(error) => {
                metrics::counter!("yinke_edge_snapshot_errors_total").increment(1);
                tracing::error!(error = with_causes(&*error), "the table could not be saved");
                false
            }
        })
    }
}

/// What a page brings.
struct Read<'p> {
    /// What comes after the last number applied.
    news: &'p [NumberedChange],
    /// The last number with it.
    number: u64,
    /// The core's last number.
    head: u64,
}

/// Reads a page that was asked for after number `before`.
fn read(page: &ChangePage, before: u64) -> Result<Read<'_>, LinkError> {
    if !page.changes.is_sorted_by(|a, b| a.number < b.number) {
        return Err(LinkError::BadAnswer("a page of changes is out of order".to_owned()));
    }
    let head = page.changes.last().map_or(page.head, |last| last.number.max(page.head));
    if head < before {
        return Err(LinkError::BadAnswer(format!("the core is at change {head}, this edge at {before}")));
    }
    let news = &page.changes[page.changes.partition_point(|change| change.number <= before)..];
    Ok(Read { news, number: news.last().map_or(before, |last| last.number), head })
}

const fn kind(change: &Change) -> &'static str {
    match change {
        Change::Link(_) => "link",
        Change::Alias { .. } => "alias",
        Change::Placement(_) => "placement",
        Change::Promoter(_) => "promoter",
        Change::Target(_) => "target",
        Change::Programme(_) => "programme",
        Change::Ban(_) => "ban",
    }
}
