//! Disks that refuse a write: what the buyer gets, what is counted, and that the frame still gets there.

use crate::http::Answer;
use crate::world::{World, click_keys, eventually, link, path, programme, target};
use attribution_core::catalogue::{Change, Durability, LinkRow, TargetRow};
use attribution_core::record::Tally;
use attribution_core::token::ClickToken;

fn click_token(answer: &Answer) -> ClickToken {
    let text = answer.location().split("yk_click=").nth(1).unwrap().split('#').next().unwrap();
    ClickToken::open(text.as_bytes(), &click_keys()).unwrap()
}

#[test]
fn an_answer_whose_frame_could_not_be_written_says_so_in_its_token() {
    let anchored = TargetRow { destination: "https://shop.example/p#top".to_owned(), ..target(2) };
    let (world, disk) = World::on_failing_disk([
        Change::Target(anchored),
        Change::Link(LinkRow { target: target(2).num, ..link(2) }),
    ]);
    assert!(!click_token(&world.get(&path(1), &[])).unjournaled);
    disk.fail_writes(u32::MAX);
    let answer = world.get(&path(2), &[]);
    assert_eq!(answer.status, 302);
    assert!(answer.all("set-cookie").is_empty(), "no claim on a click that may be lost: {answer:?}");
    assert!(answer.location().starts_with("https://shop.example/p?yk_click=v1."), "{answer:?}");
    assert!(answer.location().ends_with("#top"), "{answer:?}");
    let token = click_token(&answer);
    assert!(token.unjournaled);

    // The click's turn, and the beat that tells the totals: from then on nothing new asks for a write.
    eventually("two writes have failed", || world.metric("yinke_edge_flush_errors_total") >= 2);
    disk.fail_writes(0);
    eventually("the beat tries again", || world.recorded().len() == 2);
    let mut codes = Vec::new();
    world.with_records(|record| codes.push((record.code, record.visitor)));
    assert_eq!(codes[1], (token.code, token.visitor), "the record of the token's click");
    assert_eq!(world.metric("yinke_edge_unwritten_total"), 1);
    let expected = Tally { answered: 1, recorded: 2, ..Tally::default() };
    assert_eq!(world.edge.tally(), expected, "a click is booked once");
}

#[test]
fn a_strict_programme_answers_overloaded_when_the_disk_refuses() {
    let mut strict = programme(1);
    strict.durability = Durability::Strict;
    let (world, disk) = World::on_failing_disk([Change::Programme(strict)]);
    disk.fail_writes(u32::MAX);
    let answer = world.get(&path(1), &[("accept-language", "en")]);
    assert_eq!((answer.status, answer.outcome()), (503, Some("overloaded")));
    assert_eq!(answer.header("content-language"), Some("en"));
    assert!(answer.header("retry-after").is_some() && answer.all("set-cookie").is_empty());
    assert_eq!(world.edge.tally().unjournaled, 0);
    disk.fail_writes(0);
    eventually("the disk takes clicks again", || world.get(&path(1), &[]).status == 302);
    let tally = world.edge.tally();
    assert_eq!((tally.answered, tally.unjournaled, tally.counted), (1, 0, [0; 4]));
    assert_eq!(tally.recorded, 1 + world.metric("yinke_edge_unwritten_total"));
    eventually("all frames are written", || world.recorded().len() as u64 == tally.recorded);
}
