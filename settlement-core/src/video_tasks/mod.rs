//! Video tasks (V任务): a fixed price that a merchant pays for a talent's video, beside any commission.
//!
//! [`task`] keeps them, [`confirm`] pays what the rules say the moment the merchant confirms, and `api` is how merchants
//! order, confirm and cancel them. Nothing here touches an order or its commission.

mod api;
mod confirm;
mod task;
mod terms;

pub(crate) use api::routes;
