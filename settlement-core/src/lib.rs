//! The core: takes clicks and orders in, decides who earned what, and can prove it.

pub mod api;
mod clock;
mod core;
pub mod store;

pub use crate::core::{Core, CoreConfig, CoreKeys, OpenError};
