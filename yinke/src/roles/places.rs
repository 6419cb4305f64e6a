//! The connections that a server holds: so many in all, and a part of them for one client. Without the first, strangers take the
//! files that the store needs; without the second, one stranger keeps everybody out.

use rustix::process::{Resource, getrlimit};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use tokio::task::Id;

/// Connections at once, where the limit of open files allows as many.
const MOST: usize = 4_096;
/// One client has at most one in so many of them.
const PARTS: usize = 4;

/// Who has which place. Kept by the one task that accepts.
pub(super) struct Places {
    most: usize,
    each: usize,
    taken: HashMap<Id, IpAddr>,
    of: HashMap<IpAddr, usize>,
}

impl Places {
    /// As many as half of the process's files, the other half being the store's, the edge's and those of requests to others.
    pub(super) fn of_this_process() -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self::new(usize::try_from(files / 2).unwrap_or(MOST).min(MOST))
    }

    pub(super) fn new(most: usize) -> Self {
        Self { most, each: (most / PARTS).max(1), taken: HashMap::new(), of: HashMap::new() }
    }

    /// Whether none is left: the next client waits in the kernel's queue.
    pub(super) fn are_full(&self) -> bool {
        self.taken.len() >= self.most
    }

    /// Whether this client has all that one may have.
    pub(super) fn has_its_part(&self, client: IpAddr) -> bool {
        self.of.get(&network(client)).is_some_and(|held| *held >= self.each)
    }

    /// A client's connection begins; a task of this name serves it.
    pub(super) fn take(&mut self, task: Id, client: IpAddr) {
        let client = network(client);
        self.taken.insert(task, client);
        *self.of.entry(client).or_default() += 1;
    }

    /// The task has ended, and its connection with it.
    pub(super) fn leave(&mut self, task: Id) {
        let Some(client) = self.taken.remove(&task) else { return };
        if let Some(held) = self.of.get_mut(&client) {
            *held -= 1;
            if *held == 0 {
                self.of.remove(&client);
            }
        }
    }
}

/// One client: an IPv4 address, or the 64 leading bits of an IPv6 one, behind which a household picks addresses freely.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_is_free_again_once_its_task_has_ended() {
        let client = "192.0.2.1".parse().unwrap();
        let mut places = Places::new(2);
        let tasks = [(); 2].map(|()| tokio::spawn(async {}).id());
        places.take(tasks[0], client);
        assert!(places.has_its_part(client) && !places.are_full());
        places.take(tasks[1], client);
        assert!(places.are_full());
        places.leave(tasks[0]);
        places.leave(tasks[0]);
        assert!(places.has_its_part(client) && !places.are_full());
        places.leave(tasks[1]);
        assert!(!places.has_its_part(client));
    }

    #[test]
    fn a_household_is_one_client() {
        for (one, other, same) in [
            ("2001:db8::1", "2001:db8::ffff:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            let [one, other]: [IpAddr; 2] = [one, other].map(|text| text.parse().unwrap());
            assert_eq!(network(one) == network(other), same, "{one} and {other}");
        }
    }
}
