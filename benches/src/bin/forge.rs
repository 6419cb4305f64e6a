//! Forged tokens in large numbers, and whether the time of a refusal tells how much of a tag was right.
//!
//! The second is measured as dudect does it: two classes of tags, wrong in their first byte and wrong in their last, are
//! refused in random order, and Welch's t compares the times, of all of them and with ever more of the slow ones left
//! out. The same with a comparison that stops at the first difference must be found out, or the machine is too noisy
//! for the other result to mean anything.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use anyhow::{Result, ensure};
use attribution_core::fuzzing::{TAG_TEXT_LEN, is_accepted, random_tags, signed_tokens};
use clap::Parser;
use std::hint::black_box;
use std::time::Instant;

/// Above it, two classes differ; the customary bound.
const BOUND: f64 = 4.5;
/// Shares of the samples that are compared, the fastest, in percent.
const SHARES: [usize; 6] = [100, 99, 95, 90, 75, 50];

#[derive(Parser)]
struct Arguments {
    /// Random tags.
    #[arg(long, default_value_t = 100_000_000)]
    tags: u64,
    /// Refusals whose time is taken.
    #[arg(long, default_value_t = 2_000_000)]
    samples: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let began = Instant::now();
    let accepted: u64 = std::thread::scope(|scope| {
        let share = arguments.tags.div_ceil(workers);
        let all: Vec<_> =
            (0..workers).map(|seed| scope.spawn(move || random_tags(seed << 48, share))).collect();
        all.into_iter().map(|one| one.join().unwrap_or(u64::MAX)).fold(0, u64::saturating_add)
    });
    println!("{} random tags in {:.0} s: {accepted} accepted", arguments.tags, began.elapsed().as_secs_f64());
    ensure!(accepted == 0, "forged tokens were accepted");

    let [_, _, token] = signed_tokens();
    let classes = [first_byte_wrong(&token), last_byte_wrong(&token)];
    let ours = measure(arguments.samples, &classes, is_accepted);
    let leaky = measure(arguments.samples, &classes, |text| {
        is_accepted(text) | stops_at_the_first_difference(text, &token)
    });
    println!(
        "{} refusals: |t| = {ours:.2} (bound {BOUND}); with a leaking comparison: {leaky:.2}",
        arguments.samples
    );
    ensure!(leaky > BOUND, "too noisy here: not even a leaking comparison is found out");
    ensure!(ours < BOUND, "the time of a refusal tells where a tag is wrong");
    Ok(())
}

/// Tags that are wrong from one character on for each of 32 other characters there.
fn wrong_at(token: &[u8], at: usize) -> Vec<Vec<u8>> {
    let others = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let changed = others.iter().filter(|other| **other != token[at]).take(32).map(|other| {
        let mut changed = token.to_vec();
        changed[at] = *other;
        changed
    });
    changed.collect()
}

fn first_byte_wrong(token: &[u8]) -> Vec<Vec<u8>> {
    wrong_at(token, token.len() - TAG_TEXT_LEN)
}

/// The last character holds two bits only; the one before it belongs to the last bytes.
fn last_byte_wrong(token: &[u8]) -> Vec<Vec<u8>> {
    wrong_at(token, token.len() - 2)
}

fn stops_at_the_first_difference(text: &[u8], right: &[u8]) -> bool {
    let tags = [text, right].map(|token| &token[token.len() - TAG_TEXT_LEN..]);
    tags[0].iter().zip(tags[1]).all(|(a, b)| black_box(*a) == black_box(*b))
}

/// The largest |t| between the times of both classes.
fn measure(samples: usize, classes: &[Vec<Vec<u8>>; 2], refuse: impl Fn(&[u8]) -> bool) -> f64 {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut times: Vec<(u32, bool)> = Vec::with_capacity(samples);
    // All are read from the same place: where a token lies in memory must not look like what is wrong with it.
    let mut token = classes[0][0].clone();
    for _ in 0..samples {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let class = state & 1 == 1;
        let texts = &classes[usize::from(class)];
        let text = &texts[(state >> 32) as usize % texts.len()];
        token.copy_from_slice(text);
        let began = Instant::now();
        black_box(refuse(black_box(&token)));
        times.push((u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX), class));
    }
    let mut sorted: Vec<u32> = times.iter().map(|(time, _)| *time).collect();
    sorted.sort_unstable();
    let of_share = |share: usize| {
        let slowest = sorted[(samples - 1) * share / 100];
        let class = |wanted| times.iter().filter(move |(time, class)| *time <= slowest && *class == wanted);
        welch(class(false).map(|(time, _)| f64::from(*time)), class(true).map(|(time, _)| f64::from(*time)))
            .abs()
    };
    SHARES.into_iter().map(of_share).fold(0.0, f64::max)
}

/// Welch's t.
fn welch(a: impl Iterator<Item = f64>, b: impl Iterator<Item = f64>) -> f64 {
    let ((n_a, mean_a, var_a), (n_b, mean_b, var_b)) = (moments(a), moments(b));
    (mean_a - mean_b) / (var_a / n_a + var_b / n_b).sqrt()
}

/// Number, mean and variance, in one pass.
fn moments(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        n += 1.0;
        let delta = value - mean;
        mean += delta / n;
        squares += delta * (value - mean);
    }
    (n, mean, squares / (n - 1.0))
}
