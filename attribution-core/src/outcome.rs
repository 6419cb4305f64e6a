//! The outcomes of a request: every answer the edge gives falls in exactly one of them.

use serde::{Deserialize, Serialize};

/// What became of one request. The names are fixed: records, metrics, pages and explanations use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// Method, host, framing or size: not a request we answer.
    Refused = 0,
    /// Too many misses from one address prefix.
    RateLimited = 1,
    /// No such code.
    NotFound = 2,
    /// Strict mode cannot promise durability now.
    Overloaded = 3,
    /// The merchant cancelled the promotion (当前页面已过期).
    PromotionCancelled = 4,
    /// The product was delisted.
    ProductDelisted = 5,
    /// The link's own life is over.
    LinkExpired = 6,
    /// The link starts later.
    NotYetEffective = 7,
    /// A HEAD request: never a click.
    Head = 8,
    /// The browser prefetches or prerenders: the real tap must come back to us.
    Prefetch = 9,
    /// A link-preview crawler.
    Preview = 10,
    /// Fetch metadata says image, frame, script, style: cookie stuffing or an embed.
    NotNavigation = 11,
    /// A bot.
    Bot = 12,
    /// The promoter is disabled.
    PromoterDisabled = 13,
    /// A banned category, a privacy signal that the programme honours, or a link that this programme does not count.
    Untracked = 14,
    /// A click that may earn.
    Attributed = 15,
}

impl Outcome {
    /// All outcomes, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Refused,
        Self::RateLimited,
        Self::NotFound,
        Self::Overloaded,
        Self::PromotionCancelled,
        Self::ProductDelisted,
        Self::LinkExpired,
        Self::NotYetEffective,
        Self::Head,
        Self::Prefetch,
        Self::Preview,
        Self::NotNavigation,
        Self::Bot,
        Self::PromoterDisabled,
        Self::Untracked,
        Self::Attributed,
    ];

    /// The fixed name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::RateLimited => "rate_limited",
            Self::NotFound => "not_found",
            Self::Overloaded => "overloaded",
            Self::PromotionCancelled => "promotion_cancelled",
            Self::ProductDelisted => "product_delisted",
            Self::LinkExpired => "link_expired",
            Self::NotYetEffective => "not_yet_effective",
            Self::Head => "head",
            Self::Prefetch => "prefetch",
            Self::Preview => "preview",
            Self::NotNavigation => "not_navigation",
            Self::Bot => "bot",
            Self::PromoterDisabled => "promoter_disabled",
            Self::Untracked => "untracked",
            Self::Attributed => "attributed",
        }
    }

    /// Reads a number as stored in a record.
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Why, beyond the outcome: for explanations and for the operator, never for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Reason {
    /// The outcome says it all.
    None = 0,
    /// `untracked`: the category is banned.
    CategoryBanned = 1,
    /// `untracked`: the browser sent Sec-GPC and the programme honours it.
    PrivacySignal = 2,
    /// `untracked`: the link was shared without the salesperson's badge (小黄人), which this programme requires.
    NoBadge = 3,
    /// `untracked`: the link was not converted through the alliance, which this programme requires.
    NotConverted = 4,
    /// `attributed`: an earlier claim is under protection and stays.
    ClaimKept = 5,
    /// `untracked`: this edge has been cut off for longer than the operator allows it to give claims.
    EdgeStale = 6,
    /// `untracked`: a page led here without a person's gesture, which this programme requires. Only the core says so.
    NoUserActivation = 7,
}

impl Reason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::CategoryBanned,
        Self::PrivacySignal,
        Self::NoBadge,
        Self::NotConverted,
        Self::ClaimKept,
        Self::EdgeStale,
        Self::NoUserActivation,
    ];

    /// Reads a number as stored in a record.
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_positions_agree() {
        for (position, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, position);
            assert_eq!(serde_json::to_string(&outcome).unwrap(), format!("\"{}\"", outcome.name()));
        }
        for (position, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position);
        }
    }
}
