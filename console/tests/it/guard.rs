//! What holds for every page: headers, cookies, and no form from another site.

use crate::bench::{Bench, PASSWORD};
use axum::body::Body;
use http::{Request, StatusCode};
use yinke_console::ConsoleConfig;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_of_other_sites_change_nothing() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "en").await;
    let page = lily.get("/account").await;
    let token = page.hidden("_token");
    let fields = [("_token", token.as_str())];
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site"), ("origin", "http://console.test")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[],
    ] {
        let page = lily.post_with("/sign-out-everywhere", headers, &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    // From our own page, but of another session or of none.
    let amei = bench.signed_in("amei", "en").await.get("/account").await.hidden("_token");
    for token in ["", "x", amei.as_str()] {
        let page = lily.post("/sign-out-everywhere", &[("_token", token)]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{token}");
        assert!(page.body.contains("Nothing was changed"));
    }
    assert_eq!(lily.get("/account").await.status, StatusCode::OK);
    // An older browser that tells the origin alone.
    let page = lily.post_with("/sign-out-everywhere", &[("origin", "http://console.test")], &fields).await;
    assert_eq!(page.location(), "/sign-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_signed_in_from_another_site() {
    let bench = Bench::new().await;
    let browser = bench.browser("en");
    let fields = [("login", "lily"), ("password", PASSWORD)];
    let page = browser.post_with("/sign-in", &[("sec-fetch-site", "cross-site")], &fields).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_https_cookies_are_kept_to_the_host() {
    let url = Some("https://console.example/".parse().unwrap());
    let bench = Bench::new().await.with(ConsoleConfig { url });
    let browser = bench.browser("en");
    let fields = [("login", "lily"), ("password", PASSWORD)];
    let page = browser.post_with("/sign-in", &[("origin", "http://console.test")], &fields).await;
    assert_eq!(
        page.status,
        StatusCode::FORBIDDEN,
        "the configured address counts, not the Host that was sent"
    );
    let page = browser.post_with("/sign-in", &[("origin", "https://console.example")], &fields).await;
    let cookie = page.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-yk_session=") && cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(browser.get("/promoter/overview").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_load_nothing_from_elsewhere_and_files_are_kept() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "en").await;
    let page = lily.get("/promoter/overview").await;
    let csp = page.headers["content-security-policy"].to_str().unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(csp.contains(part), "{csp}");
    }
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert_eq!(page.headers["cache-control"], "private, no-store");
    let mut wire = page.body.len();
    let files: Vec<&str> = page.body.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let request = Request::get(file).header("accept-encoding", "br, gzip").body(Body::empty()).unwrap();
        let answer = bench.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(answer.headers["content-encoding"], "gzip");
        wire += answer.headers["content-length"].to_str().unwrap().parse::<usize>().unwrap();
    }
    assert!(wire < 100_000, "the first page takes {wire} bytes");
    let gone = Request::get("/assets/000000000000/console.css").body(Body::empty()).unwrap();
    assert_eq!(bench.send(gone).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_lost_their_way_keeps_the_menu() {
    let bench = Bench::new().await;
    let page = bench.signed_in("shop", "zh").await.get("/merchant/nothing").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(
        page.body.contains("href=\"/merchant/products\"") && page.body.contains(">shop<"),
        "{}",
        page.body
    );
    let page = bench.browser("zh").get("/merchant/nothing").await;
    assert!(!page.body.contains("href=\"/merchant/products\""), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_a_form_too_late_reads_that_it_is_lost() {
    let bench = Bench::new().await;
    let gone = bench.browser("zh");
    let late = gone.post("/merchant/tokens", &[("label", "ERP")]).await;
    assert!(
        late.location().starts_with("/sign-in?") && late.location().ends_with("&lost=yes"),
        "{}",
        late.location()
    );
    assert!(gone.get(late.location()).await.body.contains("刚才提交的内容没有保存"));
    let asked = gone.get("/merchant/tokens").await;
    assert!(!gone.get(asked.location()).await.body.contains("没有保存"));
}
