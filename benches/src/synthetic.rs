//! A made-up catalogue of any size: loader and server compute the same codes from a number, so no list is passed.

use attribution_core::catalogue::{
    Change, LinkFlags, LinkRow, LinkSeconds, NumberedChange, PlacementRow, ProgrammeRow, PromoterRow,
    TargetRow,
};
use attribution_core::code::{BODIES, CheckKey, Code};
use attribution_core::ids::{IdError, PlacementNum, ProgrammeId, ProgrammeNum, PromoterNum, TargetNum};
use attribution_core::time::{DAY_MS, Instant};
use loadtest::random::{Random, mix};
use loadtest::zipf::Zipf;

/// The check key of all benchmarks.
pub const CHECK_KEY: CheckKey = CheckKey::new(*b"benchkey");
/// Promoters, placements (one each) and targets, however many links there are.
pub const TARGETS: u32 = 1_000;
const PROMOTERS: u32 = 1_000;
/// Spreads popular ranks over the whole table; prime, so it shares no factor with a link count.
const SPREAD: u64 = 2_654_435_761;

/// The code of link number `index`.
pub fn code(index: u64) -> Code {
    Code::from_body(mix(index + 1) % BODIES, CHECK_KEY).unwrap_or_default()
}

/// Rows that stand before the links in the change feed: one programme, promoters, placements, targets.
const SMALL_ROWS: u64 = 1 + 2 * PROMOTERS as u64 + TARGETS as u64;

/// The last change number of a catalogue of `links` links.
pub const fn head(links: u64) -> u64 {
    SMALL_ROWS + links
}

/// Change number `number` (from 1 on) of the catalogue.
///
/// # Errors
/// Never: the programme's id is a valid one.
pub fn change(number: u64) -> Result<NumberedChange, IdError> {
    let promoters = u64::from(PROMOTERS);
    #[expect(clippy::cast_possible_truncation, reason = "small rows are few; link numbers are reduced first")]
    let small = |n: u64| n as u32;
    let change = match number.saturating_sub(1) {
        0 => Change::Programme(programme()?),
        n if n <= promoters => {
            Change::Promoter(PromoterRow { num: PromoterNum(small(n)), disabled_from: None })
        }
        n if n <= 2 * promoters => {
            let num = small(n - promoters);
            Change::Placement(PlacementRow {
                num: PlacementNum(num),
                promoter: PromoterNum(num),
                programme: ProgrammeNum(1),
            })
        }
        n if n < SMALL_ROWS => Change::Target(target(small(n - 2 * promoters))),
        n => {
            let index = n - SMALL_ROWS;
            let spread = mix(index);
            Change::Link(LinkRow {
                code: code(index),
                placement: PlacementNum(small(spread % promoters) + 1),
                target: TargetNum(small((spread >> 32) % u64::from(TARGETS)) + 1),
                starts: LinkSeconds::NONE,
                expires: LinkSeconds(u32::MAX),
                flags: LinkFlags::default(),
            })
        }
    };
    Ok(NumberedChange { number, at: Instant(0), change })
}

fn programme() -> Result<ProgrammeRow, IdError> {
    Ok(ProgrammeRow::lax(ProgrammeNum(1), ProgrammeId::new("bench")?, 15 * DAY_MS))
}

fn target(num: u32) -> TargetRow {
    TargetRow::product(
        TargetNum(num),
        format!("https://shop.example/item/{num:06}?utm_source=promo&utm_medium=link"),
        format!("商品 {num}"),
    )
}

/// How popular the links are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Popularity {
    /// All alike.
    Uniform,
    /// A few links get most of the taps (exponent 1).
    Zipf,
    /// No such link: codes that pass the check character and are in no table.
    Unknown,
}

/// `count` codes to ask for, as text, drawn beforehand so that drawing costs the loader nothing.
pub fn draw(links: u64, popularity: Popularity, count: usize, seed: u64) -> Vec<[u8; 9]> {
    let mut random = Random::new(seed);
    let zipf = Zipf::new(links, 1.0);
    (0..count)
        .map(|_| match popularity {
            Popularity::Uniform => code(random.below(links)).text(),
            Popularity::Zipf => code(zipf.draw(&mut random).wrapping_mul(SPREAD) % links).text(),
            Popularity::Unknown => code((1 << 40) + random.below(1 << 40)).text(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_has_every_row_once_and_links_point_at_rows_that_exist() {
        let links = 500;
        let (mut promoters, mut placements, mut targets, mut found) = (0, 0, 0, 0);
        for number in 1..=head(links) {
            match change(number).unwrap().change {
                Change::Promoter(_) => promoters += 1,
                Change::Placement(row) => {
                    placements += 1;
                    assert!((1..=PROMOTERS).contains(&row.promoter.0));
                }
                Change::Target(row) => {
                    targets += 1;
                    assert_eq!(row.num.0, targets);
                }
                Change::Link(row) => {
                    assert_eq!(row.code, code(found));
                    found += 1;
                }
                _ => {}
            }
        }
        assert_eq!((promoters, placements, targets, found), (PROMOTERS, PROMOTERS, TARGETS, links));
    }

    #[test]
    fn drawn_codes_are_in_the_table_unless_they_shall_not_be() {
        let all: std::collections::HashSet<_> = (0..100).map(|i| code(i).text()).collect();
        for popularity in [Popularity::Uniform, Popularity::Zipf] {
            assert!(draw(100, popularity, 1_000, 1).iter().all(|code| all.contains(code)));
        }
        assert!(draw(100, Popularity::Unknown, 1_000, 1).iter().all(|code| !all.contains(code)));
    }
}
