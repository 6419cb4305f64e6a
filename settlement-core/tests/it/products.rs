//! Products: withdrawn, saved together, and found.

use crate::catalogue::shop;
use crate::feed::{changes, head};
use crate::on_both;
use crate::support::Bench;
use serde_json::{Value, json};

on_both!(withdrawals_are_dated_and_repeatable, async |bench: &Bench| {
    shop(bench).await;
    let periods = async || {
        let sql = "SELECT what, from_ms, to_ms FROM periods ORDER BY what, from_ms";
        let rows = bench.core.store().read(move |tx| tx.query(sql, &[])).await.unwrap();
        rows.iter()
            .map(|r| (r.text(0).unwrap().to_owned(), r.int(1).unwrap(), r.opt_int(2).unwrap()))
            .collect::<Vec<_>>()
    };
    let cancel = |at: i64| bench.ok("POST", "/v1/products/sku1/cancel-promotion", json!({"at": at}));
    assert_eq!(cancel(1_000).await["cancelled_from"], 1_000);
    let before = head(bench).await;
    // It holds already: said again, or from a later time, nothing changes.
    assert_eq!(cancel(1_000).await["cancelled_from"], 1_000);
    assert_eq!(cancel(2_000).await["cancelled_from"], 1_000);
    assert_eq!(head(bench).await, before, "no number for no change");
    // It turns out to have begun earlier.
    assert_eq!(cancel(500).await["cancelled_from"], 500);
    assert_eq!(periods().await, [("cancelled".to_owned(), 500, None)]);
    let product = bench.ok("POST", "/v1/products/sku1/promote", json!({"at": 3_000})).await;
    assert!(product.get("cancelled_from").is_none() && product["invalid"] == false, "{product}");
    cancel(4_000).await;
    bench.ok("POST", "/v1/products/sku1/delist", json!({"at": 5_000})).await;
    bench.ok("POST", "/v1/products/sku1/relist", json!({"at": 5_000})).await;
    let expected = [("cancelled".to_owned(), 500, Some(3_000)), ("cancelled".to_owned(), 4_000, None)];
    assert_eq!(periods().await, expected);

    bench.ok("POST", "/v1/promoters/lily/disable", json!({"at": 6_000})).await;
    bench.ok("POST", "/v1/promoters/lily/enable", json!({"at": 7_000})).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 8_000})).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 7_500})).await;
    let rest = periods().await;
    assert!(rest.contains(&("disabled".to_owned(), 6_000, Some(7_000))), "{rest:?}");
    assert!(rest.contains(&("banned".to_owned(), 7_500, None)) && rest.len() == 4, "{rest:?}");
});

