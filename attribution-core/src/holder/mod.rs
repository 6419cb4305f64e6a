//! The record of who holds a visitor or buyer now, as it lies in Redis: key, bytes, and the script that folds.
//!
//! It is a view for fast questions, never the truth. Two kinds of writers share it: an edge delivers the clicks that
//! made a claim, at once and in any order (**provisional**); the core delivers its decisions, each with a version
//! (**authoritative**). The script folds them atomically inside Redis, so that the record depends on what was
//! delivered and not on the order or the number of deliveries:
//!
//! - among clicks the newest by (time, click id) wins, unless the programme protects an earlier one that still lives;
//! - a decision with a higher version replaces everything up to the click it covers; newer clicks count on top.
//!
//! Key: `yk:{b017}:h:p12:v<32 hex>` for a visitor under programme 12, `yk:{b017}:h:p12.t34:u<buyer id>` for a buyer
//! and target 34. `b000` to `b255` is the bucket of the visitor or buyer. Every record of one visitor is in one
//! bucket, and the braces make a Redis Cluster keep a bucket on one node: a script call takes keys of one bucket.
//! Under a platform's programme that counts by shop, `p12.mSHOP` is the record of one shop; `p12` is then that of the
//! shop clicked last.
//!
//! Value, big-endian: format 1 (u8), number of clicks n (u8), who holds (u8: 255 nobody, 254 the base, else the click's
//! position), flags (u8: 1 base present, 2 the base is the core's decision), decision version (u64), the holder's
//! protected-until and expires (u64 each); if there is a base, the place up to which it covers (time u64, click id 16),
//! until when it must be kept (u64) and its entry; then n entries of 48 bytes: time (48 bits), end (u8), guard (u8),
//! click id (16), promoter (u32), placement (u32), protected until (u64), expires (u64). Instants are milliseconds.
//!
//! The key expires with the last claim in it, or when no click that the decision covers could still make one. A reader
//! checks `expires` again: keys may outlive their holder.

mod layout;

pub use layout::{
    Decided, ENTRY_LEN, Guard, HISTORY_DEPTH, HolderClick, HolderError, HolderRecord, Holding, clicks_op,
    decided_op,
};

use crate::ids::{BuyerId, MerchantId, ProgrammeNum, TargetNum, VisitorId};

/// Folds clicks and decisions into records. KEYS: at most [`KEYS_PER_CALL`] records of one bucket; ARGV: one
/// operation per key, made by [`clicks_op`] or [`decided_op`]. Answers how many records it wrote and how many it
/// left alone because a newer version of this software wrote them.
pub const SCRIPT: &str = include_str!("holder.lua");
/// Keys of one call at most: a script blocks the whole server while it runs.
pub const KEYS_PER_CALL: usize = 100;

/// What a record covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HolderScope<'a> {
    /// Everything of a programme.
    Programme(ProgrammeNum),
    /// One shop of a platform's programme; written by the core alone.
    Shop(ProgrammeNum, &'a MerchantId),
    /// One target of a programme.
    Target(ProgrammeNum, TargetNum),
}

/// Whom a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Held<'a> {
    /// A browser; written by edges and the core.
    Visitor(VisitorId),
    /// A buyer, joined from visitors; written by the core alone.
    Buyer(&'a BuyerId),
}

impl Held<'_> {
    /// The bucket of all records about it.
    pub fn bucket(&self) -> u8 {
        let hash = match self {
            Self::Visitor(visitor) => crc32fast::hash(&visitor.0),
            Self::Buyer(buyer) => crc32fast::hash(buyer.as_str().as_bytes()),
        };
        hash.to_le_bytes()[0]
    }
}

/// The key of one record.
pub fn key(scope: HolderScope<'_>, held: Held<'_>) -> String {
    use std::fmt::Write as _;
    let mut key = format!("yk:{{b{:03}}}:h:", held.bucket());
    // Writing to a String cannot fail.
    let _ = match scope {
        HolderScope::Programme(programme) => write!(key, "p{}", programme.0),
        HolderScope::Shop(programme, merchant) => write!(key, "p{}.m{}", programme.0, merchant.as_str()),
        HolderScope::Target(programme, target) => write!(key, "p{}.t{}", programme.0, target.0),
    };
    let _ = match held {
        Held::Visitor(visitor) => write!(key, ":v{}", visitor.to_hex()),
        Held::Buyer(buyer) => write!(key, ":u{}", buyer.as_str()),
    };
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_change() {
        let visitor = VisitorId(*b"visitor-visitor!");
        let buyer: BuyerId = "buyer-1".parse().unwrap();
        let programme = ProgrammeNum(12);
        let shop: MerchantId = "shop-9".parse().unwrap();
        let rows = [
            (
                key(HolderScope::Programme(programme), Held::Visitor(visitor)),
                "yk:{b166}:h:p12:v76697369746f722d76697369746f7221",
            ),
            (
                key(HolderScope::Target(programme, TargetNum(34)), Held::Visitor(visitor)),
                "yk:{b166}:h:p12.t34:v76697369746f722d76697369746f7221",
            ),
            (key(HolderScope::Programme(programme), Held::Buyer(&buyer)), "yk:{b164}:h:p12:ubuyer-1"),
            (
                key(HolderScope::Shop(programme, &shop), Held::Buyer(&buyer)),
                "yk:{b164}:h:p12.mshop-9:ubuyer-1",
            ),
        ];
        for (made, fixed) in rows {
            assert_eq!(made, fixed);
        }
    }
}
