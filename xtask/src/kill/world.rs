//! The catalogue of the proof: one merchant, one programme, a few promoters and products, and links.

use super::api::Api;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Products and promoters.
const PRODUCTS: u32 = 20;
const PROMOTERS: u32 = 10;
/// Links made in one request.
const BULK: u32 = 5_000;
/// Codes that the load taps at most.
const TAPPED: usize = 20_000;

/// Codes by what they are good for.
pub(crate) struct World {
    /// They work.
    pub(crate) codes: Vec<String>,
    /// Their promotion is cancelled.
    pub(crate) withdrawn: Vec<String>,
}

impl World {
    /// Makes it through the API. A link comes with its QR code's, so half as many are asked for.
    pub(crate) fn make(api: &Api, links: u32) -> Result<Self> {
        api.send("PUT", "/v1/merchants/kill-shop", &json!({ "platform": "kill", "name": "耐用铺子" }))?;
        let programme = json!({ "merchant": "kill-shop", "name": "推客", "preset": "youzan_permanent" });
        api.send("PUT", "/v1/programmes/kill", &programme)?;
        for number in 0..=PRODUCTS {
            let url = format!("https://shop.example.com/item/{number}");
            let product = json!({ "merchant": "kill-shop", "title": format!("商品 {number}"), "url": url });
            api.send("PUT", &format!("/v1/products/{}", product_id(number)), &product)?;
        }
        for number in 0..PROMOTERS {
            let path = format!("/v1/promoters/p{number}");
            api.send("PUT", &path, &json!({ "name": format!("推客 {number}") }))?;
            let placement = json!({ "id": format!("place-{number}"), "programme": "kill" });
            api.send("POST", &format!("{path}/placements"), &placement)?;
        }
        let mut codes = Vec::new();
        let mut left = links.div_ceil(2).max(1);
        while left > 0 {
            let now = left.min(BULK);
            let made = make_links(api, (0..now).map(|n| (n % PROMOTERS, n % PRODUCTS)))?;
            codes.extend(made.into_iter().take(TAPPED.saturating_sub(codes.len())));
            left -= now;
        }
        let withdrawn = make_links(api, (0..20).map(|n| (n % PROMOTERS, PRODUCTS)))?;
        api.send("POST", &format!("/v1/products/{}/cancel-promotion", product_id(PRODUCTS)), &json!({}))?;
        Ok(Self { codes, withdrawn })
    }

    /// A code that works.
    pub(crate) fn sample(&self) -> &str {
        self.codes.first().map_or("", String::as_str)
    }
}

fn product_id(number: u32) -> String {
    format!("kill-{number}")
}

fn make_links(api: &Api, of: impl Iterator<Item = (u32, u32)>) -> Result<Vec<String>> {
    let links: Vec<Value> = of
        .map(|(promoter, product)| {
            // With the badge, which this programme requires: else no tap would earn a token.
            json!({ "placement": format!("place-{promoter}"), "product": product_id(product), "badge": true })
        })
        .collect();
    let made = api.send("POST", "/v1/links/bulk", &json!({ "links": links }))?;
    let made = made["links"].as_array().context("an answer without links")?;
    Ok(made.iter().filter_map(|link| link["code"].as_str().map(str::to_owned)).collect())
}
