//! The table, the ratios and whether each reaches its goal.

use super::blast::Figures;
use super::plan::{Case, MAIN_LINKS, SMALL_LINKS, edge_name};

/// All rounds of one case.
pub(super) struct Series {
    pub(super) case: Case,
    pub(super) rounds: Vec<Figures>,
}

impl Series {
    /// The median of a figure over the rounds.
    pub(super) fn median(&self, figure: fn(&Figures) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        match values.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => values[n / 2],
            n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
        }
    }

    fn bounds(&self, figure: fn(&Figures) -> f64) -> (f64, f64) {
        let values = self.rounds.iter().map(figure);
        values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    }
}

/// Prints every case: medians, and the least and most over the rounds for the processor time.
pub(super) fn table(series: &[Series]) {
    println!(
        "\n{:<24} {:>9} {:>17} {:>10} {:>9} {:>9} {:>6} {:>8} {:>6}",
        "case", "cpu us", "min..max", "answers/s", "p50 us", "p99 us", "busy", "loader", "bytes"
    );
    for line in series {
        let (low, high) = line.bounds(|f| f.server_cpu_us);
        println!(
            "{:<24} {:>9.3} {:>17} {:>10.0} {:>9.0} {:>9.0} {:>6.2} {:>8.2} {:>6}",
            line.case.name,
            line.median(|f| f.server_cpu_us),
            format!("{low:.3}..{high:.3}"),
            line.median(|f| f.per_second),
            line.median(|f| f.p50_us),
            line.median(|f| f.p99_us),
            line.median(|f| f.server_busy),
            line.median(|f| f.loader_cpu_us),
            line.rounds.first().map_or(0, |f| f.answer_bytes),
        );
    }
    println!(
        "cpu us: the server's processor time per answer over all its threads (schedstat); trust this one."
    );
    println!(
        "busy: share of the time the server ran; near 1 it was the server that was full, not the loader."
    );
}

/// A ratio of two cases: of their medians, and within each round.
struct Ratio {
    medians: f64,
    low: f64,
    high: f64,
}

/// `None` if a case was not measured.
fn ratio(above: Option<&Series>, below: Option<&Series>, figure: fn(&Figures) -> f64) -> Option<Ratio> {
    let (above, below) = (above?, below?);
    let rounds = above.rounds.iter().zip(&below.rounds).map(|(a, b)| figure(a) / figure(b));
    let (low, high) = rounds
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    Some(Ratio { medians: above.median(figure) / below.median(figure), low, high })
}

/// What a ratio shall be.
enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// Prints the ratios; returns whether all reach their goals.
pub(super) fn ratios(series: &[Series], open: &[Series]) -> bool {
    use Goal::{AtLeast, AtMost};
    let main = edge_name(MAIN_LINKS, "uniform");
    let closed = |name: &str| series.iter().find(|line| line.case.name == name);
    let opened = |name: &str| open.iter().find(|line| line.case.name == name);
    let cpu = |above: &str, below: &str| ratio(closed(above), closed(below), |f| f.server_cpu_us);
    let growth = |popularity| cpu(&edge_name(10_000_000, popularity), &edge_name(SMALL_LINKS, popularity));
    let goals = [
        ("cpu: bare hyper / edge, 1,000,000 links", cpu("hyper", &main), AtLeast(0.93)),
        ("cpu: nginx with a buffered log / edge", cpu("nginx", &main), AtLeast(1.05)),
        ("cpu: HAProxy / edge", cpu("haproxy", &main), AtLeast(1.05)),
        ("cpu: raw floor / edge", cpu("raw", &main), AtLeast(0.62)),
        ("cpu, one connection per click: bare hyper / edge", cpu("close hyper", "close edge"), AtLeast(0.95)),
        ("cpu: 10,000,000 links / 1,000, zipf", growth("zipf"), AtMost(1.07)),
        ("cpu: 10,000,000 links / 1,000, uniform", growth("uniform"), AtMost(1.12)),
        (
            "p99 at saturation: edge / bare hyper",
            ratio(closed(&main), closed("hyper"), |f| f.p99_us),
            AtMost(1.3),
        ),
        (
            "p99, open loop at half the peak: edge / bare hyper",
            ratio(opened(&main), opened("hyper"), |f| f.p99_us),
            AtMost(1.2),
        ),
    ];
    println!("\n{:<52} {:>8} {:>16}  goal", "ratio", "medians", "single rounds");
    let mut all = true;
    for (words, ratio, goal) in goals {
        let (sign, bound) = match goal {
            AtLeast(bound) => (">=", bound),
            AtMost(bound) => ("<=", bound),
        };
        let Some(Ratio { medians, low, high }) = ratio else {
            println!("{words:<52} {:>8} {:>16}  {sign} {bound} (not measured in this run)", "-", "-");
            continue;
        };
        let reached = if matches!(goal, AtLeast(_)) { medians >= bound } else { medians <= bound };
        all &= reached;
        let verdict = if reached { "reached" } else { "NOT REACHED" };
        println!(
            "{words:<52} {medians:>8.3} {:>16}  {sign} {bound} {verdict}",
            format!("{low:.3}..{high:.3}")
        );
    }
    all
}
