//! `POST /v1/payouts/arrivals`: the outside's word on what was sent.

use super::send::MoveError;
use super::withdraw::{Arrival, ArrivalError, arrive};
use crate::Core;
use crate::api::{Mistakes, Only, Operators, Problem, Write, check_line};
use crate::store::Tx;
use attribution_core::time::Instant;
use attribution_core::with_causes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Words on payouts in one request at most.
const ARRIVALS_MAX: usize = 1_000;
/// Bytes of why a payment came back at most: the payee reads it.
const REASON_MAX: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_arrivals))
}

/// What became of payments that were sent.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Arrivals {
    /// 1 to 1000.
    payouts: Vec<ArrivalOf>,
}

/// What became of one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ArrivalOf {
    /// The payout.
    id: String,
    /// It arrived; if not, it came back and is available again.
    paid: bool,
    /// Why it came back: at most 200 bytes.
    #[serde(default)]
    reason: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct Closed {
    /// Payouts that are closed now.
    closed: usize,
}

/// Takes in what became of one payment.
fn take_in(tx: &mut dyn Tx, of: &ArrivalOf, now: Instant) -> Result<(), Problem> {
    if let Some(reason) = &of.reason {
        check_line("reason", reason, REASON_MAX)?;
    }
    let arrival = if of.paid { Arrival::Paid } else { Arrival::Returned };
    arrive(tx, &of.id, arrival, of.reason.as_deref(), now).map_err(|error| match error {
        ArrivalError::Move(MoveError::Store(error)) => error.into(),
        ArrivalError::Unknown => Problem::unknown("payout", &of.id).about("id"),
        ArrivalError::NotOnItsWay(_) => {
            Problem::conflict("not_on_its_way", format!("{}: {error}", of.id)).about("id")
        }
        ArrivalError::Move(error) => {
            tracing::error!(error = with_causes(&error), "a payout could not be closed");
            Problem::internal()
        }
    })
}

/// The outside's word on payments: all of them are taken in, or none. Operators.
#[utoipa::path(
    post, path = "/v1/payouts/arrivals", request_body = Arrivals,
    responses((status = 200, body = Closed),
              (status = 422, description = "`invalid_arrivals`: in `errors` each payout that is not on its way (`not_on_its_way`), is not there, or has a reason that cannot be shown"))
)]
async fn post_arrivals(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<Arrivals>,
) -> Result<Response, Problem> {
    let Write { body: Arrivals { payouts }, scope } = write;
    if payouts.is_empty() || payouts.len() > ARRIVALS_MAX {
        let rule = format!("1 to {ARRIVALS_MAX} payouts are taken in at once");
        return Err(Problem::invalid("payouts", rule));
    }
    scope
        .run(&core, move |tx: &mut dyn Tx, scope| {
            let mut mistakes = Mistakes::default();
            for (index, one) in payouts.iter().enumerate() {
                mistakes.sort(index, take_in(tx, one, scope.now))?;
            }
            mistakes.refuse("invalid_arrivals", |count| {
                format!("{count} of the payouts cannot be closed so; none was")
            })?;
            Ok((StatusCode::OK, Closed { closed: payouts.len() }))
        })
        .await
}
