//! From journal frames to script calls: which clicks made a claim, on which terms, in which record.
//!
//! Only attributed clicks of a known visitor that wrote a claim count. A click that found an earlier claim under
//! protection left that claim alone, and is not remembered: the record depends on the clicks that bind.

use super::super::{ClaimTerms, FindTerms};
use attribution_core::catalogue::{ClaimEnd, ClaimScope, Rebind};
use attribution_core::click::{ClickId, Stream};
use attribution_core::holder::{self, Guard, Held, HolderClick, HolderScope};
use attribution_core::ids::VisitorId;
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{ClickRecord, KIND_CLICK};
use attribution_core::time::Instant;
use redis_view::{Call, Operation};
use std::collections::HashMap;

/// Clicks in one operation at most: one visitor's flood must not keep the server busy in a single step.
const CLICKS_PER_OPERATION: usize = 32;

/// The claims of some frames, by record.
#[derive(Debug, Default)]
pub(super) struct Claims {
    by_record: HashMap<(HolderScope<'static>, VisitorId), Vec<HolderClick>>,
    /// Frames that could not be read as records; the core sets them aside.
    pub(super) unreadable: u64,
}

impl Claims {
    /// Looks at one frame.
    pub(super) fn add(
        &mut self,
        stream: Stream,
        sequence: u64,
        at: Instant,
        payload: &[u8],
        terms: &FindTerms,
    ) {
        if payload.first() != Some(&KIND_CLICK) {
            return;
        }
        let Ok(record) = ClickRecord::decode(payload) else {
            self.unreadable += 1;
            return;
        };
        if record.outcome != Outcome::Attributed || record.reason != Reason::None || !record.visitor.is_some()
        {
            return;
        }
        let Some(terms) = terms(&record) else { return };
        let scope = match terms.scope {
            ClaimScope::Programme => HolderScope::Programme(record.programme),
            ClaimScope::Target => HolderScope::Target(record.programme, record.target),
        };
        let click = bind(&record, ClickId::new(stream, sequence), at, &terms);
        let clicks = self.by_record.entry((scope, record.visitor)).or_default();
        match clicks.first_mut() {
            // The newest wins whatever came before it: nothing else need travel.
            Some(only) if only.depth() == 1 && click.depth() == 1 => {
                if (click.at, click.click) > (only.at, only.click) {
                    *only = click;
                }
            }
            _ => clicks.push(click),
        }
    }

    /// The script calls, bucket by bucket.
    pub(super) fn into_calls(self) -> Vec<Call> {
        let mut operations = Vec::with_capacity(self.by_record.len());
        for ((scope, visitor), clicks) in self.by_record {
            let held = Held::Visitor(visitor);
            let key = holder::key(scope, held);
            for clicks in clicks.chunks(CLICKS_PER_OPERATION) {
                let argument = holder::clicks_op(clicks);
                operations.push(Operation { bucket: held.bucket(), key: key.clone(), argument });
            }
        }
        redis_view::calls(operations)
    }
}

/// The claim that a click makes if it binds anew, as the edge's cookie would say it. Business time counts in whole
/// seconds. The cap on a cookie's life does not apply here.
fn bind(record: &ClickRecord<'_>, click: ClickId, at: Instant, terms: &ClaimTerms) -> HolderClick {
    let second = at.floor();
    let life = second.plus(terms.life_ms);
    HolderClick {
        at,
        click,
        promoter: record.promoter,
        placement: record.placement,
        protected_until: second.plus(terms.protection_ms),
        expires: match terms.end {
            ClaimEnd::FromClick | ClaimEnd::FromBind => life,
            ClaimEnd::WithLink => terms.link_end.map_or(life, |end| end.min(life)),
        },
        end: terms.end,
        guard: match terms.rebind {
            Rebind::Never => Guard::Holder,
            Rebind::AnyClick | Rebind::AfterProtection if terms.protection_ms > 0 => Guard::Protection,
            Rebind::AnyClick | Rebind::AfterProtection => Guard::None,
        },
    }
}
