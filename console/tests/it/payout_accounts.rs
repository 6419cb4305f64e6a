//! Whoever is paid binds an account; an operator looks whose it is, and the payee reads the answer.

use crate::bench::Bench;
use http::StatusCode;
use serde_json::Value;

const LIST: &str = "/operator/payout-accounts";
const VERIFY: &str = "/operator/payout-accounts/verify";
const REFUSE: &str = "/operator/payout-accounts/refuse";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_verifies_one_account_and_refuses_another() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    assert!(boss.get(LIST).await.body.contains("没有等待核验的账户。"));
    let (lily, amei) = (bench.signed_in("lily", "zh").await, bench.signed_in("amei", "en").await);
    for (browser, account) in [(&lily, "lily@example.com"), (&amei, "amei@example.com")] {
        let page = browser.get("/promoter/money").await;
        let fields = [("kind", "alipay"), ("account", account), ("holder", "莉莉")];
        let bound = browser.submit(&page, "/promoter/money/account", &fields).await;
        assert_eq!(bound.location(), "/promoter/money?done=bound", "{}", bound.body);
        bench.pass(1_000);
    }
    let page = boss.get(LIST).await;
    assert!(page.body.contains("lily@example.com") && page.body.contains("推广者 阿梅"), "{}", page.body);
    let link = "/operator/payout-accounts/check?payee=promoter%2Flily";
    assert!(page.body.contains(link), "{}", page.body);
    let key = |page: &crate::bench::Page| (page.hidden("payee"), page.hidden("from"));

    let page = boss.get(link).await;
    let (payee, from) = key(&page);
    let verified = boss.submit(&page, VERIFY, &[("payee", &payee), ("from", &from)]).await;
    assert_eq!(verified.location(), "/operator/payout-accounts?done=account_verified", "{}", verified.body);
    assert!(lily.get("/promoter/money").await.body.contains("已核验"));
    assert!(lily.get("/promoter/notices").await.body.contains("收款账户已通过核验"));

    let check = "/operator/payout-accounts/check?payee=promoter%2Famei";
    let page = boss.get(check).await;
    let (payee, from) = key(&page);
    let empty = boss.submit(&page, REFUSE, &[("payee", &payee), ("from", &from), ("reason", "")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", empty.body);
    assert!(
        empty.body.contains("href=\"#f-reason\"") && empty.body.contains("请填写这一项。"),
        "{}",
        empty.body
    );
    let words = [("payee", &*payee), ("from", &*from), ("reason", "户名与支付宝实名不符")];
    let refused = boss.submit(&page, REFUSE, &words).await;
    assert_eq!(refused.location(), "/operator/payout-accounts?done=account_refused", "{}", refused.body);
    let page = amei.get("/promoter/money").await;
    assert!(
        page.body.contains("The account bound last was refused.")
            && page.body.contains("户名与支付宝实名不符"),
        "{}",
        page.body
    );
    assert!(amei.get("/promoter/notices").await.body.contains("Your payout account was refused"));
    let late = boss.submit(&boss.get("/account").await, REFUSE, &words).await;
    assert!(late.body.contains("这位收款人现在没有等待核验的账户。"), "{}", late.body);
    // Once another is bound, what was refused is no news, and the new one is looked at.
    bench.pass(1_000);
    let fields = [("kind", "alipay"), ("account", "mei2@example.com"), ("holder", "阿梅")];
    amei.submit(&amei.get("/promoter/money").await, "/promoter/money/account", &fields).await;
    assert!(!amei.get("/promoter/money").await.body.contains("was refused"));
    let stale = boss.submit(&boss.get(check).await, VERIFY, &[("payee", &payee), ("from", &from)]).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        stale.body.contains("对方刚刚换了账户") && stale.body.contains("mei2@example.com"),
        "{}",
        stale.body
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_verifies_an_account_but_an_operator() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "zh").await;
    let fields = [("kind", "alipay"), ("account", "lily@example.com"), ("holder", "莉莉")];
    lily.submit(&lily.get("/promoter/money").await, "/promoter/money/account", &fields).await;
    let all = bench.ok("GET", "/v1/payout-accounts", Value::Null).await;
    let from = all["items"][0]["from"].to_string();
    for login in ["lily", "amei", "shop", "stars"] {
        let stranger = bench.signed_in(login, "zh").await;
        for page in [LIST, "/operator/payout-accounts/check?payee=promoter%2Flily"] {
            assert_eq!(stranger.get(page).await.status, StatusCode::NOT_FOUND, "{login} {page}");
        }
        let own = stranger.get("/account").await;
        let fields = [("payee", "promoter/lily"), ("from", &*from), ("reason", "no")];
        for path in [VERIFY, REFUSE] {
            let tried = stranger.submit(&own, path, &fields).await;
            assert_eq!(tried.status, StatusCode::NOT_FOUND, "{login} {path}: {}", tried.body);
        }
    }
    assert_eq!(bench.ok("GET", "/v1/payout-accounts", Value::Null).await, all);
    let boss = bench.signed_in("boss", "zh").await;
    let page = boss.get("/account").await;
    let tried = boss.submit(&page, VERIFY, &[("payee", "promoter/lily"), ("from", "soon")]).await;
    assert!(tried.status.is_client_error(), "{}", tried.status);
}
