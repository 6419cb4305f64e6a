//! The one fold: from a buyer's clicks to who owns an order, for last click and binding alike.
//!
//! Clicks are taken in the order of (effective time, click id), whatever the order in which they arrived and however
//! often; each gets a verdict. At most one relation stands at a time; a replaced one never revives, and a click that
//! a protection turned away is not remembered.

mod answer;
mod question;
mod walk;

pub use answer::{Candidate, Folded, Relation, RelationEnd, Verdict};
pub use question::{Click, ClickTarget, Evidence, Ineligible, PriorOrder, Question};

use crate::policy::attribution::{AttributionPolicy, Scope, SelfPurchase};
use crate::time::{Instant, SECOND_MS};

/// Folds the clicks. `orders` are the buyer's other orders; both may come in any order and with repetitions.
pub fn fold(
    policy: &AttributionPolicy,
    question: &Question<'_>,
    clicks: &[Click],
    orders: &[PriorOrder],
) -> Folded {
    let clicks = in_order(clicks);
    let mut verdicts: Vec<Option<Verdict>> =
        clicks.iter().map(|click| screen(policy, question, click)).collect();
    let levels: &[Scope] = match policy.scope {
        Scope::Product => &[Scope::Product],
        Scope::Shop => &[Scope::Shop],
        Scope::Platform => &[Scope::Platform],
        Scope::ProductThenShop => &[Scope::Product, Scope::Shop],
    };
    let widest = levels[levels.len() - 1];
    for (click, verdict) in clicks.iter().zip(&mut verdicts) {
        if verdict.is_none() && !covers(widest, &click.click.target, question.target) {
            *verdict = Some(Verdict::OutOfScope);
        }
    }
    let mut owner = None;
    let mut earlier = Vec::new();
    for level in levels {
        let chain: Vec<usize> = (0..clicks.len())
            .filter(|i| !screened_out(verdicts[*i].as_ref()))
            .filter(|i| covers(*level, &clicks[*i].click.target, question.target))
            .collect();
        let walked = walk::walk(policy, question, *level, &clicks, &chain, orders);
        for (index, verdict) in walked.verdicts {
            verdicts[index] = Some(verdict);
        }
        earlier = walked.ended;
        if walked.owner.is_some() {
            owner = walked.owner;
            break;
        }
    }
    let candidates = clicks
        .iter()
        .zip(verdicts)
        .map(|(seen, verdict)| Candidate {
            click: seen.click.id,
            promoter: seen.click.promoter.clone(),
            placement: seen.click.placement.clone(),
            at: seen.effective,
            ingested: seen.ingested,
            evidence: seen.click.evidence,
            // What no level looked at lost to a click on the product itself.
            verdict: verdict.unwrap_or(Verdict::ProductFirst),
        })
        .collect();
    Folded { owner, earlier, candidates }
}

/// Whether a verdict was given before the walk; those a walk gave are looked at again on the next level.
const fn screened_out(verdict: Option<&Verdict>) -> bool {
    matches!(
        verdict,
        Some(
            Verdict::Ineligible { .. }
                | Verdict::AfterOrder
                | Verdict::LateAfterFinal { .. }
                | Verdict::OutOfScope,
        )
    )
}

/// A click with what its repetitions add up to.
#[derive(Clone, Copy)]
struct Seen<'a> {
    click: &'a Click,
    /// Known since the earliest delivery.
    ingested: Instant,
    /// The instant that counts.
    effective: Instant,
}

/// Total order, each click once. Of two deliveries of one click the smaller counts, whichever came first; a journal
/// confirms what a token said, and the click was known since the earlier of both.
fn in_order(clicks: &[Click]) -> Vec<Seen<'_>> {
    let mut ordered: Vec<Seen<'_>> = clicks
        .iter()
        .map(|click| Seen { click, ingested: click.ingested, effective: click.effective() })
        .collect();
    ordered.sort_unstable_by(|a, b| {
        a.click
            .id
            .cmp(&b.click.id)
            .then_with(|| (a.click.evidence, a.click).cmp(&(b.click.evidence, b.click)))
    });
    ordered.dedup_by(|repeat, kept| {
        let same = repeat.click.id == kept.click.id;
        if same {
            kept.ingested = kept.ingested.min(repeat.ingested);
            kept.effective = kept.click.received.min(kept.ingested);
        }
        same
    });
    ordered.sort_unstable_by_key(|seen| (seen.effective, seen.click.id));
    ordered
}

/// What can be said of a click without looking at the others.
fn screen(policy: &AttributionPolicy, question: &Question<'_>, seen: &Seen<'_>) -> Option<Verdict> {
    let click = seen.click;
    if let Some(reason) = click.ineligible {
        return Some(Verdict::Ineligible { reason });
    }
    if policy.self_purchase == SelfPurchase::Ignore && question.own_promoters.contains(&click.promoter) {
        return Some(Verdict::Ineligible { reason: Ineligible::SelfPurchase });
    }
    let after_seconds = seen.effective.floor_seconds() - question.at.floor_seconds();
    // The merchant's clock may be a little behind: the click whose token is on the order came before it.
    let tolerated =
        if question.token == Some(click.id) { policy.max_token_skew.millis() / SECOND_MS } else { 0 };
    if after_seconds > tolerated {
        return Some(Verdict::AfterOrder);
    }
    match question.final_at {
        Some(final_at) if seen.ingested.floor_seconds() >= final_at.floor_seconds() => {
            Some(Verdict::LateAfterFinal { final_at })
        }
        _ => None,
    }
}

/// Whether a click on `clicked` counts for `bought`.
fn covers(level: Scope, clicked: &ClickTarget, bought: &ClickTarget) -> bool {
    let platform = clicked.platform == bought.platform;
    let shop = platform && clicked.merchant == bought.merchant;
    match level {
        Scope::Platform => platform,
        Scope::Shop | Scope::ProductThenShop => shop,
        Scope::Product => shop && clicked.product.is_some() && clicked.product == bought.product,
    }
}

#[cfg(test)]
mod tests;
