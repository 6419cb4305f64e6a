//! The hot path, in the order in which a request lives: parse, resolve, decide, journal, respond.
//!
//! Nothing is awaited before the click is appended to the journal: hyper drops a handler when its client leaves, and
//! a click that happened must be recorded. The answer then waits at the gate of the turn until its frame is in the
//! kernel, and in strict programmes until it is on disk.

use crate::answer::{self, Answer};
use crate::connection::Connection;
use crate::gate::Place;
use crate::pages::{self, Language};
use crate::pictures::TooMany;
use crate::reply::{self, Reply};
use crate::request::{self, Asked, Path, Refusal};
use crate::step::Step;
use crate::visit::Visit;
use crate::worker::{Arrival, State, Worker};
use crate::{beside, query};
use attribution_core::catalogue::{Durability, LinkFlags, LinkRow};
use attribution_core::click::ClickId;
use attribution_core::decide::{
    AgentClass, ClaimAction, FetchMetadata, RequestFacts, Resolved, decide, standing,
};
use attribution_core::ids::VisitorId;
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{CLICK_MAX_LEN, ClickFlags, ClickRecord};
use attribution_core::time::Instant;
use http::header::ACCEPT_LANGUAGE;
use hyper::body::Incoming;
use xxhash_rust::xxh3::xxh3_64;

/// Serves one request that hyper has parsed.
pub(crate) async fn serve(
    worker: &Worker,
    connection: &Connection,
    request: hyper::Request<Incoming>,
) -> Answer {
    let (parts, _) = request.into_parts();
    let arrival = worker.arrive();
    let cells = worker.cells();
    let mut lines = Vec::new();
    let asked = request::read_parts(&parts, &worker.shared.hosts);
    let answer = match record(worker, connection, asked.as_ref(), &mut lines, arrival) {
        Step::Counted(outcome, answer) => {
            cells.outcome(outcome);
            answer
        }
        Step::Beside(answer) => {
            cells.pages.add(1);
            answer
        }
        Step::Unjournaled { outcome, reply } => {
            cells.outcome(outcome);
            cells.unjournaled.add(1);
            reply.into_answer(parts.headers, lines)
        }
        Step::Recorded { outcome, reply, sequence, place } => {
            let released = release(worker, arrival, sequence, place).await;
            cells.outcome(outcome);
            match released {
                Released::Written => {
                    cells.answered.add(1);
                    reply.into_answer(parts.headers, lines)
                }
                Released::Unwritten => {
                    cells.unwritten.add(1);
                    let (reply, lines) = reply.unjournaled(&worker.shared.keys.click, lines);
                    reply.into_answer(parts.headers, lines)
                }
                Released::TooLate => {
                    cells.unwritten.add(1);
                    let languages =
                        parts.headers.get(ACCEPT_LANGUAGE).map_or(&[][..], |value| value.as_bytes());
                    overload_page(worker, Language::preferred(languages))
                }
            }
        }
    };
    cells.code(answer.status.as_u16());
    answer
}

/// How the wait of a click's answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Released {
    /// Its frame is where it must be.
    Written,
    /// Its frame could not be written. It is in memory still and most often gets to the disk later: the click is a
    /// recorded one.
    Unwritten,
    /// The same for a strict programme, which then gives no answer.
    TooLate,
}

/// Waits until the frame is in the kernel, and in strict programmes on disk.
pub(crate) async fn release(
    worker: &Worker,
    arrival: Arrival,
    sequence: u64,
    place: Option<Place<'_>>,
) -> Released {
    let leaving = Leaving(worker);
    let written = worker.gate.wait(arrival.turn).await.is_ok();
    let released = match (written, place) {
        (true, None) => Released::Written,
        (true, Some(place)) => {
            worker.note_durable();
            place.until_durable(sequence).await;
            Released::Written
        }
        (false, None) => Released::Unwritten,
        (false, Some(_)) => Released::TooLate,
    };
    std::mem::forget(leaving);
    released
}

/// Counts a client that leaves while its answer waits. Its click is recorded nevertheless.
struct Leaving<'w>(&'w Worker);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.cells().left.add(1);
    }
}

