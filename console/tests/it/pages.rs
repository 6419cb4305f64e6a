//! Every page in both languages, and as everybody who must not see it.

use crate::bench::Bench;
use http::StatusCode;

/// Pages of promoters.
const PROMOTER: [&str; 11] = [
    "/promoter/overview",
    "/promoter/products",
    "/promoter/selection",
    "/promoter/links",
    "/promoter/links/many",
    "/promoter/placements",
    "/promoter/orders",
    "/promoter/reports",
    "/promoter/statements",
    "/promoter/money",
    "/promoter/notices",
];

/// What a template must not leave behind, and what no page has: inline scripts and styles, which the policy forbids.
fn check(path: &str, body: &str) {
    for wrong in ["{{", "{%", " style=", "<style", "<script>", "onclick=", "javascript:"] {
        assert!(!body.contains(wrong), "{path} has {wrong}");
    }
    // A hole of a text that was not filled in.
    for hole in body.split('{').skip(1) {
        let name: &str = hole.split('}').next().unwrap();
        let named = !name.is_empty() && name.len() < 20 && name.chars().all(|c| c.is_ascii_lowercase());
        assert!(!named, "{path} has {{{name}}}");
    }
    for part in ["<main id=\"main\"", "<h1>", "class=\"skip\"", "<title>"] {
        assert!(body.contains(part), "{path} lacks {part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_a_promoter_is_whole_in_both_languages() {
    let bench = Bench::new().await;
    for (language, tag) in [("zh", "lang=\"zh-CN\""), ("en", "lang=\"en\"")] {
        let lily = bench.signed_in("lily", language).await;
        for path in PROMOTER.iter().chain(&["/account"]) {
            let page = lily.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
            assert!(page.body.contains(&format!("<html {tag}")), "{path}");
            check(path, &page.body);
        }
        let nobody = bench.browser(language);
        for path in ["/sign-in", "/sign-up"] {
            check(path, &nobody.get(path).await.body);
        }
        let missing = lily.get("/nowhere").await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
        check("/nowhere", &missing.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_the_pages_of_another_role() {
    let bench = Bench::new().await;
    for login in ["shop", "stars", "boss"] {
        let other = bench.signed_in(login, "en").await;
        assert_eq!(other.get("/account").await.status, StatusCode::OK);
        for path in PROMOTER {
            assert_eq!(other.get(path).await.status, StatusCode::NOT_FOUND, "{login} {path}");
        }
    }
    let nobody = bench.browser("en");
    for path in PROMOTER {
        assert_eq!(nobody.get(path).await.status, StatusCode::SEE_OTHER, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_language_is_chosen_and_kept() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "zh").await;
    let page = lily.post("/language", &[("lang", "en"), ("back", "/promoter/overview")]).await;
    assert_eq!(page.location(), "/promoter/overview");
    assert!(lily.get("/promoter/overview").await.body.contains("<h1>Overview</h1>"));
    let page = lily.post("/language", &[("lang", "zh"), ("back", "//evil.example")]).await;
    assert_eq!(page.location(), "/");
    assert!(lily.get("/promoter/overview").await.body.contains("<h1>推广概况</h1>"));
}
