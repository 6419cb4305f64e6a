//! What a person sees instead of a redirect: small pages in Chinese and English that fit a phone.
//!
//! Pages without any fact of their own are made once; the others are filled in per request, with every fact escaped.

use attribution_core::catalogue::{TargetKind, TargetRow};
use attribution_core::money::Fen;
use attribution_core::outcome::Outcome;
use attribution_core::time::Instant;
use bytes::Bytes;

/// When to come back after "busy right now".
pub(crate) const RETRY_SECONDS: u32 = 1;

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Chinese,
    English,
}

impl Language {
    /// By Accept-Language: the best-liked of the two; Chinese if nothing is said, English for anything else.
    pub(crate) fn preferred(header: &[u8]) -> Self {
        let Ok(header) = std::str::from_utf8(header) else { return Self::Chinese };
        if header.trim().is_empty() {
            return Self::Chinese;
        }
        let mut best = (0, Self::English);
        for item in header.split(',') {
            let (tag, parameters) = item.split_once(';').unwrap_or((item, ""));
            let primary = tag.trim().split('-').next().unwrap_or_default();
            let language = match primary {
                "*" => Self::Chinese,
                _ if primary.eq_ignore_ascii_case("zh") => Self::Chinese,
                _ if primary.eq_ignore_ascii_case("en") => Self::English,
                _ => continue,
            };
            let weight = thousandths(parameters);
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    pub(crate) const fn pick<'a>(self, chinese: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }
}

/// `q=0.8` in thousandths; 1000 if nothing is said, 0 if it is nonsense.
fn thousandths(parameters: &str) -> u32 {
    let Some(q) = parameters.trim().strip_prefix("q=") else { return 1_000 };
    let (whole, rest) = q.trim().split_once('.').unwrap_or((q.trim(), ""));
    let digits: String = rest.chars().take(3).chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), digits.parse::<u32>()) {
        (Ok(whole), Ok(rest)) => (whole * 1_000 + rest).min(1_000),
        _ => 0,
    }
}

/// Title and sentence of an outcome's page.
fn words(outcome: Outcome, language: Language) -> (&'static str, &'static str) {
    let (zh, en) = match outcome {
        Outcome::PromotionCancelled => (
            ("当前页面已过期", "商家已结束这次推广，商品本身可能仍在店铺出售。"),
            (
                "This page has expired",
                "The merchant has ended this promotion. The shop may still sell the product.",
            ),
        ),
        Outcome::ProductDelisted => (
            ("商品已下架", "这件商品暂时不再销售。"),
            ("This product is no longer sold", "The product has been taken off the shelf."),
        ),
        Outcome::LinkExpired => (
            ("链接已失效", "请联系分享给您的人，获取新的链接。"),
            ("This link has expired", "Please ask the person who shared it for a new one."),
        ),
        Outcome::NotYetEffective => {
            (("活动尚未开始", "请稍后再来。"), ("This has not started yet", "Please come back later."))
        }
        Outcome::RateLimited => (
            ("访问过于频繁", "请稍等片刻再试。"),
            ("Too many requests", "Please wait a moment and try again."),
        ),
        Outcome::Overloaded => {
            (("服务繁忙", "请稍等片刻再试。"), ("Busy right now", "Please wait a moment and try again."))
        }
        _ => (
            ("页面不存在", "请检查链接是否完整。"),
            ("No such page", "Please check that the link is complete."),
        ),
    };
    match language {
        Language::Chinese => zh,
        Language::English => en,
    }
}

const STYLE: &str = "body{font:16px/1.6 system-ui,-apple-system,\"PingFang SC\",\"Microsoft YaHei\",sans-serif;margin:0;\
display:flex;min-height:100vh;align-items:center;justify-content:center;background:#f6f7f9;color:#1f2329}\
main{max-width:22rem;padding:2rem;text-align:center}h1{font-size:1.25rem;margin:0 0 .5rem}p{margin:.5rem 0;color:#646a73;\
overflow-wrap:anywhere}a{color:#1456f0}@media(prefers-color-scheme:dark){body{background:#17181a;color:#e8e9eb}\
p{color:#a0a4ab}a{color:#7da2ff}}";

