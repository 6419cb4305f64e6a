//! The keys of the edge under test. They stand in the open: they sign nothing but benchmarks.

use crate::synthetic::CHECK_KEY;
use attribution_core::click::EdgeId;
use attribution_core::token::{BrowserKeys, ClickKeys, MasterKey};
use redirector::EdgeKeys;

/// The edge under test.
pub const EDGE: EdgeId = EdgeId(1);

/// The master of all benchmark keys.
pub fn master() -> MasterKey {
    MasterKey::new(1, *b"benchmark keys sign nothing else")
}

/// What the edge gets.
pub fn edge() -> EdgeKeys {
    EdgeKeys {
        browser: BrowserKeys::derive(&master(), None),
        click: ClickKeys::edge_key(&master(), EDGE),
        check: CHECK_KEY,
        address_secret: [7; 32],
    }
}

/// What the core would verify click tokens with.
pub fn core() -> ClickKeys {
    ClickKeys::new(vec![master()])
}
