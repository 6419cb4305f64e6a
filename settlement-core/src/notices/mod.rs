//! Notices: what a promoter should hear of. A product or a link went dead, an application was answered, a withdrawal
//! arrived or came back, a category was banned, the promoter was suspended.
//!
//! What concerns one promoter is written by [`mod@write`] in the transaction of what happened. What concerns everybody with a
//! link to a product, or to goods of a category ([`bans`]), is left there as one event, which [`fan_out`] tells them, a
//! bounded number at a time.

mod api;
pub(crate) mod bans;
mod expiry;
mod fan_out;
pub(crate) mod write;

pub(crate) use api::routes;
