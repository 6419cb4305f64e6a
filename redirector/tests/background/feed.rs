//! Changes reach the table in order, whatever the core does, and the table is saved.

use crate::core_server::{CoreServer, Fault};
use crate::log;
use crate::rig::{Anew, Rig, quick};
use attribution_core::catalogue::{Change, NumberedChange, PromoterRow};
use attribution_core::ids::PromoterNum;
use redirector::background::BackgroundOptions;
use redirector::clock;
use std::time::Duration;

fn change(number: u64) -> NumberedChange {
    let num = PromoterNum(u32::try_from(number).unwrap());
    let change = Change::Promoter(PromoterRow { num, disabled_from: None });
    NumberedChange { number, at: clock::now(), change }
}

#[tokio::test]
async fn changes_are_applied_in_order_page_by_page_and_saved() {
    use Fault::{Drop, Hang, Nonsense, Status};
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    core.with(|state| {
        state.changes.extend((1..=25).map(change));
        state.change_faults.extend([Status(500), Nonsense, Drop, Hang, Status(503)]);
    });
    let options = BackgroundOptions { feed_page: 10, snapshot_changes: 20, ..quick() };
    let rig = Rig::start(dir.path(), core.address, options);
    core.until("25 changes", |_| (rig.contact.applied() == 25).then_some(())).await;
    core.with(|state| state.changes.extend((30..=31).map(change)));
    core.until("31 changes", |_| (rig.contact.applied() == 31).then_some(())).await;
    assert!(rig.contact.is_current());
    assert!(rig.contact.heard().is_some_and(|heard| clock::now().millis() - heard.millis() < 5_000));
    core.until("the heartbeat acknowledges", |state| (state.heartbeats.last()?.applied == 31).then_some(()))
        .await;
    let (applied, pages, saved) = (rig.applied.clone(), rig.pages.clone(), rig.saved.clone());
    rig.shutdown(Duration::from_secs(5)).await;
    let numbers: Vec<u64> = applied.lock().unwrap().iter().map(|change| change.number).collect();
    assert_eq!(numbers, (1..=25).chain(30..=31).collect::<Vec<_>>());
    assert_eq!(*pages.lock().unwrap(), [10, 10, 5, 2], "each page is applied in one go");
    let saved = saved.lock().unwrap();
    assert!(saved.len() >= 2 && saved[0] >= 20 && saved.last() == Some(&31), "{saved:?}");
}

#[tokio::test]
async fn the_first_whole_table_is_saved_at_once() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    core.with(|state| state.changes.extend((1..=25).map(change)));
    // Neither an hour nor a hundred thousand changes will have passed.
    let rig = Rig::start(dir.path(), core.address, BackgroundOptions { feed_page: 10, ..quick() });
    core.until("it is saved", |_| rig.saved.lock().unwrap().first().copied()).await;
    core.with(|state| state.changes.push(change(26)));
    core.until("26 changes", |_| (rig.contact.applied() == 26).then_some(())).await;
    let saved = rig.saved.clone();
    rig.shutdown(Duration::from_secs(5)).await;
    assert_eq!(*saved.lock().unwrap(), [25, 26], "whole, then at the end");
}

#[tokio::test]
async fn without_a_core_the_edge_knows_that_it_has_heard_nothing() {
    log::listen();
    let dir = tempfile::tempdir().unwrap();
    let core = CoreServer::start().await;
    core.with(|state| state.change_faults.extend([Fault::Status(500); 3]));
    let rig = Rig::start(dir.path(), core.address, quick());
    assert_eq!(rig.contact.heard(), None);
    core.until("the core is back", |_| rig.contact.heard()).await;
    let said = |words| (log::said(words) > 0).then_some(());
    core.until("the log told of both", |_| {
        said("the core is not heard").and(said("the core is heard again"))
    })
    .await;
    rig.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_core_with_another_past_is_loaded_anew_even_if_its_numbers_are_further_on() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    core.with(|state| state.changes.extend((1..=25).map(change)));
    let options = BackgroundOptions { feed_page: 10, snapshot_changes: 1, ..quick() };
    let rig = Rig::start(dir.path(), core.address, options);
    core.until("25 changes", |_| (rig.contact.applied() == 25).then_some(())).await;
    let (anew, pages) = (rig.anew.clone(), rig.pages.clone());
    assert!(anew.lock().unwrap().is_empty());
    pages.lock().unwrap().clear();
    core.with(|state| {
        state.history += 1;
        state.changes = (1..=35).map(change).collect();
    });
    core.until("the table is loaded anew", |_| (rig.contact.applied() == 35).then_some(())).await;
    assert_eq!(*anew.lock().unwrap(), [Anew::Begun, Anew::TookOver]);
    assert_eq!(*pages.lock().unwrap(), [10, 10, 10, 5], "all of it, not what comes after 25");
    core.until("the heartbeat names the history", |state| {
        let beat = state.heartbeats.last()?;
        (beat.history?.get() == 2 && beat.applied == 35).then_some(())
    })
    .await;
    // Fewer changes than before are no less the truth.
    core.with(|state| {
        state.history += 1;
        state.changes.truncate(3);
    });
    core.until("the shorter past is loaded", |_| (rig.contact.applied() == 3).then_some(())).await;
    let saved = rig.saved.clone();
    rig.shutdown(Duration::from_secs(5)).await;
    assert_eq!(saved.lock().unwrap().last(), Some(&3));
}

#[tokio::test]
async fn a_core_without_any_catalogue_does_not_empty_the_table() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    core.with(|state| state.changes.extend((1..=5).map(change)));
    let rig = Rig::start(dir.path(), core.address, quick());
    core.until("5 changes", |_| (rig.contact.applied() == 5).then_some(())).await;
    let heard = rig.contact.heard();
    core.with(|state| {
        state.history += 1;
        state.changes.clear();
        state.heartbeats.clear();
    });
    let anew = rig.anew.clone();
    core.until("it has begun", |_| anew.lock().unwrap().first().copied()).await;
    core.until("heartbeats go on", |state| (state.heartbeats.len() > 5).then_some(())).await;
    assert_eq!((rig.contact.applied(), &*anew.lock().unwrap()), (5, &vec![Anew::Begun]));
    assert!(rig.contact.heard() >= heard);
    core.with(|state| state.changes.push(change(1)));
    core.until("a catalogue is there", |_| (rig.contact.applied() == 1).then_some(())).await;
    rig.shutdown(Duration::from_secs(5)).await;
}