/// A whole page. `head` and `body` are HTML already.
pub(crate) fn page(language: Language, title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><link rel=\"icon\" href=\"data:,\"><title>{title}</title>{head}\
         <style>{STYLE}</style><main>{body}</main></html>",
        language.tag()
    )
}

fn simple(outcome: Outcome, language: Language) -> String {
    let (title, sentence) = words(outcome, language);
    page(language, title, "", &format!("<h1>{title}</h1><p>{sentence}</p>"))
}

/// The pages that are the same for everybody, made once.
pub(crate) struct Pages {
    made: Vec<[Bytes; 2]>,
}

impl Pages {
    pub(crate) fn new() -> Self {
        let both = |outcome| [Language::Chinese, Language::English].map(|l| Bytes::from(simple(outcome, l)));
        Self { made: Outcome::ALL.into_iter().map(both).collect() }
    }

    /// The page of an outcome.
    pub(crate) fn of(&self, outcome: Outcome, language: Language) -> Bytes {
        self.made[outcome as usize][language as usize].clone()
    }
}

/// Why a link leads nowhere now, and what it is `about`; if it has not started, when it does.
pub(crate) fn dead(outcome: Outcome, about: &str, starts: Option<Instant>, language: Language) -> String {
    let (state, sentence) = words(outcome, language);
    let starts = starts.filter(|_| outcome == Outcome::NotYetEffective).map(shanghai);
    let starts = starts.map(|when| match language {
        Language::Chinese => format!("将于 {when}（北京时间）开始。"),
        Language::English => format!("It starts at {when}, China time."),
    });
    let sentence = starts.as_deref().unwrap_or(sentence);
    page(language, state, "", &format!("<h1>{state}</h1><p>{}</p><p>{sentence}</p>", escaped(about)))
}

/// An instant as people in China read it, to the minute.
fn shanghai(at: Instant) -> String {
    at.to_string().chars().take(16).collect()
}

/// The card for crawlers that make link previews: no redirect, so that they show our short address. With the picture
/// and the price, where the catalogue has them; without a price it says where the link leads.
pub(crate) fn card(target: &TargetRow, short_url: &str) -> String {
    let (title, url) = (escaped(&target.title), escaped(short_url));
    let kind = if target.kind == TargetKind::Product { "product" } else { "website" };
    let look = if target.picture.is_some() { "summary_large_image" } else { "summary" };
    let mut head = String::new();
    let mut say = |name: &str, content: &str| {
        head += &format!("<meta property=\"{name}\" content=\"{content}\">");
    };
    say("og:type", kind);
    say("og:title", &title);
    say("og:url", &url);
    say("og:site_name", &escaped(host(short_url)));
    if let Some(picture) = &target.picture {
        say("og:image", &escaped(picture));
        say("og:image:alt", &title);
    }
    if let Some(price) = target.price_fen {
        let yuan = Fen(price).to_string();
        say("og:description", &format!("¥{yuan}"));
        say("product:price:amount", &yuan);
        say("product:price:currency", "CNY");
    } else {
        say("og:description", &escaped(host(&target.destination)));
    }
    head += &format!("<meta name=\"twitter:card\" content=\"{look}\">");
    page(Language::Chinese, &title, &head, &format!("<h1>{title}</h1><p><a href=\"{url}\">{url}</a></p>"))
}

/// The host of an address.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Where a link leads, for people who want to look first.
pub(crate) fn preview(title: &str, destination: &str, short_url: &str, language: Language) -> String {
    let (title, destination, url) = (escaped(title), escaped(destination), escaped(short_url));
    let leads = language.pick("这个链接指向", "This link leads to");
    let go = language.pick("继续访问", "Go there");
    let body = format!(
        "<h1>{title}</h1><p>{leads}</p><p>{destination}</p><p><a rel=\"nofollow\" href=\"{url}\">{go}</a></p>"
    );
    page(language, &title, "", &body)
}

pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Link-preview crawlers read it too and must be let in; nobody else has anything to index here.
pub(crate) const ROBOTS: &str = "User-agent: Twitterbot\nUser-agent: facebookexternalhit\nUser-agent: LinkedInBot\n\
User-agent: Slackbot\nUser-agent: Discordbot\nUser-agent: TelegramBot\nUser-agent: WhatsApp\nAllow: /\n\n\
User-agent: *\nDisallow: /\n";

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::ids::TargetNum;

    #[test]
    fn the_language_is_the_best_liked_one() {
        let rows = [
            ("", Language::Chinese),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-US,en;q=0.9,zh-CN;q=0.8", Language::English),
            ("en;q=0.5, zh;q=0.6", Language::Chinese),
            ("fr-FR,fr;q=0.9", Language::English),
            ("fr,en;q=0.3", Language::English),
            ("*", Language::Chinese),
            ("zh;q=0,en;q=0.1", Language::English),
            ("ZH-hant", Language::Chinese),
            (";;;,,q=", Language::English),
        ];
        for (header, expected) in rows {
            assert_eq!(Language::preferred(header.as_bytes()), expected, "{header:?}");
        }
        assert_eq!(Language::preferred(b"\xff"), Language::Chinese);
    }

    #[test]
    fn a_withdrawn_page_says_what_ended_in_both_languages_and_is_small() {
        let page = |language| dead(Outcome::PromotionCancelled, "保温杯", None, language);
        for (language, words) in
            [(Language::Chinese, "当前页面已过期"), (Language::English, "This page has expired")]
        {
            let page = page(language);
            assert!(page.contains(words) && page.contains("保温杯") && page.len() < 1_500, "{page}");
        }
    }

    #[test]
    fn the_start_is_told_in_china_time_of_what_has_not_started() {
        let starts = Some(Instant(1_763_740_800_000)); // 2025-11-21T16:00:00Z
        let page = |outcome| dead(outcome, "", starts, Language::Chinese);
        assert!(page(Outcome::NotYetEffective).contains("2025-11-22 00:00"));
        assert!(!page(Outcome::LinkExpired).contains("2025"));
    }

    fn product(title: &str) -> TargetRow {
        TargetRow {
            num: TargetNum(1),
            kind: TargetKind::Product,
            destination: "https://shop.example.cn/1?a=b".to_owned(),
            title: title.to_owned(),
            category: None,
            cancelled_from: None,
            delisted_from: None,
            pass_query: false,
            click_param: String::new(),
            price_fen: Some(1_990),
            picture: Some("https://img.shop.cn/1.jpg?a=\"><script>".to_owned()),
            app_page: None,
        }
    }

    #[test]
    fn a_card_says_whose_page_it_is_and_what_it_costs_or_where_it_leads() {
        let mut target = product("保温杯");
        let described = |target: &TargetRow, by: &str| {
            let html = card(target, "https://yk.example/a");
            assert!(html.contains("og:site_name\" content=\"yk.example\""), "{html}");
            assert!(html.contains(&format!("og:description\" content=\"{by}\"")), "{html}");
        };
        described(&target, "¥19.90");
        target.price_fen = None;
        described(&target, "shop.example.cn");
    }

    #[test]
    fn nothing_hostile_comes_through_a_title() {
        let title = "<script>alert(1)</script>\"'&";
        let target = product(title);
        for html in [
            card(&target, "https://yk.example/a"),
            preview(title, "https://s/?a&b", "u", Language::English),
            dead(Outcome::LinkExpired, title, None, Language::English),
        ] {
            assert!(!html.contains("<script>") && html.contains("&lt;script&gt;"), "{html}");
        }
    }
}
