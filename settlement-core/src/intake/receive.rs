//! `POST /v1/intake/{source}`: a notification comes in, and is taken in once.

use super::delivery::{self, Done, IntakeOutcome, Kept, Key};
use super::mapped::Mapped;
use super::signed::{Content, check_signed, open};
use super::source::{self, Shop, Source, SourceKind};
use crate::Core;
use crate::api::{PathId, Peer, Problem};
use crate::order_events::OrderEvent;
use crate::orders::batch::{EventResult, Status, take_one};
use crate::orders::intake::{is_placed, is_told};
use crate::orders::sweep::judge_all;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::time::Instant;
use attribution_core::token::ClickKeys;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(receive))
}

/// What came of a notification. A repeat gets the same answer again, unless nothing was taken in: then it is tried
/// again.
#[derive(Debug, Serialize, ToSchema)]
struct IntakeAnswer {
    /// What came of it.
    outcome: IntakeOutcome,
    /// Why it was ignored or cannot be mapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// One answer per event that it came to.
    results: Vec<EventResult>,
    /// Youzan: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    /// Youzan: `success`.
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<&'static str>,
}

/// Takes a notification of a shop in. No bearer token: the source's own signature says who sends it.
///
/// `standard` sources send our order events, one or `{"events": [...]}`, signed by the Standard Webhooks convention
/// (`webhook-id`, `webhook-timestamp`, `webhook-signature`). `youzan` and `shopify` sources send what these platforms
/// send; topics that do not concern us are acknowledged and counted. Whatever is signed rightly by a platform is
/// answered 200, so that it does not stop sending; what could not be taken in is in the source's deliveries.
#[utoipa::path(
    post,
    path = "/v1/intake/{source}",
    security(()),
    params(
        ("source" = String, Path, description = "The source's id"),
        ("webhook-id" = Option<String>, Header, description = "standard: names the delivery; the same on a repeat"),
        ("webhook-timestamp" = Option<String>, Header, description = "standard: seconds since 1970, at most 5 minutes off"),
        ("webhook-signature" = Option<String>, Header, description = "standard: `v1,` and the signature in base64"),
        ("Event-Sign" = Option<String>, Header, description = "youzan: MD5 of client_id, body and client_secret"),
        ("X-Shopify-Hmac-Sha256" = Option<String>, Header, description = "shopify: HMAC-SHA256 of the body in base64"),
        ("X-Shopify-Topic" = Option<String>, Header, description = "shopify: such as `orders/create`"),
        ("X-Shopify-Webhook-Id" = Option<String>, Header, description = "shopify: names the delivery"),
    ),
    request_body(content = Value, content_type = "application/json"),
    responses(
        (status = 200, description = "Taken in, known already, in the review queue, or acknowledged", body = IntakeAnswer),
        (status = 207, description = "standard: some events were not taken in", body = IntakeAnswer),
        (status = 401, description = "`signature_missing`, `signature_invalid` or `timestamp_out_of_tolerance`"),
        (status = 404, description = "`not_found`: there is no such source"),
        (status = 409, description = "`delivery_id_reused`: standard: another body under the same webhook-id"),
        (status = 422, description = "standard: no event was taken in, and none can be", body = IntakeAnswer)
    )
)]
async fn receive(
    State(core): State<Core>,
    PathId(id): PathId<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (now, peer) = (core.now(), request.extensions().get::<Peer>().copied());
    // Before the source is looked up, the body read or anything hashed: a stranger costs no more than this.
    let sending =
        core.limiter().begin_sending(&id, peer, now).inspect_err(|_| count("unknown", "refused"))?;
    let found = {
        let id = id.clone();
        core.store().read(move |tx| source::find(tx, &id)).await?
    };
    let Some(source) = found else {
        count("unknown", "refused");
        return Err(Problem::unknown("intake source", id));
    };
    let kind = source.kind.name();
    let headers = request.headers().clone();
    check_signed(&source, &headers, now).inspect_err(|_| count(kind, "refused"))?;
    let max = source.kind.body_max();
    let body = to_bytes(request.into_body(), max).await.map_err(|_| {
        count(kind, "refused");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("at most {max} bytes"))
    })?;
    let opened = open(&source, &headers, &body, now);
    // A body that is signed rightly may still be none of ours: that is no attempt to get in.
    if opened.as_ref().err().is_none_or(|problem| problem.status() != StatusCode::UNAUTHORIZED) {
        core.limiter().sent_rightly(sending, now);
    }
    let incoming = opened.inspect_err(|_| count(kind, "refused"))?;
    let shown = std::str::from_utf8(&body).ok().map(str::to_owned);
    let key = Key {
        source: source.id.clone(),
        delivery: incoming.delivery,
        topic: incoming.topic,
        body_hash: Sha256::digest(&body).into(),
    };
    let intake = Intake { source, keys: core.keys().click.clone(), now };
    let content = incoming.content;
    let (kept, taken) =
        core.store().write(move |tx| intake.once(tx, &key, &content, shown.as_deref())).await?;
    count(kind, taken.as_ref().map_or("repeated", |(outcome, _)| outcome.name()));
    if kind == SourceKind::Standard.name() && !kept.same_body {
        let what = "this webhook-id came before with another body";
        return Err(Problem::conflict("delivery_id_reused", what));
    }
    let is_repeat = taken.is_none();
    let orders = taken.map(|(_, orders)| orders).unwrap_or_default();
    judge_all(core.store(), orders, "order notification", now).await?;
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let json = HeaderValue::from_static("application/json");
    let mut response = (status, [(header::CONTENT_TYPE, json)], kept.answer).into_response();
    if is_repeat {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn count(kind: &'static str, outcome: &'static str) {
    metrics::counter!("yinke_core_intake_total", "kind" => kind, "outcome" => outcome).increment(1);
}

/// Counts none of what alerts watch, so that they see the first.
pub(crate) fn begin_counting() {
    for kind in SourceKind::ALL {
        for outcome in ["refused", IntakeOutcome::Unmappable.name()] {
            metrics::counter!("yinke_core_intake_total", "kind" => kind.name(), "outcome" => outcome)
                .increment(0);
        }
    }
}

/// Taking one notification in.
struct Intake {
    source: Source,
    keys: ClickKeys,
    now: Instant,
}

/// Orders to judge.
type Touched = Vec<(PlatformId, OrderId)>;

impl Intake {
    /// Takes a delivery in, unless it was before: then only what is kept of it is given. `body` is kept where nothing of
    /// it was taken in.
    fn once(
        &self,
        tx: &mut dyn Tx,
        key: &Key,
        content: &Content,
        body: Option<&str>,
    ) -> Result<(Kept, Option<(IntakeOutcome, Touched)>), StoreError> {
        let kept = delivery::kept(tx, key)?;
        // A standard source names its deliveries itself: another body under a known name is a mistake.
        let standard = self.source.kind == SourceKind::Standard;
        if let Some(kept) = kept.filter(|kept| kept.stands || (standard && !kept.same_body)) {
            return Ok((kept, None));
        }
        let (status, answer, orders) = self.take(tx, content)?;
        let text = serde_json::to_string(&answer).unwrap_or_else(|_| unreachable!("plain data"));
        let lost = matches!(answer.outcome, IntakeOutcome::Rejected | IntakeOutcome::Unmappable);
        let detail =
            answer.detail.as_deref().or_else(|| answer.results.iter().find_map(|r| r.detail.as_deref()));
        let done = Done {
            outcome: answer.outcome,
            detail,
            status: status.as_u16(),
            answer: &text,
            body: body.filter(|_| lost),
        };
        delivery::keep(tx, key, &done, self.now)?;
        let kept = Kept { status: status.as_u16(), answer: text, same_body: true, stands: true };
        Ok((kept, Some((answer.outcome, orders))))
    }

    fn take(
        &self,
        tx: &mut dyn Tx,
        content: &Content,
    ) -> Result<(StatusCode, IntakeAnswer, Touched), StoreError> {
        let (mut results, mut touched) = (Vec::new(), Vec::new());
        let (mut outcome, mut detail) = (None, None);
        match content {
            Content::Events(events) => {
                for event in events {
                    self.take_event(tx, event, &mut results, &mut touched)?;
                }
            }
            Content::Platform(Ok(Mapped::Events(events))) => {
                for event in events {
                    if !self.is_old_picture(tx, event)? {
                        let event =
                            serde_json::to_value(event).unwrap_or_else(|_| unreachable!("plain data"));
                        self.take_event(tx, &event, &mut results, &mut touched)?;
                    }
                }
            }
            Content::Platform(Ok(Mapped::Ignored(why))) => {
                (outcome, detail) = (Some(IntakeOutcome::Ignored), Some(why.clone()));
            }
            Content::Platform(Err(error)) => {
                (outcome, detail) = (Some(IntakeOutcome::Unmappable), Some(error.to_string()));
            }
        }
        let outcome = outcome.unwrap_or_else(|| outcome_of(&results));
        let youzan = self.source.kind == SourceKind::Youzan;
        let status =
            if self.source.kind == SourceKind::Standard { status_of(&results) } else { StatusCode::OK };
        let (code, msg) = (youzan.then_some(0), youzan.then_some("success"));
        Ok((status, IntakeAnswer { outcome, detail, results, code, msg }, touched))
    }

    fn take_event(
        &self,
        tx: &mut dyn Tx,
        event: &Value,
        results: &mut Vec<EventResult>,
        touched: &mut Touched,
    ) -> Result<(), StoreError> {
        let Shop { merchant, .. } = &self.source.shop;
        let one = take_one(tx, &self.keys, results.len(), event, Some(merchant.as_str()), self.now)?;
        results.push(one.result);
        touched.extend(one.touched);
        Ok(())
    }

    /// A platform shows the whole order again with each step; the first picture stands. A refund that the seller refuses
    /// is asked for anew under its number; it counts from the first time on.
    fn is_old_picture(&self, tx: &mut dyn Tx, event: &OrderEvent) -> Result<bool, StoreError> {
        match event {
            OrderEvent::Created(created) => is_placed(tx, &created.platform, &created.order),
            OrderEvent::RefundAsked(_) => is_told(tx, &event.key(), self.source.shop.merchant.as_str()),
            _ => Ok(false),
        }
    }
}

fn outcome_of(results: &[EventResult]) -> IntakeOutcome {
    let any = |of: &[Status]| results.iter().any(|result| of.contains(&result.status));
    if any(&[Status::Rejected]) {
        IntakeOutcome::Rejected
    } else if any(&[Status::Review]) {
        IntakeOutcome::Review
    } else if any(&[Status::Accepted, Status::Waiting]) {
        IntakeOutcome::Accepted
    } else {
        IntakeOutcome::Duplicate
    }
}

/// What is kept needs no repeat; what can never be an event gets none either.
fn status_of(results: &[EventResult]) -> StatusCode {
    let rejected = results.iter().filter(|result| result.status == Status::Rejected).count();
    match rejected {
        0 => StatusCode::OK,
        all if all == results.len() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::MULTI_STATUS,
    }
}
