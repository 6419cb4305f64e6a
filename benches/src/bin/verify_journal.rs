//! After a run: does the journal have a record for every redirect, and do the sampled answers carry tokens that
//! verify and name the record of their click?
#![expect(clippy::print_stdout, reason = "it tells the person at the terminal what it found")]

use anyhow::{Context as _, Result, bail, ensure};
use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::code::Code;
use attribution_core::ids::VisitorId;
use attribution_core::outcome::Outcome;
use attribution_core::record::{ClickRecord, KIND_CLICK};
use attribution_core::token::{BrowserKeys, ClaimToken, ClickToken, VisitorToken};
use benches::blast::report::Sample;
use benches::keys;
use benches::synthetic::CHECK_KEY;
use clap::Parser;
use journal::{Journal, Opened, Options};
use redirector::clock;
use std::collections::HashMap;
use std::path::PathBuf;

#[derive(Parser)]
struct Arguments {
    /// The edge's data directory.
    #[arg(long)]
    data: PathBuf,
    /// The sampled answers, as JSON lines.
    #[arg(long)]
    samples: PathBuf,
    /// Redirects that were answered, whether or not they were sampled.
    #[arg(long)]
    redirects: u64,
}

/// What the journal says of one click.
struct Recorded {
    code: Code,
    visitor: VisitorId,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let text = std::fs::read_to_string(&arguments.samples).context("the samples")?;
    let samples: Vec<Sample> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let claims: HashMap<ClickId, Claimed> = samples
        .iter()
        .map(|sample| verify(sample).map(|claimed| (claimed.token.click, claimed)))
        .collect::<Result<_>>()?;
    ensure!(claims.len() == samples.len(), "two answers name the same click");

    let (mut records, mut found) = (0u64, 0usize);
    each_attributed(&arguments.data, |id, recorded| {
        records += 1;
        let Some(claimed) = claims.get(&id) else { return Ok(()) };
        ensure!(recorded.code == claimed.code, "click {id} is recorded with another code");
        ensure!(recorded.visitor == claimed.token.visitor, "click {id} is recorded with another visitor");
        found += 1;
        Ok(())
    })?;
    println!(
        "edge journal: {} redirects answered, {records} records; {} sampled answers verified, {found} of them found",
        arguments.redirects,
        samples.len()
    );
    ensure!(found == samples.len(), "an answer has no record");
    ensure!(records == arguments.redirects, "records and redirects differ");
    Ok(())
}

/// What a sampled answer claims, once its signatures hold.
struct Claimed {
    code: Code,
    token: ClickToken,
}

fn verify(sample: &Sample) -> Result<Claimed> {
    let now = clock::now();
    let browser = BrowserKeys::derive(&keys::master(), None);
    let code = Code::parse(sample.code.as_bytes(), CHECK_KEY).context("the sampled code")?;
    let location = header(sample, "location").next().context("an answer without Location")?;
    let token = location.rsplit_once("yk_click=").context("a Location without a click token")?.1;
    let token = ClickToken::open(token.as_bytes(), &keys::core()).context("the click token")?;
    let cookie = |name: &str| {
        header(sample, "set-cookie")
            .find_map(|cookie| cookie.strip_prefix(name)?.split(';').next())
            .with_context(|| format!("an answer without the cookie {name}"))
    };
    let visitor = VisitorToken::open_any_domain(cookie("yk_v=")?.as_bytes(), &browser, now)?;
    let claim = ClaimToken::open(cookie("yk_c_bench=")?.as_bytes(), &browser, visitor.audience, now)?;
    if token.code != code || claim.click != token.click || visitor.visitor != token.visitor {
        bail!("the tokens of one answer contradict each other: {}", sample.head);
    }
    Ok(Claimed { code, token })
}

fn header<'a>(sample: &'a Sample, name: &'a str) -> impl Iterator<Item = &'a str> {
    sample
        .head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter_map(move |(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
}

/// Reads every stream of earlier starts; everything below was written before the edge ended.
fn each_attributed(
    data: &std::path::Path,
    mut each: impl FnMut(ClickId, Recorded) -> Result<()>,
) -> Result<()> {
    let options = Options::new(data.join("journal"), keys::EDGE.0, 1);
    let Opened { journal, .. } = Journal::open(&options, clock::now().millis(), 1).context("the journal")?;
    for info in journal.streams().into_iter().filter(|info| !info.live) {
        let stream = Stream {
            edge: EdgeId(info.stream.edge),
            epoch: Epoch(info.stream.epoch),
            worker: WorkerId(info.stream.worker),
        };
        let mut reader = journal.reader(info.stream, info.first).context("a stream without a reader")?;
        while let Some(frame) = reader.next(info.next).context("a damaged frame")? {
            if frame.payload.first() != Some(&KIND_CLICK) {
                continue;
            }
            let record = ClickRecord::decode(frame.payload)?;
            if record.outcome == Outcome::Attributed {
                let recorded = Recorded { code: record.code, visitor: record.visitor };
                each(ClickId::new(stream, frame.sequence), recorded)?;
            }
        }
    }
    Ok(())
}
