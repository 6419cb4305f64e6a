//! Refund records after the settlement (维权退款订单): [`note`] (which refunds get one, and when), [`jobs`] (batches and
//! compensation), [`recover`] (what comes back on them).

mod api;
pub(crate) mod jobs;
pub(crate) mod note;
mod recover;

pub(crate) use api::routes;

use attribution_core::ids::{LineId, OrderId, PlatformId};

/// Names a record: the refund of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub platform: PlatformId,
    pub order: OrderId,
    pub line: LineId,
    pub refund: String,
}

impl Key {
    /// In the names of transfers. Slashes inside the parts are escaped, so that two records never share one.
    fn text(&self) -> String {
        let escape = |text: &str| text.replace('%', "%25").replace('/', "%2F");
        let Self { platform, order, line, refund } = self;
        format!("{platform}/{}/{}/{}", escape(order.as_str()), escape(line.as_str()), escape(refund))
    }
}
