//! Notices (消息): what happened to the promoter's links, products, applications and withdrawals.

use crate::api::path;
use crate::back::done;
use crate::failure::Failure;
use crate::form::Submitted;
use crate::frame::{Frame, html};
use crate::list::page_at;
use crate::order_pages::escaped;
use crate::show::moment;
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/promoter/notices", get(list)).route("/promoter/notices/read", post(read))
}

#[derive(Debug, Deserialize)]
struct Notice {
    number: i64,
    kind: String,
    at: i64,
    subject: String,
    detail: String,
    from: Option<i64>,
    read_at: Option<i64>,
}

struct Row {
    at: String,
    words: String,
    href: Option<String>,
    is_new: bool,
}

#[derive(Template)]
#[template(path = "promoter/notices.html")]
struct NoticesPage {
    f: Frame,
    rows: Vec<Row>,
    /// The newest, up to which all are marked as read.
    newest: Option<i64>,
    next: Option<String>,
}

/// Of `PLATFORM/ORDER`.
fn order_page(subject: &str) -> Option<String> {
    let (platform, order) = subject.split_once('/')?;
    Some(format!("/promoter/orders/{}/{}", escaped(platform), escaped(order)))
}

fn row(t: &Texts, notice: &Notice) -> Row {
    let n = &t.notices;
    let subject = escaped(&notice.subject);
    let links = Some(format!("/promoter/links?product={subject}"));
    let money = Some("/promoter/money".to_owned());
    let (words, href) = match notice.kind.as_str() {
        "promotion_cancelled" => (n.promotion_cancelled.as_str(), links),
        "product_delisted" => (n.product_delisted.as_str(), links),
        "product_back" => (n.product_back.as_str(), links),
        "link_expired" => (n.link_expired.as_str(), Some(format!("/promoter/links/{subject}"))),
        "application_approved" => (n.application_approved.as_str(), None),
        "application_rejected" => (n.application_rejected.as_str(), None),
        "approval_withdrawn" => (n.approval_withdrawn.as_str(), None),
        "withdrawal_paid" => (n.withdrawal_paid.as_str(), money),
        "withdrawal_returned" => (n.withdrawal_returned.as_str(), money),
        "account_verified" => (n.account_verified.as_str(), money),
        "account_refused" => (n.account_refused.as_str(), money),
        "commission_taken_back" => (n.commission_taken_back.as_str(), order_page(&notice.subject)),
        "payout_failed" => (n.payout_failed.as_str(), money),
        "category_banned" => {
            (n.category_banned.as_str(), Some("/promoter/links?state=category_banned".to_owned()))
        }
        "promoter_disabled" => (n.promoter_disabled.as_str(), None),
        "promoter_enabled" => (n.promoter_enabled.as_str(), None),
        other => (other, None),
    };
    let detail = if notice.detail.is_empty() { &notice.subject } else { &notice.detail };
    let order = notice.subject.split_once('/').map_or("", |(_, order)| order);
    let mut words = fill(&fill(words, "what", detail), "order", order);
    if let Some(from) = notice.from {
        words += &format!(" {}", fill(&n.from, "at", moment(from)));
    }
    Row { at: moment(notice.at), words, href, is_new: notice.read_at.is_none() }
}

async fn list(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let to = path(&["promoters", &promoter.id, "notices"]);
    let answer = page_at::<Notice>(who, "/promoter/notices", &to, &[]).await?;
    let unread = answer.items.iter().filter(|notice| notice.read_at.is_none());
    let page = NoticesPage {
        f: who.frame(),
        newest: unread.map(|notice| notice.number).max(),
        next: answer.next,
        rows: answer.items.into_iter().map(|notice| row(who.t(), &notice)).collect(),
    };
    html(&page)
}

async fn read(promoter: Promoter, sent: Submitted) -> Result<Response, Failure> {
    let who = &promoter.who;
    let through: i64 = sent.value("through").parse().map_err(|_| Failure::BadForm)?;
    let to = path(&["promoters", &promoter.id, "notices", "read"]);
    who.change(Method::POST, &to, sent.once(), &json!({ "up_to": through })).await?;
    Ok(done("/promoter/notices", "read"))
}
