//! A picture in the middle of a promoter's codes: refused beside its field, kept, shown, and read again.

use crate::bench::{Bench, Browser, Page};
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

async fn a_link(bench: &Bench) -> String {
    bench.ok("POST", "/v1/promoters/lily/placements", json!({"id": "lily-1", "programme": "fx"})).await;
    let link = bench.ok("POST", "/v1/links", json!({"placement": "lily-1", "product": "cup"})).await;
    let code = link["code"].as_str().unwrap();
    format!("/promoter/links/{code}")
}

pub(crate) fn png(side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(side, side, |x, y| {
        image::Rgb([if (x / 8 + y / 8) % 2 == 0 { 200 } else { 20 }, 40, 90])
    });
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn send(lily: &Browser<'_>, on: &Page, link: &str, look: &[(&str, &str)], file: &[u8]) -> Page {
    lily.upload(on, &format!("{link}/logo"), look, ("picture", file)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_stands_in_the_middle_of_codes_that_are_read_again() {
    let bench = Bench::new().await;
    let link = a_link(&bench).await;
    let lily = bench.signed_in("lily", "zh").await;
    let page = lily.get(&link).await;
    assert!(!page.body.contains("放我的图片"), "there is nothing to choose yet");

    // What is no picture is refused beside the field, and the look that was chosen stays.
    let look = [("size", "600"), ("dark", "#0a3d62")];
    for (file, words) in [(&b""[..], "请选择一张图片。"), (b"GIF89a", "这不是可以读取的 PNG 或 JPEG 图片。")]
    {
        let refused = send(&lily, &page, &link, &look, file).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        for part in ["href=\"#f-picture\"", words, "id=\"e-picture\"", "value=\"#0a3d62\"", "value=\"600\""] {
            assert!(refused.body.contains(part), "{part} is not in {}", refused.body);
        }
    }
    let large = send(&lily, &page, &link, &look, &vec![7; (4 << 20) + (128 << 10)]).await;
    assert_eq!(large.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(large.body.contains("图片太大：最大 4 MiB。"), "{}", large.body);

    let kept = send(&lily, &page, &link, &look, &png(300)).await;
    let shown = format!("{link}?size=600&dark=%230a3d62&logo=mine&done=logo");
    assert_eq!(kept.location(), shown, "{}", kept.body);
    let page = lily.get(&shown).await;
    assert!(page.body.contains("<image ") && page.body.contains("放我的图片"), "{}", page.body);
    let picture = lily.get(&format!("{link}/qr.png?size=600&dark=%230a3d62&logo=mine")).await;
    assert_eq!(picture.headers["content-type"], "image/png");
    assert!(lily.get(&format!("{link}/qr.svg?logo=mine")).await.body.contains("<image "));
    assert!(!lily.get(&format!("{link}/qr.svg")).await.body.contains("<image "), "only where it is wanted");

    // Where it would not scan it is refused beside the field that says so, and the plain code is shown.
    let low = lily.get(&format!("{link}?level=l&logo=mine")).await;
    assert_eq!(low.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(low.body.contains("id=\"e-level\"") && !low.body.contains("<image "), "{}", low.body);
    assert_eq!(lily.get(&format!("{link}/qr.png?level=l&logo=mine")).await.status, StatusCode::BAD_REQUEST);

    let gone = lily.submit(&page, &format!("{link}/logo/remove"), &look).await;
    assert_eq!(gone.location(), format!("{link}?size=600&dark=%230a3d62&done=logo_removed"));
    assert!(!lily.get(&format!("{link}?logo=mine")).await.body.contains("<image "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_comes_from_our_own_page_and_to_ones_own_link() {
    let bench = Bench::new().await;
    let link = a_link(&bench).await;
    let (lily, amei) = (bench.signed_in("lily", "zh").await, bench.signed_in("amei", "zh").await);
    let others = amei.get("/account").await;
    let page = lily.get(&link).await;
    // Another session's proof, and another promoter's link.
    let forged = send(&lily, &others, &link, &[], &png(100)).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{}", forged.body);
    let strange = send(&amei, &others, &link, &[], &png(100)).await;
    assert_eq!(strange.status, StatusCode::NOT_FOUND, "{}", strange.body);
    assert!(page.body.contains("enctype=\"multipart/form-data\""));
    let kept = bench.ask("GET", "/v1/promoters/lily/logo", serde_json::Value::Null).await;
    assert_eq!(kept.status, StatusCode::NOT_FOUND);
}

/// Answers every request with this, whatever it asks for; gives its address.
pub(crate) async fn serve(body: Vec<u8>) -> String {
    serve_counted(body, Arc::default()).await
}

/// As [`serve`], and counts the requests.
pub(crate) async fn serve_counted(body: Vec<u8>, asked: Arc<AtomicUsize>) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4_096]).await;
            asked.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(&[b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &body].concat()).await;
        }
    });
    format!("http://{address}/cup.png")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poster_shows_the_products_picture_if_it_can_be_had() {
    let bench = Bench::beside_receivers().await;
    let link = a_link(&bench).await;
    let lily = bench.signed_in("lily", "zh").await;
    let cup =
        json!({"merchant": "m1", "title": "保温杯", "url": "https://shop.example.com/1", "price_fen": 9_900});
    for (served, shown) in [(Some(png(64)), true), (Some(b"no picture".to_vec()), false), (None, false)] {
        let mut cup = cup.clone();
        cup["image_url"] = match served {
            Some(bytes) => serve(bytes).await.into(),
            None => "http://127.0.0.1:1/nobody.png".into(),
        };
        bench.ok("PUT", "/v1/products/cup", cup).await;
        let poster = lily.get(&format!("{link}/poster.svg")).await;
        assert_eq!(poster.status, StatusCode::OK, "{}", poster.body);
        assert!(poster.body.contains("保温杯") && poster.body.contains("¥99.00"), "{}", poster.body);
        assert_eq!(poster.body.contains("data:image/jpeg"), shown, "{}", poster.body);
        assert_eq!(
            poster.body.matches("山里茶行").count(),
            if shown { 1 } else { 2 },
            "in place of a picture"
        );
    }
}
