//! One connection of the load: takes the next arrival, sends it, notes the answer.

use super::Shared;
use crate::message::{Answer, Ask};
use crate::oracle::Entry;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::io;
use std::rc::Rc;
use std::time::Instant;
use tokio::net::TcpStream;

type Sender = SendRequest<Empty<Bytes>>;

/// What became of one arrival.
enum Fate {
    Answered(Answer),
    /// Sent, but no answer: the edge may have recorded it or not.
    Unanswered,
    /// Nothing was sent.
    NotSent,
}

pub(super) async fn work(shared: Rc<Shared>) {
    let mut kept: Option<Sender> = None;
    while let Some(due) = shared.next().await {
        let mut ask = shared.ask();
        let sent = Instant::now();
        let fate = carry_out(&shared, &mut ask, &mut kept).await;
        shared.note(ask, &fate, due, sent);
        if matches!(fate, Fate::NotSent) {
            // Nobody listens: let others run before the next arrival is tried.
            tokio::task::yield_now().await;
        }
    }
}

async fn carry_out(shared: &Shared, ask: &mut Ask, kept: &mut Option<Sender>) -> Fate {
    let mut reused = if ask.alone { None } else { kept.take() };
    // A kept connection may have been closed meanwhile; then nothing was sent, and a fresh one may be tried.
    for _ in 0..2 {
        let fresh = reused.is_none();
        let mut sender = match reused.take() {
            Some(sender) => sender,
            None => match connect(shared).await {
                Ok(sender) => sender,
                Err(_) => return Fate::NotSent,
            },
        };
        let host = match (&shared.plan.host, shared.plan.target.address()) {
            (Some(host), _) => host.clone(),
            (None, Ok(address)) => address.to_string(),
            (None, Err(_)) => return Fate::NotSent,
        };
        let Ok(request) = ask.request(&host, &mut shared.random.borrow_mut()) else {
            return Fate::NotSent;
        };
        match tokio::time::timeout(shared.plan.timeout, exchange(&mut sender, request, ask)).await {
            Ok(Exchange::Done(answer)) => {
                if !ask.alone && !sender.is_closed() {
                    *kept = Some(sender);
                }
                return Fate::Answered(answer);
            }
            Ok(Exchange::NothingSent) if !fresh => {}
            Ok(Exchange::NothingSent) => return Fate::NotSent,
            Ok(Exchange::Broken) | Err(_) => return Fate::Unanswered,
        }
    }
    Fate::NotSent
}

enum Exchange {
    Done(Answer),
    NothingSent,
    Broken,
}

async fn exchange(sender: &mut Sender, request: Request<Empty<Bytes>>, ask: &mut Ask) -> Exchange {
    if sender.ready().await.is_err() {
        return Exchange::NothingSent;
    }
    let response: Response<Incoming> = match sender.try_send_request(request).await {
        Ok(response) => response,
        Err(mut error) => {
            // hyper hands the request back if not a byte of it was written.
            return if error.take_message().is_some() { Exchange::NothingSent } else { Exchange::Broken };
        }
    };
    // The head is the answer: with it the edge has said what it recorded.
    let answer = Answer::read(&response, &mut ask.visit);
    let _ = response.into_body().collect().await;
    Exchange::Done(answer)
}

async fn connect(shared: &Shared) -> io::Result<Sender> {
    let address = shared.plan.target.address().map_err(io::Error::other)?;
    let stream = TcpStream::connect(address).await?;
    if stream.local_addr()? == stream.peer_addr()? {
        // Connecting to a free port of the range that clients are given can meet itself.
        return Err(io::Error::other("connected to itself"));
    }
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        // How it ended shows in the exchange that it carried.
        let _ = connection.await;
    });
    Ok(sender)
}

impl Shared {
    fn note(&self, ask: Ask, fate: &Fate, due: Instant, sent: Instant) {
        let now = Instant::now();
        let mut figures = self.figures.borrow_mut();
        let answer = match fate {
            Fate::Answered(answer) => {
                figures.answered += 1;
                *figures.by_status.entry(answer.status.as_u16()).or_default() += 1;
                *figures.by_outcome.entry(shown_outcome(answer).to_owned()).or_default() += 1;
                figures.latency.note(now.duration_since(due));
                figures.service.note(now.duration_since(sent));
                figures.lag.note(sent.duration_since(due));
                Some(answer)
            }
            Fate::Unanswered => {
                figures.unanswered += 1;
                None
            }
            Fate::NotSent => {
                figures.not_sent += 1;
                return;
            }
        };
        if let Some(oracle) = &self.oracle {
            oracle.note(Entry {
                label: ask.label,
                kind: ask.kind,
                code: ask.code,
                status: answer.map(|answer| answer.status.as_u16()),
                outcome: answer.and_then(|answer| answer.outcome.clone()),
                visitor: answer.and_then(|answer| answer.click).map(|(_, visitor)| visitor),
                click: answer.and_then(|answer| answer.click).map(|(click, _)| click),
            });
        }
        if answer.is_some() {
            self.people.borrow_mut().leave(ask.visit, &mut self.random.borrow_mut());
        }
    }
}

/// The outcome as far as the answer shows it: redirects without a token do not say why.
fn shown_outcome(answer: &Answer) -> &str {
    match (&answer.outcome, answer.click) {
        (Some(outcome), _) => outcome,
        (None, Some(_)) => "attributed",
        (None, None) => "redirect without a token",
    }
}
