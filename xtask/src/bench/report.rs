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

/// A ratio and what it shall be.
struct Goal {
    words: &'static str,
    value: Option<f64>,
    goal: f64,
    at_least: bool,
}

/// Prints the ratios; returns whether all reach their goals.
pub(super) fn ratios(series: &[Series], open: &[Series]) -> bool {
    let find = |list: &[Series], name: &str, figure: fn(&Figures) -> f64| {
        list.iter().find(|line| line.case.name == name).map(|line| line.median(figure))
    };
    let cpu = |name: &str| find(series, name, |f| f.server_cpu_us);
    let over = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let edge = edge_name(MAIN_LINKS, "uniform");
    let small = |popularity| cpu(&edge_name(SMALL_LINKS, popularity));
    let large = |popularity| cpu(&edge_name(10_000_000, popularity));
    let p99 = |list, name: &str| find(list, name, |f| f.p99_us);
    let at_least = |words, value, goal| Goal { words, value, goal, at_least: true };
    let at_most = |words, value, goal| Goal { words, value, goal, at_least: false };
    let goals = [
        at_least("bare hyper's cpu / edge's, 1,000,000 links", over(cpu("hyper"), cpu(&edge)), 0.93),
        at_least("nginx's with a buffered log / edge's", over(cpu("nginx"), cpu(&edge)), 1.05),
        at_least("HAProxy's / edge's", over(cpu("haproxy"), cpu(&edge)), 1.05),
        at_least("the raw floor's / edge's", over(cpu("raw"), cpu(&edge)), 0.62),
        at_least(
            "one connection per click: bare hyper's / edge's",
            over(cpu("close hyper"), cpu("close edge")),
            0.95,
        ),
        at_most("10,000,000 links / 1,000, zipf", over(large("zipf"), small("zipf")), 1.07),
        at_most("10,000,000 links / 1,000, uniform", over(large("uniform"), small("uniform")), 1.12),
        at_most(
            "p99 at saturation: edge's / bare hyper's",
            over(p99(series, &edge), p99(series, "hyper")),
            1.3,
        ),
        at_most(
            "p99 open loop at half the peak: edge's / bare hyper's",
            over(p99(open, &edge), p99(open, "hyper")),
            1.2,
        ),
    ];
    println!("\n{:<56} {:>8}  goal", "ratio", "value");
    let mut all = true;
    for Goal { words, value, goal, at_least } in goals {
        let sign = if at_least { ">=" } else { "<=" };
        let Some(value) = value else {
            println!("{words:<56} {:>8}  {sign} {goal} (not measured in this run)", "-");
            continue;
        };
        let reached = if at_least { value >= goal } else { value <= goal };
        all &= reached;
        println!(
            "{words:<56} {value:>8.3}  {sign} {goal} {}",
            if reached { "reached" } else { "NOT REACHED" }
        );
    }
    all
}