on_both!(many_products_are_saved_together_or_not_at_all, async |bench: &Bench| {
    shop(bench).await;
    let tea =
        |id: &str| json!({"id": id, "merchant": "m1", "title": "茶", "url": "https://shop.example.cn/t"});
    let with = |id: &str, field: &str, value: Value| {
        let mut product = tea(id);
        product[field] = value;
        product
    };
    let before = head(bench).await;
    let good = json!({"products": [tea("sku1"), with("b1", "category", json!("pot")), tea("b2")]});
    let could = bench.ok("PUT", "/v1/products?check=true", good.clone()).await;
    assert_eq!((could, head(bench).await), (json!({"made": 2, "changed": 1}), before), "nothing is saved");
    let saved = bench.ok("PUT", "/v1/products", good.clone()).await;
    assert_eq!(saved, json!({"made": 2, "changed": 1}));
    assert_eq!(changes(bench, before).await.len(), 3, "edges hear of each");
    assert_eq!(bench.ok("GET", "/v1/products/b1", Value::Null).await["category"], "pot");
    assert_eq!(bench.ok("PUT", "/v1/products", good).await, json!({"made": 0, "changed": 3}));

    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "别家"})).await;
    let before = head(bench).await;
    let wrong = json!({"products": [
        tea("c1"), with("c2", "title", json!(" ")), with("c3", "url", json!("https://elsewhere.example.com/")),
        with("c4", "price_fen", json!("dear")), with("c5", "colour", json!("red")), tea("c 6"), tea("c1"),
        with("c7", "merchant", json!("mx")), with("sku1", "merchant", json!("m2")),
        with("c8", "image_url", json!("data:,x")), with("c9", "price_fen", json!(-1)), 7,
    ]});
    for path in ["/v1/products?check=true", "/v1/products"] {
        let answer = bench.problem("PUT", path, wrong.clone(), 422, "invalid_products").await;
        let of =
            |error: &Value| (error["index"].as_i64().unwrap(), error["field"].as_str().map(str::to_owned));
        let errors: Vec<_> = answer["errors"].as_array().unwrap().iter().map(of).collect();
        let expected = [
            (1, Some("title")),
            (2, Some("url")),
            (3, Some("price_fen")),
            (4, Some("colour")),
            (5, Some("id")),
            (6, Some("id")),
            (7, Some("merchant")),
            (8, None),
            (9, Some("image_url")),
            (10, Some("price_fen")),
            (11, Some("id")),
        ];
        assert_eq!(errors, expected.map(|(index, field)| (index, field.map(str::to_owned))), "{answer}");
        assert_eq!(answer["errors"][6]["code"], "not_found");
        // Lines and columns would be those of an entry, which nobody has counted.
        assert!(!answer.to_string().contains(" at line "), "{answer}");
    }
    assert_eq!(head(bench).await, before);
    bench.problem("GET", "/v1/products/c1", Value::Null, 404, "not_found").await;

    // Whoever may not is told nothing else, and nothing of theirs is saved.
    let token = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m1"})).await;
    let others = json!({"products": [tea("d1"), with("d2", "merchant", json!("m2")), {}]});
    let (status, answer) =
        bench.call_as(token["token"].as_str().unwrap(), "PUT", "/v1/products", others).await;
    assert_eq!((status.as_u16(), &answer["index"]), (403, &json!(1)), "{answer}");
    assert_eq!(head(bench).await, before);
    for count in [0, 10_001] {
        let list = json!({"products": vec![json!({}); count]});
        let answer = bench.problem("PUT", "/v1/products", list, 422, "invalid").await;
        assert_eq!(answer["field"], "products");
    }
});

on_both!(products_are_found_by_their_names, async |bench: &Bench| {
    shop(bench).await;
    for n in 0..5 {
        let product = json!({"merchant": "m1", "title": format!("Oolong 100%_{n}"), "price_fen": 100,
                             "url": format!("https://shop.example.cn/o/{n}")});
        bench.ok("PUT", &format!("/v1/products/o{n}"), product).await;
    }
    let ids = async |query: &str| {
        let page = bench.ok("GET", &format!("/v1/products?{query}"), Value::Null).await;
        let ids = page["items"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), page["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(ids("q=%E9%BE%99%E4%BA%95").await.0, ["sku1"]);
    assert_eq!(ids("q=oolong&limit=500").await.0.len(), 5);
    assert_eq!(ids("q=100%25_3").await.0, ["o3"], "% and _ are themselves");
    assert_eq!(ids("category=tea").await.0, ["sku1"]);
    assert_eq!(ids("shop=%E8%8C%B6%E8%A1%8C&merchant=m1&limit=500").await.0.len(), 6);
    let (first, next) = ids("q=oolong&limit=3").await;
    let (second, end) = ids(&format!("q=oolong&limit=3&cursor={}", next.unwrap())).await;
    assert_eq!((first.len(), second, end), (3, vec!["o3".to_owned(), "o4".to_owned()], None));
    bench.problem("GET", "/v1/products?limit=0", Value::Null, 400, "invalid_query").await;
    bench.problem("GET", "/v1/products?colour=red", Value::Null, 400, "invalid_query").await;
    bench.problem("GET", "/v1/products?cursor=%21", Value::Null, 400, "invalid_cursor").await;
});
