//! A log that nobody reads: the server goes on.

use crate::support::{Up, http, start_saying, up_command, wait_for};
use crate::up::{small_world, tap};
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read as _, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A pipe that takes nothing more.
fn stuffed() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let refused = loop {
        match writer.write(&[b'x'; 4_096]) {
            Ok(len) => assert!(len > 0),
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(refused, ErrorKind::WouldBlock);
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

/// Lines that were dropped because nobody took them.
fn dropped(server: &Up) -> u64 {
    let metrics = http("GET", &format!("{}/metrics", server.admin), &[], "").body;
    let name = "yinke_log_lines_dropped_total{reason=\"full\"} ";
    metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap()
}

#[test]
fn a_log_that_nobody_takes_holds_no_click_and_no_end() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (mut reader, writer) = stuffed();
    let server =
        start_saying(up_command(&data, &["--log-level", "trace"]), &data, Stdio::null(), writer.into());
    let code = small_world(&server, dir.path());
    assert_eq!(tap(&server, &code).status, 302);
    wait_for("the queue is full", || {
        for _ in 0..200 {
            assert_eq!(http("POST", &format!("{}/-/reload", server.admin), &[], "").status, 200);
        }
        (dropped(&server) > 0).then_some(())
    });
    let began = Instant::now();
    assert_eq!(tap(&server, &code).status, 302);
    assert!(began.elapsed() < Duration::from_secs(1), "a click waited for the log: {:?}", began.elapsed());

    let (status, took) = server.stop();
    assert_eq!(status, 0);
    assert!(took < Duration::from_secs(6), "the end waited for the log: {took:?}");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text.trim_start_matches('x'), "", "nothing was said over what nobody had taken");
}
