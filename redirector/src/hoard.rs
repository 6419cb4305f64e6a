//! Who makes room when there are as many connections as there may be: whoever holds many and waits with them.
//!
//! A newcomer gets the place of a waiting connection whose address prefix holds more connections than the newcomer's
//! own: the one of the largest holder that has waited longest. So many idle or slow sockets keep nobody out but their
//! own network; requests under way are never given up. Prefixes are counted once a second, and only when it is full.

use crate::connection::{Connection, Order};
use attribution_core::record::AddressPrefix;
use std::collections::HashMap;
use std::rc::Rc;

/// The view of one second.
#[derive(Default)]
pub(crate) struct Hoard {
    second: Option<u32>,
    held: HashMap<AddressPrefix, u32>,
    /// Those that wait; the last one goes first.
    waiting: Vec<Rc<Connection>>,
}

impl Hoard {
    /// The connection whose place a newcomer of `prefix` gets; `None` if nobody holds more than its own network does.
    pub(crate) fn gives_way<'c>(
        &mut self,
        connections: impl Iterator<Item = &'c Rc<Connection>>,
        prefix: AddressPrefix,
        second: u32,
    ) -> Option<Rc<Connection>> {
        if self.second != Some(second) {
            self.look(connections);
            self.second = Some(second);
        }
        let own = self.held.get(&prefix).copied().unwrap_or_default();
        while let Some(last) = self.waiting.last() {
            if self.held.get(&last.prefix()).is_none_or(|held| *held <= own) {
                return None;
            }
            let last = self.waiting.pop()?;
            if last.waits_for_head() && last.order() != Order::Close {
                return Some(last);
            }
        }
        None
    }

    fn look<'c>(&mut self, connections: impl Iterator<Item = &'c Rc<Connection>>) {
        self.held.clear();
        self.waiting.clear();
        for connection in connections {
            *self.held.entry(connection.prefix()).or_default() += 1;
            if connection.waits_for_head() {
                self.waiting.push(Rc::clone(connection));
            }
        }
        let held = &self.held;
        self.waiting.sort_by_cached_key(|connection| {
            (held.get(&connection.prefix()).copied(), std::cmp::Reverse(connection.since()))
        });
    }

    /// Lets go of what it saw: connections that have ended need not be kept.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Waits;

    fn connection(peer: &str, second: u32) -> Rc<Connection> {
        Rc::new(Connection::new(peer.parse().unwrap(), &[], second))
    }

    fn prefix(peer: &str) -> AddressPrefix {
        AddressPrefix::of(peer.parse().unwrap())
    }

    #[test]
    fn the_largest_holders_longest_wait_ends_first() {
        let all = [
            connection("10.0.0.1", 7),
            connection("10.0.0.2", 5),
            connection("10.0.0.3", 6),
            connection("10.1.0.1", 1),
            connection("10.1.0.2", 2),
            connection("10.2.0.1", 1),
        ];
        all[1].now_waits(Waits::ForAnswer, 5);
        let mut hoard = Hoard::default();
        let mut next = |of: &str| {
            let found = hoard.gives_way(all.iter(), prefix(of), 9)?;
            found.give(Order::Close);
            all.iter().position(|one| Rc::ptr_eq(one, &found))
        };
        assert_eq!(next("10.0.0.9"), None, "the largest holder itself");
        assert_eq!(next("10.9.0.1"), Some(2), "the one that has an answer coming stays");
        assert_eq!(next("10.2.0.9"), Some(0));
        assert_eq!(next("10.1.0.9"), None, "nobody holds more");
        assert_eq!(next("10.9.0.1"), Some(3));
    }

    #[test]
    fn it_looks_again_in_the_next_second() {
        let mut hoard = Hoard::default();
        let one = [connection("10.0.0.1", 1)];
        assert!(hoard.gives_way([].iter(), prefix("10.9.0.1"), 1).is_none());
        assert!(hoard.gives_way(one.iter(), prefix("10.9.0.1"), 1).is_none());
        assert!(hoard.gives_way(one.iter(), prefix("10.9.0.1"), 2).is_some());
    }
}