/// From the head to the appended frame, without a pause.
///
/// A redirect's header lines are appended to `lines`; every other answer leaves it as it is.
pub(crate) fn record<'w>(
    worker: &'w Worker,
    connection: &Connection,
    asked: Result<&Asked<'_>, &Refusal>,
    lines: &mut Vec<u8>,
    arrival: Arrival,
) -> Step<'w> {
    let state = &mut *worker.state.borrow_mut();
    let asked = match asked {
        Ok(asked) => asked,
        Err(refusal) => return Step::Counted(Outcome::Refused, answer::refusal(*refusal)),
    };
    match asked.path {
        Path::Link(name) => tap(worker, state, connection, asked, name, lines, arrival),
        Path::Robots => Step::Beside(answer::robots()),
        Path::Unknown => miss(worker, state, connection, asked, arrival.now),
        Path::Preview(name) | Path::Onward(name) | Path::Qr(name, _) => {
            beside_the_clicks(worker, state, connection, asked, name, arrival.now)
        }
    }
}

/// A tap of what may be a link: the hot path itself.
fn tap<'w>(
    worker: &'w Worker,
    state: &mut State,
    connection: &Connection,
    asked: &Asked<'_>,
    name: &[u8],
    lines: &mut Vec<u8>,
    arrival: Arrival,
) -> Step<'w> {
    let Arrival { now, frames_at, stale, .. } = arrival;
    let shared = &*worker.shared;

    // Resolve.
    let small = state.small.load();
    let Some(link) = small.find(name, shared.keys.check) else {
        return miss(worker, state, connection, asked, now);
    };
    let Some(found) = small.follow(&link) else { return miss(worker, state, connection, asked, now) };
    let resolved = found.resolved(&link);

    // Decide.
    let generation = shared.agents_generation.load(std::sync::atomic::Ordering::Relaxed);
    let class = state.agents.class(asked.agent, generation, || shared.agents.load().class(asked.agent));
    let facts = RequestFacts { agent: class, ..asked.facts };
    let visit = Visit::of(shared, asked, found.programme, may_earn(&facts, &resolved, now), now);
    let decision = decide(&resolved, &facts, visit.prior.as_ref(), stale, now);

    // Journal.
    let attributed = decision.outcome == Outcome::Attributed;
    // Who asks not to be followed is not followed here either: the click is counted, not its visitor.
    let private = decision.reason == Reason::PrivacySignal;
    let visit = if private { Visit::default() } else { visit };
    let visitor = match visit.visitor {
        Some(token) => token.visitor,
        None if attributed => state.random.bytes().map_or(VisitorId::NONE, VisitorId),
        None => VisitorId::NONE,
    };
    let trace = connection.trace(&mut state.tracer, asked.forwarded.get(), &shared.trusted, now);
    let mut sub_id = [0; attribution_core::record::SUB_ID_MAX];
    let sub_len = query::sub_id(asked.query, &mut sub_id);
    let returning = visit.visitor.is_some();
    let repeats = state.repeats.as_mut().filter(|_| attributed && returning);
    let further = [
        (returning, ClickFlags::RETURNING_VISITOR),
        (visit.bad_cookie, ClickFlags::BAD_COOKIE),
        (sub_len.is_none(), ClickFlags::SUB_ID_DROPPED),
        (repeats.is_some_and(|repeats| repeats.tap(visitor, link.code, now)), ClickFlags::MAYBE_REPEAT),
    ];
    let record = ClickRecord {
        outcome: decision.outcome,
        reason: decision.reason,
        flags: signs(&facts, &link, further),
        code: link.code,
        visitor,
        placement: link.placement,
        target: link.target,
        programme: found.placement.programme,
        promoter: found.placement.promoter,
        address_prefix: trace.prefix,
        address_hash: if private { 0 } else { trace.hash },
        agent_hash: xxh3_64(asked.agent),
        generation: shared.contact.applied(),
        prior_claim: visit.prior.map_or(ClickId::default(), |claim| claim.click),
        sub_id: &sub_id[..sub_len.unwrap_or(0)],
    };
    let place = if [shared.durability, found.programme.row.durability].contains(&Durability::Strict) {
        let Some(place) = worker.disk.place() else { return overloaded(worker, asked) };
        worker.note_disk_queue();
        Some(place)
    } else {
        None
    };
    let mut bytes = [0; CLICK_MAX_LEN];
    let len = record.encode(&mut bytes);
    let appended = worker.append(&mut state.writer, frames_at, &bytes[..len]);
    if appended.is_err() && place.is_some() {
        return overloaded(worker, asked);
    }

    // Respond: made now, released by the gate.
    let click = ClickId::new(worker.stream, appended.unwrap_or_else(|_| worker.unjournaled_sequence()));
    let claim = if appended.is_ok() { decision.claim } else { ClaimAction::None };
    let made = reply::Click { record: &record, click, claim, unjournaled: appended.is_err(), now };
    let reply = Reply::make(shared, lines, asked, &found, &link, &visit, &made);
    match appended {
        Ok(sequence) => {
            worker.cells().recorded.add(1);
            Step::Recorded { outcome: decision.outcome, reply, sequence, place }
        }
        Err(_) => Step::Unjournaled { outcome: decision.outcome, reply },
    }
}

