//! Goods that are sourced for channels outside the platform (站外分销): who and what may take part, at which price,
//! and the life of an enrolment.
//!
//! One file per question: [`gates`] (may this merchant and this product take part?), [`price`] (may this SKU, at this
//! price?), [`enrolment`] (how long is the audit, and what may change afterwards?). Every refusal is named; nothing
//! stops at the first one.

pub mod enrolment;
pub mod gates;
pub mod price;
mod zh;

pub use enrolment::{AuditTimes, Edit, EditVerdict, audit_times, edit};
pub use gates::{MerchantFacts, ProductFacts, Refusal, ShipPromise, merchant, product};
pub use price::{Deal, SkuOffer, SkuRefusal, SkuVerdict, low_window, low30, sku};
