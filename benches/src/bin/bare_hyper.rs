//! Bare hyper: one current-thread runtime and a service that answers a fixed 302 with two cookies, under the edge's
//! own limits and header settings, and like the edge without hyper's timer per request. What the edge costs beyond
//! this is the edge's own.
//!
//! Prints the port it listens on, then serves until it is killed or its parent ends.
#![expect(clippy::print_stdout, reason = "the runner reads the port from here")]

use anyhow::Result;
use benches::answer;
use bytes::Bytes;
use clap::Parser;
use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use redirector::config::Limits;
use std::convert::Infallible;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions};

#[derive(Parser)]
struct Arguments {
    /// Prints the fixed answer as JSON, for the configuration of other servers, and ends.
    #[arg(long)]
    print_answer: bool,
}

/// The fixed parts of the answer, validated once.
#[derive(Clone)]
struct Fixed {
    location: HeaderValue,
    cookies: [HeaderValue; 2],
}

fn main() -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    if Arguments::parse().print_answer {
        let words = serde_json::json!({ "location": answer::location(), "cookies": answer::cookies() });
        println!("{words}");
        return Ok(());
    }
    let [visitor, claim] = answer::cookies();
    let fixed = Fixed {
        location: HeaderValue::from_str(&answer::location())?,
        cookies: [HeaderValue::from_str(&visitor)?, HeaderValue::from_str(&claim)?],
    };
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(serve(fixed))
}

async fn serve(fixed: Fixed) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    rustix::net::listen(&listener, 4096)?;
    println!("port {}", listener.local_addr()?.port());
    let mut http = http1::Builder::new();
    let limits = Limits::default();
    http.header_read_timeout(None)
        .keep_alive(true)
        .half_close(false)
        .pipeline_flush(false)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let fixed = fixed.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let fixed = fixed.clone();
            async move {
                drop(request);
                Ok::<_, Infallible>(fixed.answer())
            }
        });
        tokio::task::spawn_local(http.serve_connection(TokioIo::new(stream), service));
    }
}

impl Fixed {
    fn answer(&self) -> Response<Empty<Bytes>> {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = StatusCode::FOUND;
        let headers = response.headers_mut();
        headers.insert(LOCATION, self.location.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        for cookie in &self.cookies {
            headers.append(SET_COOKIE, cookie.clone());
        }
        response
    }
}
