//! What operators keep running: statements of platforms against the books, the workday calendar, clicks set aside.

use crate::bench::Bench;
use attribution_core::click::{EdgeId, Epoch, Stream, WorkerId};
use attribution_core::shipping::Batch;
use http::StatusCode;
use serde_json::{Value, json};

const RECONCILIATIONS: &str = "/operator/reconciliations";
const CALENDAR: &str = "/operator/calendar";
const LETTERS: &str = "/operator/dead-letters";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_is_compared_and_each_difference_kept() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    let page = boss.get(RECONCILIATIONS).await;
    assert!(page.body.contains("还没有比对过对账单。"), "{}", page.body);
    let csv = "order,line,commission_yuan,state\r\no7,1,12.34,已结算\r\no8,1,5,待结算\r\n";
    let form = |from: &'static str, to: &'static str, csv: &'static str| {
        [("programme", "fx"), ("from", from), ("to", to), ("states", "taobao"), ("csv", csv)]
    };
    // Refused beside the field, with everything that was typed.
    for (wrong, field, words) in [
        (form("2026-07-01", "", csv), "to", "请选择日期。"),
        (form("2026-07-02", "2026-07-01", csv), "to", "起始日期不能晚于结束日期。"),
        (
            form("2026-07-01", "2026-07-31", "order,line,state\no7,1,3\n"),
            "csv",
            "第 1 行缺少 commission_fen 这一列",
        ),
        (
            form("2026-07-01", "2026-07-31", "order,line,commission_yuan,state\no7,1,ten,3\n"),
            "csv",
            "第 2 行的 commission_yuan 是",
        ),
    ] {
        let refused = boss.submit(&page, RECONCILIATIONS, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        for part in [&format!("id=\"e-{field}\""), words, "value=\"2026-07-0", "o7,1"] {
            assert!(refused.body.contains(part), "{part} is not in {}", refused.body);
        }
    }
    let fields = form("2026-07-01", "2026-07-31", csv);
    let made = boss.submit(&page, RECONCILIATIONS, &fields).await;
    assert_eq!(made.location(), "/operator/reconciliations/1?done=compared", "{}", made.body);
    // The same form again compares once.
    assert_eq!(boss.submit(&page, RECONCILIATIONS, &fields).await.location(), made.location());
    let list = boss.get(RECONCILIATIONS).await;
    for part in ["2026-07-01 – 2026-07-31", "差异 2", "1688分销客"] {
        assert!(list.body.contains(part), "{part} is not in {}", list.body);
    }
    assert!(!list.body.contains("/operator/reconciliations/2"));
    let detail = boss.get("/operator/reconciliations/1").await;
    for part in ["我们的账里没有 · 2", "¥12.34 · 已结算", "o8", "淘宝联盟"] {
        assert!(detail.body.contains(part), "{part} is not in {}", detail.body);
    }
    // One of them is settled by whoever is signed in, with a note; the list says how many are left.
    assert!(!detail.body.contains("?settled=false"), "all of them are left: {}", detail.body);
    let place = "/operator/reconciliations/1/1";
    let page = boss.get(place).await;
    let empty = boss.submit(&page, place, &[("settled", "no"), ("note", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.body.contains("请写明怎样处理的"), "{}", empty.body);
    let note = [("settled", "no"), ("note", "平台\r\n已补发")];
    assert_eq!(boss.submit(&page, place, &note).await.location(), format!("{place}?done=saved"));
    let page = boss.get(place).await;
    for part in ["平台 已补发", "已处理", "<span>boss</span>", "改回未处理"] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert!(boss.get(RECONCILIATIONS).await.body.contains("差异 2 · 未处理 1"));
    let detail = boss.get("/operator/reconciliations/1").await;
    assert!(detail.body.contains("?settled=false") && detail.body.contains("平台 已补发"), "{}", detail.body);
    let open = boss.get("/operator/reconciliations/1?settled=false").await;
    assert!(!open.body.contains("平台 已补发"), "{}", open.body);
    let only = [("settled", "yes"), ("note", "再核一次"), ("do", "note")];
    assert_eq!(boss.submit(&page, place, &only).await.location(), format!("{place}?done=saved"));
    assert!(
        boss.get(RECONCILIATIONS).await.body.contains("差异 2 · 未处理 1"),
        "a note alone settles nothing"
    );
    let none = boss.get("/operator/reconciliations/1?kind=state").await;
    assert!(none.body.contains("没有差异。"), "{}", none.body);
    assert_eq!(boss.get("/operator/reconciliations/9").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_lays_days_over_the_calendar() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    let page = boss.get(CALENDAR).await;
    assert!(page.body.contains("holiday-cn@") && page.body.contains("还没有人改过日历。"), "{}", page.body);
    let refused = [
        ("2027-01-01 休\n2027-02-30 班", "2027", "days", "第 2 行“2027-02-30 班”"),
        ("2027-01-01 休", "soon", "complete_through", "请填写年份"),
        ("2027-01-01 休", "2010", "complete_through", "官方日历已经排到"),
        ("2027-01-01 休", "2028", "complete_through", "没有给出 2028 年的任何日期"),
    ];
    for (days, through, field, words) in refused {
        let fields = [("days", days), ("complete_through", through)];
        let answer = boss.submit(&page, CALENDAR, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
        for part in [&format!("id=\"e-{field}\""), words, "2027-01-01 休", &format!("value=\"{through}\"")] {
            assert!(answer.body.contains(part), "{part} is not in {}", answer.body);
        }
    }
    let empty = boss.submit(&page, CALENDAR, &[("days", "\n"), ("complete_through", "")]).await;
    assert!(empty.body.contains("请至少填写一天。"), "{}", empty.body);
    let official = bench.ok("GET", "/v1/calendar", Value::Null).await;
    assert_eq!(official["override"]["days"], json!({}), "what was refused changed nothing");
    let fields = [("days", "2027-01-01 休\n2027-01-02 work\n"), ("complete_through", "2027")];
    let laid = boss.submit(&page, CALENDAR, &fields).await;
    assert_eq!(laid.location(), "/operator/calendar?done=calendar", "{}", laid.body);
    let page = boss.get(CALENDAR).await;
    for part in ["2027-01-02 work", "2007-01-01 至 2027-12-31", "休息日", "value=\"2027\""] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert!(!page.body.contains("还没有人改过日历。"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_set_aside_are_looked_at_and_tried_again() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    assert!(boss.get(LETTERS).await.body.contains("没有死信。"));
    let mut batch = Batch::new(Stream { edge: EdgeId(4), epoch: Epoch(1), worker: WorkerId(0) }, 0);
    assert!(batch.push(bench.core.now(), b"\x09from the future"));
    bench.core.ingest(batch, bench.core.now()).await.unwrap();
    let page = boss.get(LETTERS).await;
    assert!(page.body.contains("无法读取") && page.body.contains("全部放回"), "{}", page.body);
    let tried = boss.submit(&page, LETTERS, &[("after", "")]).await;
    assert_eq!(tried.location(), "/operator/dead-letters?taken=0&kept=1", "{}", tried.body);
    let told = boss.get(tried.location()).await;
    assert!(told.body.contains("0 条已成为点击，1 条仍被拒绝。"), "{}", told.body);
    // What is no answer of ours is not repeated.
    assert!(!boss.get(&format!("{LETTERS}?taken=%3Cb%3E&kept=1")).await.body.contains("<b>"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn putting_all_letters_back_goes_on_to_the_end() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "en").await;
    let mut batch = Batch::new(Stream { edge: EdgeId(4), epoch: Epoch(1), worker: WorkerId(0) }, 0);
    for _ in 0..2_300 {
        assert!(batch.push(bench.core.now(), b"\x09from the future"));
    }
    bench.core.ingest(batch, bench.core.now()).await.unwrap();
    let page = boss.get(LETTERS).await;
    assert!(!page.body.contains("data-goes-on"), "a page that anybody can be led to does nothing by itself");
    let half = boss.submit(&page, LETTERS, &[]).await;
    assert_eq!(half.status, StatusCode::OK, "{}", half.body);
    for part in ["data-goes-on", "0 are clicks now, 2000 are still refused."] {
        assert!(half.body.contains(part), "{part} is not in {}", half.body);
    }
    let sums = ["after", "taken", "kept"].map(|name| (name, half.hidden(name)));
    let sums = sums.each_ref().map(|(name, value)| (*name, value.as_str()));
    let whole = boss.submit(&half, LETTERS, &sums).await;
    assert_eq!(whole.location(), "/operator/dead-letters?taken=0&kept=2300", "{}", whole.body);
}
