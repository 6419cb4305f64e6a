//! From a product to a QR code, and the other forms of a promoter: what they do, and what they keep when refused.

use crate::bench::Bench;
use http::StatusCode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_qr_code_is_three_steps_from_signing_in() {
    let bench = Bench::new().await;
    bench.ok("POST", "/v1/rates", json!({"programme": "fx", "rates": [{"bp": 1_250}]})).await;
    bench.core.refresh_library(bench.core.now()).await.unwrap();
    let lily = bench.signed_in("lily", "zh").await;
    let library = lily.get("/promoter/products?q=保温杯").await;
    for part in ["316不锈钢保温杯", "山里茶行", "¥99.00", "12.5%"] {
        assert!(library.body.contains(part), "{part}: {}", library.body);
    }
    let made = lily.submit(&library, "/promoter/products/cup/promote", &[]).await;
    let link = made.location().to_owned();
    assert!(link.starts_with("/promoter/links/"), "{}", made.body);
    let page = lily.get(&link).await;
    assert!(page.body.contains("<svg") && page.body.contains("https://go.example.com/"), "{}", page.body);
    let png = lily.get(&format!("{link}/qr.png")).await;
    assert_eq!(png.headers["content-type"], "image/png");
    assert!(png.headers["content-disposition"].to_str().unwrap().starts_with("attachment;"));
    let svg = lily.get(&format!("{link}/qr.svg")).await;
    assert!(svg.body.starts_with("<svg"), "{}", svg.body);

    // Asking again gets the same link; others do not see it.
    let again = lily.submit(&library, "/promoter/products/cup/promote", &[]).await;
    assert_eq!(again.location(), link);
    let amei = bench.signed_in("amei", "zh").await;
    for path in [link.clone(), format!("{link}/qr.png")] {
        assert_eq!(amei.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(lily.get("/promoter/links").await.body.contains("316不锈钢保温杯"));

    // Another product of the same page has a link of its own.
    let product =
        json!({"merchant": "m1", "title": "竹茶盘", "url": "https://shop.example.com/2", "price_fen": 5_900});
    bench.ok("PUT", "/v1/products/tray", product).await;
    let other = lily.submit(&library, "/promoter/products/tray/promote", &[]).await;
    assert!(other.location().starts_with("/promoter/links/"), "{} {}", other.status, other.body);
    assert_ne!(other.location(), link);

    // Once the merchant cancels, the link is dead and says why.
    bench.ok("POST", "/v1/products/cup/cancel-promotion", json!({})).await;
    let links = lily.get("/promoter/links").await;
    assert!(links.body.contains("失效") && links.body.contains("商家已取消推广"), "{}", links.body);
    let refused = lily.submit(&library, "/promoter/products/cup/promote", &[]).await;
    assert!(refused.location().starts_with("/promoter/products?done="), "{}", refused.location());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_are_selected_and_removed() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "en").await;
    let library = lily.get("/promoter/products").await;
    let back = [("back", "/promoter/products")];
    let done = lily.submit(&library, "/promoter/products/cup/select", &back).await;
    assert_eq!(done.location(), "/promoter/products?done=selected");
    let selection = lily.get("/promoter/selection").await;
    assert!(selection.body.contains("316不锈钢保温杯"));
    lily.submit(&selection, "/promoter/products/cup/unselect", &back).await;
    assert!(!lily.get("/promoter/selection").await.body.contains("316不锈钢保温杯"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_forms_keep_what_was_typed() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "zh").await;
    let page = lily.get("/promoter/placements").await;
    let refused = lily.submit(&page, "/promoter/placements", &[("name", " "), ("programme", "fx")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(
        refused.body.contains("href=\"#f-name\"") && refused.body.contains("请填写这一项。"),
        "{}",
        refused.body
    );
    let made = lily.submit(&page, "/promoter/placements", &[("name", "茶友群"), ("programme", "fx")]).await;
    assert_eq!(made.location(), "/promoter/placements?done=placement");
    let page = lily.get("/promoter/placements?done=placement").await;
    assert!(page.body.contains("茶友群") && page.body.contains("推广位已建立。"));

    // Many links: all or none, and each reason.
    let placements = bench.ok("GET", "/v1/promoters/lily/placements", Value::Null).await;
    let placement = placements["items"][0]["id"].as_str().unwrap();
    let page = lily.get("/promoter/links/many").await;
    let fields = [("placement", placement), ("products", "cup\nnothing")];
    let refused = lily.submit(&page, "/promoter/links/many", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("nothing：没有这个商品") && refused.body.contains("cup\nnothing"),
        "{}",
        refused.body
    );
    let fields = [("placement", placement), ("products", "cup")];
    let file = lily.submit(&page, "/promoter/links/many", &fields).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(file.body.lines().count(), 2, "{}", file.body);

    // An account with an empty holder is refused beside the field; the number stays.
    let page = lily.get("/promoter/money").await;
    let fields = [("kind", "alipay"), ("account", "lily@example.com"), ("holder", "")];
    let refused = lily.submit(&page, "/promoter/money/account", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("href=\"#f-holder\"") && refused.body.contains("value=\"lily@example.com\"")
    );
    let fields = [("kind", "alipay"), ("account", "lily@example.com"), ("holder", "莉莉")];
    let bound = lily.submit(&page, "/promoter/money/account", &fields).await;
    assert_eq!(bound.location(), "/promoter/money?done=bound");
    let page = lily.get("/promoter/money").await;
    assert!(page.body.contains("莉莉"), "{}", page.body);
}
