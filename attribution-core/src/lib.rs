//! The rules of click attribution, commission and settlement.
//!
//! Everything here is pure: no clock, no randomness, no I/O, no async; `now` and ids come in as arguments. The life
//! of a click, by file: [`code`] (what stands in the path), [`catalogue`] (what a link points at), [`decide`] (what
//! the click is), [`token`] (what the browser carries away), [`record`] (what is made durable), [`shipping`] (how it
//! reaches the core).

pub mod catalogue;
pub mod click;
pub mod code;
pub mod decide;
pub mod ids;
pub mod money;
pub mod outcome;
pub mod record;
pub mod shipping;
pub mod time;
pub mod token;
