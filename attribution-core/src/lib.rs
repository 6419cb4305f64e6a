//! The rules of click attribution, commission and settlement.
//!
//! Everything here is pure: no clock, no randomness, no I/O, no async; `now` and ids come in as arguments. The life of
//! a click, by file: [`code`] (what stands in the path), [`catalogue`] (what a link points at), [`app_page`]
//! (destinations that some browsers cannot simply be sent to), [`history`] (how far an edge has followed it),
//! [`decide`] (what the click is), [`token`] (what the browser carries away), [`record`] (what is made durable),
//! [`shipping`] (how it reaches the core), [`holder`] (who holds a visitor or buyer, as Redis shows it). Then, in the
//! core: [`policy`] (a programme's rules as data), [`judge`] (the click again, against dated state), [`identity`]
//! (whose click), [`fold`] (whose order), [`commission`] (how much), [`split`] (cut into whole fen), [`attribute`] (the
//! decision, in its fixed order), [`explanation`] (the same in words), [`ledger`] (what is posted), [`maturity`] (when
//! a trade is complete), [`payout`] and [`calendar`] (on which day it is paid), [`bans`] and [`dispute`] (what is taken
//! back), [`sourcing`] (what may be sold off the platform), [`video_task`] (fees beside the commission).

pub mod app_page;
pub mod attribute;
pub mod bans;
pub mod calendar;
pub mod catalogue;
mod causes;
pub mod click;
pub mod code;
pub mod commission;
pub mod decide;
pub mod dispute;
pub mod explanation;
pub mod fold;
#[doc(hidden)]
pub mod fuzzing;
pub mod hex;
pub mod history;
pub mod holder;
pub mod identity;
pub mod ids;
pub mod judge;
pub mod ledger;
pub mod maturity;
pub mod money;
pub mod outcome;
pub mod payout;
pub mod policy;
pub mod record;
pub mod shipping;
pub mod sourcing;
pub mod split;
#[cfg(test)]
mod testing;
pub mod time;
pub mod token;
pub mod video_task;
pub mod web_address;

pub use causes::with_causes;
