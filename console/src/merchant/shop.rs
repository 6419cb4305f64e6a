//! The shop itself: its name and page, the hosts its products lead to, and the page between a tap and its own pages for
//! browsers that need one.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::sheet::{FormPart, Part, Sheet};
use crate::show::day;
use crate::state::Console;
use crate::texts::Texts;
use crate::who::Merchant;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

const SHOP: &str = "/merchant/shop";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(SHOP, get(page).post(save))
}

/// The shop, as the API has it.
#[derive(Debug, Deserialize)]
struct Shop {
    platform: String,
    name: String,
    hosts: Vec<String>,
    shop_url: Option<String>,
    click_param: String,
    #[serde(default)]
    app_page: AppPage,
    history_known_from: Option<i64>,
}

/// The page in between.
#[derive(Debug, Default, Deserialize)]
struct AppPage {
    ios: Option<String>,
    android: Option<String>,
    #[serde(default)]
    not_in: Vec<String>,
}

/// Apps with a browser of their own.
fn apps(t: &Texts) -> Vec<(String, String)> {
    let t = &t.own_shop;
    let apps = [
        ("wechat", &t.wechat),
        ("qq", &t.qq),
        ("alipay", &t.alipay),
        ("taobao", &t.taobao),
        ("douyin", &t.douyin),
    ];
    apps.map(|(name, words)| (name.to_owned(), words.clone())).to_vec()
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    show(&merchant, Form::default()).await
}

async fn show(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().own_shop);
    let of: Shop = who.ask(&path(&["merchants", &merchant.id]), &[]).await?;
    let text = |name, label: &str, value: Option<String>| {
        Field::text(name, label).with(value.unwrap_or_default()).optional()
    };
    let mut sheet = Sheet::new(who, &t.title);
    sheet.part(Part::Form(
        FormPart::new("", SHOP, &texts.shop.save)
            .field(form.show(Field::text("name", &texts.shop.name).with(of.name)))
            .field(
                form.show(text("shop_url", &t.shop_url, of.shop_url).hint(&t.shop_url_hint).inputmode("url")),
            )
            .field(form.show(
                Field::lines("hosts", &t.hosts).with(of.hosts.join("\n")).hint(&t.hosts_hint).optional(),
            ))
            .field(form.show(
                Field::text("click_param", &t.click_param).with(of.click_param).hint(&t.click_param_hint),
            ))
            .field(
                form.show(
                    Field::checks("not_in", &t.not_in, apps(texts))
                        .with(of.app_page.not_in.join(" "))
                        .hint(&t.not_in_hint),
                ),
            )
            .field(form.show(text("ios", &t.ios, of.app_page.ios).hint(&t.app_hint)))
            .field(form.show(text("android", &t.android, of.app_page.android).hint(&t.android_hint)))
            .field(
                form.show(
                    Field::date("history_known_from", &t.history)
                        .with(of.history_known_from.map(day).unwrap_or_default())
                        .hint(&t.history_hint)
                        .optional(),
                ),
            ),
    ));
    sheet.show(form)
}

async fn save(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let to = path(&["merchants", &merchant.id]);
    // A shop stays with its platform.
    let of: Shop = who.ask(&to, &[]).await?;
    let separate = |c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、' | ';' | '；');
    let hosts: Vec<&str> = sent.value("hosts").split(separate).filter(|host| !host.is_empty()).collect();
    let history = match sent.midnight_if_given("history_known_from", who.t()) {
        Ok(history) => history,
        Err(mistake) => return show(&merchant, Form::refused(&sent.fields, vec![mistake])).await,
    };
    let body = json!({
        "platform": of.platform,
        "name": sent.value("name"),
        "hosts": hosts,
        "shop_url": sent.given("shop_url"),
        "click_param": sent.given("click_param"),
        "app_page": {
            "ios": sent.given("ios"),
            "android": sent.given("android"),
            "not_in": sent.all("not_in").collect::<Vec<_>>(),
        },
        "history_known_from": history,
    });
    let saved = who.change(Method::PUT, &to, sent.once(), &body).await;
    let own_name = |field: &str| field.trim_start_matches("app_page.").to_owned();
    who.finish(&sent, saved, (SHOP, "saved"), |form| show(&merchant, form.renamed(own_name))).await
}
