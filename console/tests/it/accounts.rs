//! Accounts as operators see them: made, found, given another password, switched off and on.

use crate::bench::{Bench, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_makes_resets_and_disables_an_account() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    let page = boss.get("/operator/accounts").await;
    assert!(page.body.contains("lily") && !page.body.contains("value=\"operator\""), "{}", page.body);
    let to = "/operator/accounts";
    for (login, password, subject, field, words) in [
        ("x", PASSWORD, "amei", "login", "需要 3 到 64 个字符。"),
        ("mei two", PASSWORD, "amei", "login", "只能使用字母"),
        ("LILY", PASSWORD, "amei", "login", "已经注册过了"),
        ("mei2", "short", "amei", "password", "至少需要 8 个字符。"),
        ("mei2", PASSWORD, "", "subject", "这个身份需要填写所属编号。"),
        ("mei2", PASSWORD, "nobody", "subject", "没有这个推广者：nobody。"),
    ] {
        let fields = [("login", login), ("password", password), ("role", "promoter"), ("subject", subject)];
        let refused = boss.submit(&page, to, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{login}: {}", refused.body);
        assert!(
            refused.body.contains(&format!("href=\"#f-{field}\"")) && refused.body.contains(words),
            "{login} {subject}: {}",
            refused.body
        );
        assert!(refused.body.contains(&format!("value=\"{login}\"")), "{login} is kept");
        assert!(!refused.body.contains(PASSWORD), "the password is not");
    }
    let fields = [("login", "Mei@2"), ("password", PASSWORD), ("role", "promoter"), ("subject", "amei")];
    let made = boss.submit(&page, to, &fields).await;
    assert_eq!(made.location(), "/operator/accounts/mei%402?done=account", "{}", made.body);
    let mei = bench.signed_in("mei@2", "zh").await;

    assert!(boss.get("/operator/accounts?q=ei%402").await.body.contains("/operator/accounts/mei%402"));
    assert!(boss.get("/operator/accounts?q=nothing").await.body.contains("没有这样的账号。"));
    let here = "/operator/accounts/mei%402";
    let page = boss.get(here).await;
    let weak = boss.submit(&page, &format!("{here}/password"), &[("password", "12345678")]).await;
    assert!(weak.body.contains("href=\"#f-password\"") && weak.body.contains("太常见"), "{}", weak.body);
    let reset = boss.submit(&page, &format!("{here}/password"), &[("password", "another good one")]).await;
    assert_eq!(reset.location(), format!("{here}?done=reset"), "{}", reset.body);
    assert_eq!(mei.get("/promoter/overview").await.status, StatusCode::SEE_OTHER, "the session has ended");
    assert_eq!(mei.sign_in("mei@2", "another good one").await.status, StatusCode::SEE_OTHER);

    let off = boss.submit(&page, &format!("{here}/disable"), &[]).await;
    assert_eq!(off.location(), format!("{here}?done=account_disabled"), "{}", off.body);
    assert_eq!(mei.sign_in("mei@2", "another good one").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = boss.get(here).await;
    let on = boss.submit(&page, &format!("{here}/enable"), &[]).await;
    assert_eq!(on.location(), format!("{here}?done=enabled"), "{}", on.body);
    assert_eq!(mei.sign_in("mei@2", "another good one").await.status, StatusCode::SEE_OTHER);
    assert_eq!(boss.submit(&page, &format!("{here}/erase"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_accounts_are_an_admins_alone() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "en").await;
    let page = boss.get("/operator/accounts/boss").await;
    assert!(page.body.contains("Only an admin") && !page.body.contains("f-password"), "{}", page.body);
    let page = boss.get("/operator/accounts").await;
    let fields = [("login", "chief"), ("password", PASSWORD), ("role", "operator")];
    let refused = boss.submit(&page, "/operator/accounts", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("value=\"chief\""), "what was typed stays: {}", refused.body);
    let fields = [("password", "another good one")];
    let tried = boss.submit(&page, "/operator/accounts/boss/password", &fields).await;
    assert!(tried.status.is_client_error(), "{}", tried.status);
    bench.ok("POST", "/v1/accounts", json!({"login": "root", "password": PASSWORD, "role": "admin"})).await;
    let root = bench.signed_in("root", "en").await;
    let page = root.get("/operator/accounts").await;
    let fields = [("login", "chief"), ("password", PASSWORD), ("role", "operator")];
    let made = root.submit(&page, "/operator/accounts", &fields).await;
    assert_eq!(made.location(), "/operator/accounts/chief?done=account", "{}", made.body);
    bench.signed_in("chief", "en").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_up_is_opened_and_closed() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    for (wanted, open) in [("yes", true), ("no", false)] {
        let page = boss.get("/operator/accounts").await;
        assert!(page.body.contains(&format!("name=\"open\" value=\"{wanted}\"")), "{}", page.body);
        let set = boss.submit(&page, "/operator/sign-up", &[("open", wanted)]).await;
        assert_eq!(set.location(), "/operator/accounts?done=saved", "{}", set.body);
        assert_eq!(bench.ok("GET", "/v1/settings/sign-up", Value::Null).await["open"], open);
    }
}
