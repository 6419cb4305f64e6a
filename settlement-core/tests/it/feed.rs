//! The feed by which edges follow the catalogue: whole, in order, and at once.

use crate::catalogue::shop;
use crate::on_both;
use crate::support::Bench;
use attribution_core::catalogue::{Change, LinkFlags, NumberedChange};
use attribution_core::history::FeedPosition;
use serde_json::{Value, json};
use std::time::Duration;

/// All changes behind a number.
pub(crate) async fn changes(bench: &Bench, after: u64) -> Vec<NumberedChange> {
    let page = bench.core.changes(place(bench, after).await, 1_000).await.unwrap();
    assert!(!page.reload);
    page.changes
}

/// A number in the history under way.
pub(crate) async fn place(bench: &Bench, number: u64) -> FeedPosition {
    FeedPosition { number, ..bench.core.feed_head().await.unwrap() }
}

/// The number of the last change.
pub(crate) async fn head(bench: &Bench) -> u64 {
    bench.core.feed_head().await.unwrap().number
}

on_both!(edges_hear_of_everything_once_and_in_order, async |bench: &Bench| {
    shop(bench).await;
    let made = bench
        .ok("POST", "/v1/links", json!({"placement": "lily1", "product": "sku1", "alias": "tea-2026"}))
        .await;
    let all = changes(bench, 0).await;
    assert!(all.windows(2).all(|pair| pair[0].number < pair[1].number));
    assert_eq!(all.last().unwrap().number, head(bench).await, "the last number belongs to a row");
    let kinds: Vec<&str> = all
        .iter()
        .map(|change| match &change.change {
            Change::Link(_) => "link",
            Change::Alias { .. } => "alias",
            Change::Placement(_) => "placement",
            Change::Promoter(_) => "promoter",
            Change::Target(_) => "target",
            Change::Programme(_) => "programme",
            Change::Ban(_) => "ban",
        })
        .collect();
    let expected = ["target", "programme", "target", "promoter", "placement", "link", "link", "alias"];
    assert_eq!(kinds, expected);
    let Change::Link(link) = all[5].change else { panic!("a link") };
    let Change::Link(qr) = all[6].change else { panic!("a link") };
    assert_eq!(link.code.to_string(), made["code"].as_str().unwrap());
    assert_eq!(qr.code.to_string(), made["qr_code"].as_str().unwrap());
    assert!(qr.flags.has(LinkFlags::QR) && !link.flags.has(LinkFlags::QR));
    assert!(qr.expires.instant().is_none(), "a QR code does not age");
    assert_eq!(link.expires.instant().unwrap().millis(), made["expires_at"].as_i64().unwrap());
    assert_eq!(made["short_url"], format!("https://go.example.com/{}", link.code));
    assert_eq!(made["qr_svg_url"], format!("https://go.example.com/q/{}.svg", qr.code));
    assert_eq!(made["alias_url"], "https://go.example.com/tea-2026");
    let named = bench.ok("GET", "/v1/links/tea-2026", Value::Null).await;
    assert_eq!(named["alias_urls"], json!(["https://yinke.example.net/tea-2026"]));
    assert_eq!((&named["code"], &named["short_url"]), (&made["code"], &made["short_url"]));

    // Page by page it is the same.
    let (mut paged, mut after) = (Vec::new(), 0);
    loop {
        let page = bench.core.changes(place(bench, after).await, 3).await.unwrap();
        let Some(last) = page.changes.last() else { break };
        after = last.number;
        paged.extend(page.changes);
    }
    assert_eq!(paged, all);

    // A row that changes again moves to the end.
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", Value::Null).await;
    let after = all.last().unwrap().number;
    let news = changes(bench, after).await;
    assert_eq!(news.len(), 1);
    let Change::Target(target) = &news[0].change else { panic!("a target") };
    assert_eq!(target.destination, "https://shop.example.cn/item/1");
    assert!(target.cancelled_from.is_some() && target.delisted_from.is_none());
    assert_eq!(changes(bench, 0).await.len(), all.len());
});

on_both!(a_waiting_feed_wakes_at_once, async |bench: &Bench| {
    shop(bench).await;
    let after = bench.core.feed_head().await.unwrap();
    let core = bench.core.clone();
    let (waiting, started) = tokio::sync::oneshot::channel();
    let waiter = tokio::spawn(async move {
        waiting.send(()).unwrap();
        core.await_changes(after, 10, Duration::from_secs(20)).await.unwrap()
    });
    started.await.unwrap();
    let began = std::time::Instant::now();
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", Value::Null).await;
    let page = waiter.await.unwrap();
    assert_eq!(page.changes.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let path = format!("/v1/changes?after={}&history={}&limit=5&wait_ms=10", page.head, page.history);
    let empty = bench.ok("GET", &path, Value::Null).await;
    assert_eq!((empty["changes"].as_array().unwrap().len(), &empty["head"]), (0, &json!(page.head)));
});

on_both!(a_client_that_leaves_changes_nothing_for_those_who_wait, async |bench: &Bench| {
    shop(bench).await;
    let after = bench.core.feed_head().await.unwrap();
    let core = bench.core.clone();
    let began = std::time::Instant::now();
    let waiter =
        tokio::spawn(async move { core.await_changes(after, 10, Duration::from_secs(20)).await.unwrap() });
    let asked = bench.call("POST", "/v1/products/sku1/delist", Value::Null);
    leave_at_second_wait(asked).await;
    assert_eq!(waiter.await.unwrap().changes.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
});

/// Drops a request at its second wait: the first is for the token, the second for the change.
async fn leave_at_second_wait(asked: impl Future) {
    let mut asked = Box::pin(asked);
    let mut waits = 0;
    std::future::poll_fn(|context| match asked.as_mut().poll(context) {
        std::task::Poll::Pending if waits == 0 => {
            waits += 1;
            std::task::Poll::Pending
        }
        _ => std::task::Poll::Ready(()),
    })
    .await;
}

on_both!(another_node_hears_of_changes_too, async |bench: &Bench| {
    shop(bench).await;
    let other = bench.open_again();
    let after = bench.core.feed_head().await.unwrap();
    // Over SQLite there is one process; another one looks again only when its wait is over.
    let wait = Duration::from_millis(1_500);
    let waiter = {
        let other = other.clone();
        tokio::spawn(async move { other.await_changes(after, 10, wait).await.unwrap() })
    };
    bench.ok("POST", "/v1/products/sku1/delist", Value::Null).await;
    assert_eq!(waiter.await.unwrap().changes.len(), 1);
    other.close();
});

on_both!(concurrent_writers_leave_no_hole_and_no_twin, async |bench: &Bench| {
    shop(bench).await;
    let before = changes(bench, 0).await.len();
    let calls = (0..40).map(|n| {
        let body = json!({"placement": "lily1", "product": "sku1", "alias": format!("alias-{}", n / 2)});
        bench.call("POST", "/v1/links", body)
    });
    let answers = futures_util::future::join_all(calls).await;
    let made = answers.iter().filter(|(status, _)| status.is_success()).count();
    assert_eq!(made, 20, "one of each two may have the alias");
    let all = changes(bench, 0).await;
    assert_eq!(all.len(), before + 3 * made);
    assert_eq!(all.last().unwrap().number, head(bench).await);
});
