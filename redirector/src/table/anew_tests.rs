//! A table that is loaded anew beside the one that serves.

use super::tests::{CHECK, HISTORY, code, link, numbered, surroundings, target};
use super::*;
use attribution_core::catalogue::TargetRow;
use attribution_core::ids::TargetNum;

const OTHER: HistoryId = HistoryId::new(8).unwrap();

fn old_table() -> Table {
    let table = Table::new(false);
    let mut changes = surroundings();
    changes.extend([1, 2].map(|body| Change::Link(link(body))));
    changes.push(Change::Alias { alias: Alias::new("double11", CHECK).unwrap(), code: code(2) });
    table.apply(HISTORY, &numbered(94, changes));
    table
}

#[test]
fn the_old_table_serves_until_the_new_one_is_whole_and_nothing_of_it_stays() {
    let table = old_table();
    table.begin_anew();
    table.apply(OTHER, &numbered(1, surroundings()));
    assert_eq!(table.position(), FeedPosition { history: Some(HISTORY), number: 100 });
    assert_eq!((table.link(code(2)), table.small().load().alias("double11")), (Some(link(2)), Some(code(2))));
    // The same target number is another product there.
    let moved = TargetRow { destination: "https://other.example/".to_owned(), ..target(1) };
    table.apply(OTHER, &numbered(10, vec![Change::Target(moved.clone()), Change::Link(link(3))]));
    assert_ne!(table.small().load().follow(&link(1)).unwrap().target.row, moved);

    let before = table.small().load_full();
    table.take_over();
    assert_eq!(table.position(), FeedPosition { history: Some(OTHER), number: 11 });
    assert_eq!([1, 2, 3].map(|body| table.link(code(body))), [None, None, Some(link(3))]);
    assert_eq!(table.small().load().alias("double11"), None);
    assert_eq!(table.small().load().follow(&link(3)).unwrap().target.row, moved);
    // A view that was taken before is of one piece still.
    assert_eq!((before.link(code(2)), before.link(code(3))), (Some(link(2)), None));
    // And pages go to it again.
    table.apply(OTHER, &numbered(12, vec![Change::Link(LinkRow { target: TargetNum(1), ..link(4) })]));
    assert!(table.link(code(4)).is_some());
}

#[test]
fn beginning_anew_twice_forgets_the_first_time() {
    let table = old_table();
    table.begin_anew();
    table.apply(OTHER, &numbered(1, vec![Change::Link(link(5))]));
    table.begin_anew();
    table.apply(OTHER, &numbered(1, vec![Change::Link(link(6))]));
    table.take_over();
    assert_eq!([5, 6].map(|body| table.link(code(body)).is_some()), [false, true]);
    table.take_over();
    assert!(table.link(code(6)).is_some(), "nothing waits to take over");
}
