//! Who makes room when there are as many connections as there may be: whoever holds many and waits with them.
//!
//! A newcomer gets the place of a waiting connection whose address prefix holds more connections than the newcomer's
//! own: the one of the largest holder that has waited longest. So idle or slow sockets keep out only networks that hold
//! as many themselves; requests under way are never given up. The connections of its worker are counted once a second,
//! and only when it is full; until then, whoever comes and whoever gives way changes the counts, so that a prefix that
//! held nothing a moment ago displaces others only until it holds as many as they do.

use crate::connection::{Connection, Order};
use attribution_core::record::AddressPrefix;
use std::collections::HashMap;
use std::rc::Rc;

/// The view of one second, kept up with who came and who gave way since. Those who left by themselves still count in it.
#[derive(Default)]
pub(crate) struct Hoard {
    second: Option<u32>,
    held: HashMap<AddressPrefix, u32>,
    /// Those that wait; the last one goes first, as the largest holder was when it was looked.
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
                if let Some(held) = self.held.get_mut(&last.prefix()) {
                    *held -= 1;
                }
                self.came(prefix);
                return Some(last);
            }
        }
        None
    }

    /// A connection of `prefix` has got a place.
    pub(crate) fn came(&mut self, prefix: AddressPrefix) {
        if self.second.is_some() {
            *self.held.entry(prefix).or_default() += 1;
        }
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
        assert_eq!(next("10.8.0.1"), Some(2), "the one that has an answer coming stays");
        assert_eq!(next("10.1.0.9"), None, "nobody holds more");
        assert_eq!(next("10.9.0.1"), Some(0));
    }

    #[test]
    fn a_newcomer_displaces_others_only_until_it_holds_as_many() {
        let mut all: Vec<_> = (0..10).map(|host| connection(&format!("10.0.0.{host}"), 1)).collect();
        all.extend((0..4).map(|host| connection(&format!("10.1.0.{host}"), 1)));
        let mut hoard = Hoard::default();
        let mut displaced = |of: &str| {
            let found = hoard.gives_way(all.iter(), prefix(of), 9);
            found.inspect(|other| other.give(Order::Close)).map(|other| other.prefix())
        };
        for _ in 0..5 {
            assert_eq!(displaced("10.9.0.1"), Some(prefix("10.0.0.1")));
        }
        assert_eq!(displaced("10.9.0.1"), None, "it holds five by now, as the largest does");
        assert_eq!(displaced("10.8.0.1"), Some(prefix("10.0.0.1")), "which is nothing to somebody else");
    }

    #[test]
    fn who_came_when_there_was_a_place_counts_too() {
        let all: Vec<_> = (0..3).map(|host| connection(&format!("10.0.0.{host}"), 1)).collect();
        let mut hoard = Hoard::default();
        assert!(hoard.gives_way(all.iter(), prefix("10.0.0.9"), 9).is_none());
        hoard.came(prefix("10.9.0.1"));
        hoard.came(prefix("10.9.0.1"));
        assert!(hoard.gives_way(all.iter(), prefix("10.8.0.1"), 9).is_some());
        assert!(hoard.gives_way(all.iter(), prefix("10.9.0.1"), 9).is_none());
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
