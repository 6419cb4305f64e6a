//! An expectation that cannot fail proves nothing: each one of the repository's scenarios does, when it is changed.

use super::world::Database;
use super::{files, read, stage};
use futures_util::StreamExt as _;
use std::path::PathBuf;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_expectation_fails_when_it_is_changed() {
    let mut stories = Vec::new();
    for file in files(&[PathBuf::from(FOLDER)]).unwrap() {
        let text = std::fs::read_to_string(&file).unwrap();
        stories
            .extend(read::stories(&text).unwrap_or_else(|faults| panic!("{}: {faults:?}", file.display())));
    }
    assert!(stories.len() > 100, "{}", stories.len());
    let told = futures_util::stream::iter(stories).map(async |mut story| {
        let mut spoiled = 0;
        let checks = story.events.iter_mut().map(|event| &mut event.checks).chain([&mut story.checks]);
        for check in checks.flatten() {
            spoiled += check.spoil();
        }
        assert!(spoiled > 0, "{} expects nothing", story.name);
        let told = stage::tell(&story, &Database::Sqlite).await.unwrap();
        let failed: Vec<&str> = told.failures.iter().map(|failure| failure.what.as_str()).collect();
        assert_eq!(failed.len(), spoiled, "{}: {failed:?}", story.name);
    });
    told.buffer_unordered(4).collect::<Vec<()>>().await;
}
