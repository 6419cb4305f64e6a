//! Signing in, out and up; passwords; how long sessions count.

use crate::bench::{ADMIN, Bench, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_in_comes_back_to_the_page_they_wanted() {
    let bench = Bench::new().await;
    let browser = bench.browser("en");
    let page = browser.get("/promoter/overview?x=1").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let door = browser.get(page.location()).await;
    assert!(door.body.contains("name=\"back\" value=\"/promoter/overview?x=1\""), "{}", door.body);
    let fields = [("login", " LILY "), ("password", PASSWORD), ("back", "/promoter/overview?x=1")];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!(page.location(), "/promoter/overview?x=1");
    let cookie = page.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("; Path=/;"), "{cookie}");
    assert_eq!(browser.get("/promoter/overview").await.status, StatusCode::OK);
    assert_eq!(browser.get("/").await.location(), "/promoter/overview");
    assert_eq!(browser.get("/sign-in").await.location(), "/promoter/overview");

    let page = browser.get("/account").await;
    browser.submit(&page, "/sign-out", &[]).await;
    assert_eq!(browser.get("/promoter/overview").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_name_look_alike() {
    let bench = Bench::new().await;
    let browser = bench.browser("zh");
    let wrong = browser.sign_in("lily", "wrong horse").await;
    let unknown = browser.sign_in("nobody", "wrong horse").await;
    assert_eq!(
        (wrong.status, unknown.status),
        (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY)
    );
    assert!(wrong.body.contains("账号或密码不正确。"), "{}", wrong.body);
    assert_eq!(wrong.body.replace("lily", "nobody"), unknown.body);
    // What they typed is kept, the password is not.
    assert!(wrong.body.contains("value=\"lily\"") && !wrong.body.contains("wrong horse"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_attempts_have_to_wait_whoever_they_are_for() {
    let bench = Bench::new().await;
    let browser = bench.browser("en");
    for login in ["lily", "nobody"] {
        for _ in 0..10 {
            assert_eq!(browser.sign_in(login, "x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let page = browser.sign_in(login, PASSWORD).await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{login}");
        let wait: i64 = page.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=900).contains(&wait), "{wait}");
    }
    // Others are not kept out, and the window ends.
    assert_eq!(browser.sign_in("amei", PASSWORD).await.status, StatusCode::SEE_OTHER);
    bench.pass(900_000);
    assert_eq!(browser.sign_in("lily", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_slide_and_end() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "en").await;
    for _ in 0..4 {
        bench.pass(6 * DAY_MS);
        assert_eq!(lily.get("/promoter/overview").await.status, StatusCode::OK);
    }
    // Thirty days after the beginning it ends in any case.
    bench.pass(6 * DAY_MS);
    assert_eq!(lily.get("/promoter/overview").await.status, StatusCode::SEE_OTHER);
    let amei = bench.signed_in("amei", "en").await;
    bench.pass(7 * DAY_MS);
    assert_eq!(amei.get("/promoter/overview").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_ends_the_other_sessions() {
    let bench = Bench::new().await;
    let (here, there) = (bench.signed_in("lily", "en").await, bench.signed_in("lily", "en").await);
    let page = here.get("/account").await;
    for (fields, words) in [
        ([("current", "wrong"), ("password", "a new password")], "This is not your present password."),
        ([("current", PASSWORD), ("password", "short")], "This must have at least 8 characters."),
    ] {
        let refused = here.submit(&page, "/account/password", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains(words), "{}", refused.body);
    }
    let fields = [("current", PASSWORD), ("password", "a new password")];
    let changed = here.submit(&page, "/account/password", &fields).await;
    assert_eq!(changed.location(), "/account?done=password");
    assert!(here.get("/account?done=password").await.body.contains("The password was changed"));
    assert_eq!(there.get("/account").await.status, StatusCode::SEE_OTHER);
    let browser = bench.browser("en");
    assert_eq!(browser.sign_in("lily", PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(browser.sign_in("lily", "a new password").await.status, StatusCode::SEE_OTHER);

    // Everywhere means here too.
    let page = browser.get("/account").await;
    browser.submit(&page, "/sign-out-everywhere", &[]).await;
    assert_eq!(here.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_reset_and_disable() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "en").await;
    bench.ok("PUT", "/v1/accounts/lily/password", json!({"password": "given by hand"})).await;
    assert_eq!(lily.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(lily.sign_in("lily", "given by hand").await.status, StatusCode::SEE_OTHER);
    bench.ok("POST", "/v1/accounts/lily/disable", json!({})).await;
    assert_eq!(lily.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(lily.sign_in("lily", "given by hand").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    bench.ok("POST", "/v1/accounts/lily/enable", json!({})).await;
    assert_eq!(lily.sign_in("lily", "given by hand").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_signs_in_until_it_is_revoked() {
    let bench = Bench::new().await;
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": "promoter", "subject": "lily"})).await;
    let browser = bench.browser("en");
    let page = browser.post("/sign-in", &[("token", "nonsense")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let token = issued["token"].as_str().unwrap();
    assert_eq!(browser.post("/sign-in", &[("token", token)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/promoter/overview").await.status, StatusCode::OK);
    let admin = bench.browser("en");
    assert_eq!(admin.post("/sign-in", &[("token", ADMIN)]).await.location(), "/operator/edges");
    // The core starts again with another token: the old one's session ends with it.
    bench.core.admit_administrators(Vec::new()).await.unwrap();
    assert_eq!(admin.get("/account").await.status, StatusCode::OK, "this one is not a first administrator's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promoters_sign_up_where_it_is_open() {
    let bench = Bench::new().await;
    let browser = bench.browser("zh");
    assert!(browser.get("/sign-up").await.body.contains("暂不开放"));
    let fields = [("name", "小满"), ("login", "13800138000"), ("password", "a good password")];
    assert_ne!(browser.post("/sign-up", &fields).await.status, StatusCode::SEE_OTHER);

    bench.ok("PUT", "/v1/settings/sign-up", json!({"open": true})).await;
    assert!(browser.get("/sign-in").await.body.contains("/sign-up"));
    let taken = json!({"login": "13800000000", "password": PASSWORD, "role": "promoter", "subject": "lily"});
    bench.ok("POST", "/v1/accounts", taken).await;
    for (wrong, field, words) in [
        ([("name", ""), ("login", "13800138000"), ("password", "a good password")], "name", "请填写这一项。"),
        ([("name", "小满"), ("login", "小满"), ("password", "a good password")], "login", "请填写手机号"),
        (
            [("name", "小满"), ("login", "+86 138 0000-0000"), ("password", "a good password")],
            "login",
            "已经注册过了",
        ),
        ([("name", "小满"), ("login", "13800138000"), ("password", "12345678")], "password", "太常见"),
    ] {
        let page = browser.post("/sign-up", &wrong).await;
        assert!(page.status.is_client_error(), "{}", page.status);
        assert!(
            page.body.contains(&format!("href=\"#f-{field}\"")) && page.body.contains(words),
            "{}",
            page.body
        );
        if field != "name" {
            assert!(page.body.contains("value=\"小满\""), "what was typed is kept");
        }
    }
    let empty = browser.post("/sign-up", &[("name", ""), ("login", ""), ("password", "")]).await;
    for field in ["name", "login", "password"] {
        assert!(empty.body.contains(&format!("href=\"#f-{field}\"")), "{field}: {}", empty.body);
    }
    let fields = [("name", "小满"), ("login", "138 0013 8000"), ("password", "a good password")];
    let page = browser.post("/sign-up", &fields).await;
    assert_eq!(page.location(), "/promoter/overview", "{}", page.body);
    assert!(browser.get("/promoter/overview").await.body.contains("13800138000"));
    let accounts = bench.ok("GET", "/v1/accounts", Value::Null).await;
    let account = accounts["items"].as_array().unwrap().iter().find(|a| a["login"] == "13800138000").unwrap();
    assert_eq!(account["role"], "promoter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_signed_in_sends_small_forms_only() {
    let bench = Bench::new().await;
    let browser = bench.browser("en");
    let long = "x".repeat(20_000);
    for (path, field) in [("/sign-in", "password"), ("/sign-up", "name"), ("/language", "back")] {
        let page = browser.post(path, &[(field, long.as_str())]).await;
        assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}
