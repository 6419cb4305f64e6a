//! What a ban (禁推) does to an order line, also one that is made known after the day it takes effect.
//!
//! Orders created before the ban keep settling. Of the others, what is not settled yet earns nothing; what has settled
//! already is never taken back by itself: a person decides.

use crate::ids::CategoryId;
use crate::ledger::Entry;
use crate::policy::BanRule;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What a ban does to a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum BanEffect {
    /// Nothing: no ban covers it, or there is nothing to lose.
    None,
    /// Its pending commission is void.
    Void {
        /// The category.
        category: CategoryId,
        /// Banned since.
        since: Instant,
    },
    /// It has settled: for a person to look at.
    FlagSettled {
        /// The category.
        category: CategoryId,
        /// Banned since.
        since: Instant,
    },
}

/// The ban that covers goods ordered at `created`: the narrowest category's, the longest in force.
pub fn covering<'a>(
    bans: &(impl Iterator<Item = &'a BanRule> + Clone),
    categories: &'a [CategoryId],
    created: Instant,
) -> Option<(&'a CategoryId, Instant)> {
    categories.iter().find_map(|category| {
        let hits = bans.clone().filter(|ban| ban.forbids(category, created));
        hits.map(|ban| ban.effective_from).min().map(|since| (category, since))
    })
}

/// What the bans do to a line that was ordered at `created` and stands at `entry`.
pub fn effect(bans: &[BanRule], categories: &[CategoryId], created: Instant, entry: Entry) -> BanEffect {
    let Some((category, since)) = covering(&bans.iter(), categories, created) else { return BanEffect::None };
    let category = category.clone();
    match entry {
        Entry::Tracked | Entry::Expected | Entry::Matured | Entry::ManualRequired => {
            BanEffect::Void { category, since }
        }
        Entry::Settled => BanEffect::FlagSettled { category, since },
        Entry::Invalid => BanEffect::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Preset;
    use crate::testing::at;

    fn category(name: &str) -> CategoryId {
        CategoryId::new(name).unwrap()
    }

    #[test]
    fn a_ban_made_known_late_voids_what_is_pending_and_flags_what_has_settled() {
        let bans = Preset::AllianceCreditBan.policy().bans;
        let since = at("2021-03-24 00:00:00");
        let credit = [category("gift-cards"), category("shopping-credit"), category("virtual")];
        let void = BanEffect::Void { category: category("shopping-credit"), since };
        let flag = BanEffect::FlagSettled { category: category("shopping-credit"), since };
        let rows = [
            ("2021-03-23 23:59:59", Entry::Expected, BanEffect::None),
            ("2021-03-24 00:00:00", Entry::Tracked, void.clone()),
            ("2021-03-25 10:00:00", Entry::Expected, void.clone()),
            ("2021-03-25 10:00:00", Entry::Matured, void.clone()),
            ("2021-03-25 10:00:00", Entry::ManualRequired, void),
            ("2021-03-26 10:00:00", Entry::Settled, flag),
            ("2021-03-26 10:00:00", Entry::Invalid, BanEffect::None),
        ];
        for (created, entry, expected) in rows {
            assert_eq!(effect(&bans, &credit, at(created), entry), expected, "{created} {entry:?}");
        }
        let other = [category("shoes")];
        assert_eq!(effect(&bans, &other, at("2021-03-25 10:00:00"), Entry::Expected), BanEffect::None);
    }

    #[test]
    fn of_two_bans_the_longer_one_counts_and_a_lifted_one_no_more() {
        let ban = |from: &str, to: Option<&str>| BanRule {
            category: category("credit"),
            effective_from: at(from),
            effective_to: to.map(at),
            announced_at: None,
        };
        let bans = [ban("06-05 00:00:00", None), ban("06-01 00:00:00", Some("06-10 00:00:00"))];
        let goods = [category("credit")];
        let since = |when: &str| covering(&bans.iter(), &goods, at(when)).map(|(_, since)| since);
        assert_eq!(since("05-31 23:59:59"), None);
        assert_eq!(since("06-07 00:00:00"), Some(at("06-01 00:00:00")));
        assert_eq!(since("06-10 00:00:00"), Some(at("06-05 00:00:00")));
    }
}
