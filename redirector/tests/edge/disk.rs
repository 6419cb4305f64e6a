//! Disks that refuse a write: what the buyer gets, what is counted, and that the frame still gets there.

use crate::http::Answer;
use crate::log;
use crate::world::{World, click_keys, eventually, link, path, placement, programme, target};
use attribution_core::catalogue::{Change, Durability, LinkRow, TargetRow};
use attribution_core::ids::PlacementNum;
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

fn has_claim(answer: &Answer) -> bool {
    answer.all("set-cookie").iter().any(|cookie| cookie.contains("yk_c_"))
}

/// Taps a link until an answer is as wanted.
fn tap_until(world: &World, path: &str, what: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let mut client = world.client();
    for _ in 0..50_000 {
        let answer = client.request("GET", path, &[]);
        if wanted(&answer) {
            return answer;
        }
    }
    panic!("no answer {what}");
}

#[test]
fn on_a_full_disk_fast_goes_on_without_claims_strict_refuses_and_both_recover_alone() {
    let mut strict = programme(2);
    strict.durability = Durability::Strict;
    let (world, disk) = World::on_failing_disk([
        Change::Programme(strict),
        placement(2, 1, 2),
        Change::Link(LinkRow { placement: PlacementNum(2), ..link(2) }),
    ]);
    assert!(world.edge.readiness().is_ready());
    log::listen();
    disk.set_capacity(0);
    let without = |answer: &Answer| click_token(answer).unjournaled;
    let answer = tap_until(&world, &path(1), "that is not journaled", without);
    assert_eq!((answer.status, has_claim(&answer)), (302, false), "{answer:?}");
    let refused = tap_until(&world, &path(2), "that refuses", |answer| answer.status == 503);
    assert_eq!(refused.outcome(), Some("overloaded"));
    assert!(refused.header("retry-after").is_some() && !has_claim(&refused));
    assert!(world.metric("yinke_edge_unjournaled_total") > 0);
    assert!(world.metric("yinke_journal_refused_total") > 0);
    assert!(world.edge.tally().unjournaled > 0, "the core hears of them");
    let why = world.edge.readiness().reasons.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(why, ["the journal takes no frames: no storage space"]);
    eventually("the log says what to do", || log::said("no further journal segment can be made") > 0);

    disk.set_capacity(u64::MAX);
    eventually("strict answers again", || world.get(&path(2), &[]).status == 302);
    eventually("fast gives claims again", || has_claim(&world.get(&path(1), &[])));
    eventually("it is ready again", || world.edge.readiness().is_ready());
    eventually("the log says so", || log::said("journal segments can be made again") > 0);
    eventually("all that was recorded is on the disk", || {
        world.recorded().len() as u64 == world.edge.tally().recorded
    });
}

#[test]
fn a_disk_that_stands_still_does_not_hold_fast_answers_and_strict_ones_never_lie() {
    let mut strict = programme(2);
    strict.durability = Durability::Strict;
    let (world, disk) = World::on_failing_disk([
        Change::Programme(strict),
        placement(2, 1, 2),
        Change::Link(LinkRow { placement: PlacementNum(2), ..link(2) }),
    ]);
    disk.hold_syncs(true);
    let mut client = world.client();
    for _ in 0..200 {
        let answer = client.request("GET", &path(1), &[]);
        assert_eq!(answer.status, 302, "{answer:?}");
        assert!(has_claim(&answer), "in the kernel is enough: {answer:?}");
    }
    eventually("the window is published", || world.edge.readiness().unsynced_ms > 20);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| world.get(&path(2), &[]));
        eventually("it waits for the disk", || world.metric("yinke_edge_disk_queue") == 1);
        assert!(!waits.is_finished());
        assert_eq!(client.request("GET", &path(1), &[]).status, 302, "and holds nobody else");
        disk.hold_syncs(false);
        assert_eq!(waits.join().unwrap().status, 302);
    });
    eventually("everything is on the disk", || world.edge.readiness().unsynced_ms == 0);
}
