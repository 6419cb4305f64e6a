//! Products' pictures in lists: ours to give, small, asked for once, and never a way to somewhere else.

use crate::bench::Bench;
use crate::logo::{png, serve, serve_counted};
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const CUP: &str = "/products/cup/picture";

async fn shown_at(bench: &Bench, url: &str) {
    let cup: Value = json!({"merchant": "m1", "title": "保温杯", "url": "https://shop.example.com/1",
        "price_fen": 9_900, "image_url": url});
    bench.ok("PUT", "/v1/products/cup", cup).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_library_shows_small_pictures_that_shops_are_asked_for_once() {
    let bench = Bench::beside_receivers().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let (lily, shop) = (bench.signed_in("lily", "zh").await, bench.signed_in("shop", "zh").await);
    let library = async || lily.get("/promoter/products").await.body;
    assert!(!library().await.contains("<img src=\"/products/"), "a product without one");
    shown_at(&bench, &serve_counted(png(900), asked.clone()).await).await;
    let page = library().await;
    assert!(
        page.contains("<img src=\"/products/cup/picture\" alt=\"\"") && page.contains("loading=\"lazy\""),
        "{page}"
    );
    assert!(!page.contains("http://127.0.0.1"), "only the core knows where it is");
    for who in [&lily, &lily, &shop] {
        let picture = who.get(CUP).await;
        assert_eq!(picture.status, StatusCode::OK, "{}", picture.body);
        assert_eq!(picture.headers["content-type"], "image/jpeg");
        assert_eq!(picture.headers["cache-control"], "private, max-age=3600");
        assert!(picture.body.len() < 20_000, "{}", picture.body.len());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    bench.pass(3_600_000);
    assert_eq!(lily.get(CUP).await.status, StatusCode::OK);
    assert_eq!(asked.load(Ordering::SeqCst), 2, "after an hour it may be another one");
    // Nobody else's business.
    assert_eq!(bench.browser("zh").get(CUP).await.status, StatusCode::SEE_OTHER);
    assert_eq!(lily.get("/products/nothing/picture").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_picture_or_not_public_is_none() {
    let bench = Bench::beside_receivers().await;
    let lily = bench.signed_in("lily", "zh").await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
    for url in [serve(svg).await, serve(b"GIF89a".to_vec()).await, "http://127.0.0.1:1/nobody.png".to_owned()]
    {
        shown_at(&bench, &url).await;
        let none = lily.get(CUP).await;
        assert_eq!((none.status, none.body.contains("svg")), (StatusCode::NOT_FOUND, false), "{url}");
        assert_eq!(none.headers["cache-control"], "private, max-age=300", "not asked for at every view");
    }
    // Its merchant is told.
    let shop = bench.signed_in("shop", "zh").await;
    assert!(shop.get("/merchant/products/cup").await.body.contains("商品图片无法显示"));
    // A core for the open internet: an address that only this machine reaches is not even kept as a product's.
    let open = Bench::new().await;
    let url = serve(png(64)).await;
    let cup =
        json!({"merchant": "m1", "title": "保温杯", "url": "https://shop.example.com/1", "image_url": url});
    let refused = open.ask("PUT", "/v1/products/cup", cup).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    // A name that leads here is: then nobody is connected to.
    let asked = Arc::new(AtomicUsize::new(0));
    let url = serve_counted(png(64), asked.clone()).await.replace("127.0.0.1", "localhost.");
    let cup =
        json!({"merchant": "m1", "title": "保温杯", "url": "https://shop.example.com/1", "image_url": url});
    if open.ask("PUT", "/v1/products/cup", cup).await.status.is_success() {
        assert_eq!(open.signed_in("lily", "zh").await.get(CUP).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
