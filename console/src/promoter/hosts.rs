//! The own hosts of the installation, to choose one of for what is printed or sent: where an app opens no links to one host,
//! it opens those to another.

use crate::form::{Field, Mistake};
use crate::who::SignedIn;

/// The choice, where there are several.
pub(super) fn field(who: &SignedIn) -> Option<Field> {
    let hosts = who.console().core().config().hosts().map(|host| (host.to_owned(), host.to_owned()));
    let hosts: Vec<_> = hosts.collect();
    (hosts.len() > 1).then(|| Field::choice("host", &who.t().links.host, hosts).optional())
}

/// An address of ours at the host that was chosen; as it is if none was.
pub(super) fn at(who: &SignedIn, address: &str, chosen: &str) -> Result<String, Mistake> {
    if chosen.is_empty() {
        return Ok(address.to_owned());
    }
    let there = who.console().core().config().at_host(address, chosen);
    there.ok_or_else(|| Mistake { field: Some("host".to_owned()), words: who.t().links.bad_host.clone() })
}