/// A living link that a person seems to have tapped. Only then claims are worth reading.
pub(crate) fn may_earn(facts: &RequestFacts, resolved: &Resolved<'_>, now: Instant) -> bool {
    let person = facts.agent == AgentClass::Person && facts.fetch != FetchMetadata::Subresource;
    person && !facts.head && !facts.prefetch && standing(resolved, now).is_none()
}

/// Facts and risk signs for settlement, and `further` ones; they never change the answer.
pub(crate) fn signs<const N: usize>(
    facts: &RequestFacts,
    link: &LinkRow,
    further: [(bool, ClickFlags); N],
) -> ClickFlags {
    let signs = [
        (facts.fetch == FetchMetadata::Absent, ClickFlags::NO_FETCH_METADATA),
        (facts.fetch == FetchMetadata::Navigation { user_activated: false }, ClickFlags::NO_USER_ACTIVATION),
        (facts.privacy_signal, ClickFlags::PRIVACY_SIGNAL),
        (link.flags.has(LinkFlags::QR), ClickFlags::QR),
    ];
    let seen = signs.into_iter().chain(further).filter(|(is, _)| *is);
    seen.fold(ClickFlags::default(), |all, (_, flag)| all.with(flag))
}

/// What is asked for beside the clicks.
fn beside_the_clicks<'w>(
    worker: &'w Worker,
    state: &mut State,
    connection: &Connection,
    asked: &Asked<'_>,
    name: &[u8],
    now: Instant,
) -> Step<'w> {
    let shared = &*worker.shared;
    let Some(link) = state.small.load().find(name, shared.keys.check) else {
        return miss(worker, state, connection, asked, now);
    };
    let trace = connection.trace(&mut state.tracer, asked.forwarded.get(), &shared.trusted, now);
    match beside::answer(worker, state, asked, &link, trace.prefix, now) {
        Ok(answer) => Step::Beside(answer),
        Err(TooMany { seconds }) => rate_limited(worker, asked, seconds),
    }
}

/// Nothing of ours, or nothing that is known here.
fn miss<'w>(
    worker: &'w Worker,
    state: &mut State,
    connection: &Connection,
    asked: &Asked<'_>,
    now: Instant,
) -> Step<'w> {
    let shared = &*worker.shared;
    let trace = connection.trace(&mut state.tracer, asked.forwarded.get(), &shared.trusted, now);
    match state.misses.miss(trace.prefix, now) {
        Ok(()) => {
            let (outcome, language) = (Outcome::NotFound, Language::preferred(asked.languages));
            let page = shared.pages.of(outcome, language);
            Step::Counted(outcome, answer::page(answer::status(outcome), Some(outcome), language, page))
        }
        Err(seconds) => rate_limited(worker, asked, seconds),
    }
}

/// This address prefix has asked for too much.
fn rate_limited<'w>(worker: &'w Worker, asked: &Asked<'_>, seconds: u32) -> Step<'w> {
    let (outcome, language) = (Outcome::RateLimited, Language::preferred(asked.languages));
    let page = worker.shared.pages.of(outcome, language);
    Step::Counted(outcome, answer::page_with_retry(outcome, language, page, seconds))
}

/// A strict programme's click that could not be made durable now. Nothing was appended.
fn overloaded<'w>(worker: &'w Worker, asked: &Asked<'_>) -> Step<'w> {
    Step::Counted(Outcome::Overloaded, overload_page(worker, Language::preferred(asked.languages)))
}

pub(crate) fn overload_page(worker: &Worker, language: Language) -> Answer {
    let outcome = Outcome::Overloaded;
    let page = worker.shared.pages.of(outcome, language);
    answer::page_with_retry(outcome, language, page, pages::RETRY_SECONDS)
}
