//! One pass over the clicks that count, in order: relations begin, are refreshed, turn clicks away and end.

use super::{PriorOrder, Question, Relation, RelationEnd, Seen, Verdict, covers};
use crate::policy::attribution::{AttributionPolicy, ContentWindow, Model, Rebind, Scope, Validity};
use crate::time::{Instant, Span};

/// What a pass found. Verdicts are by position of the click.
pub(super) struct Walked {
    pub(super) owner: Option<Relation>,
    pub(super) ended: Vec<Relation>,
    pub(super) verdicts: Vec<(usize, Verdict)>,
}

enum Event<'a> {
    Click(usize),
    Order(&'a PriorOrder),
}

pub(super) fn walk(
    policy: &AttributionPolicy,
    question: &Question<'_>,
    level: Scope,
    clicks: &[Seen<'_>],
    chain: &[usize],
    orders: &[PriorOrder],
) -> Walked {
    let verdicts = Vec::with_capacity(chain.len());
    let mut walk = Walk { policy, clicks, live: None, members: Vec::new(), ended: Vec::new(), verdicts };
    for event in merge(question, level, clicks, chain, orders) {
        match event {
            Event::Click(index) => walk.click(index),
            Event::Order(order) => walk.order(order),
        }
    }
    walk.expire(question.at);
    let owner = walk.live.take().map(|live| {
        walk.judge_members(&live, &Verdict::Won);
        live.relation
    });
    Walked { owner, ended: walk.ended, verdicts: walk.verdicts }
}

/// Clicks and earlier orders on one line of time. Within a second clicks come before orders: an order feed has no
/// finer time.
fn merge<'a>(
    question: &Question<'_>,
    level: Scope,
    clicks: &[Seen<'_>],
    chain: &[usize],
    orders: &'a [PriorOrder],
) -> Vec<Event<'a>> {
    let mut before: Vec<&PriorOrder> = orders
        .iter()
        .filter(|o| covers(level, &o.target, question.target))
        .filter(|o| match question.order {
            Some(this) => {
                o.order != *this && (o.at.floor_seconds(), &o.order) < (question.at.floor_seconds(), this)
            }
            None => o.at.floor_seconds() <= question.at.floor_seconds(),
        })
        .collect();
    before.sort_by_key(|o| (o.at.floor_seconds(), &o.order));
    let mut events = Vec::with_capacity(chain.len() + before.len());
    let mut orders = before.into_iter().peekable();
    for &index in chain {
        let second = clicks[index].effective.floor_seconds();
        while let Some(order) = orders.next_if(|o| o.at.floor_seconds() < second) {
            events.push(Event::Order(order));
        }
        events.push(Event::Click(index));
    }
    events.extend(orders.map(Event::Order));
    events
}

struct Live {
    relation: Relation,
    shown: usize,
}

struct Walk<'a> {
    policy: &'a AttributionPolicy,
    clicks: &'a [Seen<'a>],
    live: Option<Live>,
    /// The clicks of the one that is live.
    members: Vec<usize>,
    ended: Vec<Relation>,
    verdicts: Vec<(usize, Verdict)>,
}

impl Walk<'_> {
    fn click(&mut self, index: usize) {
        let Seen { click, effective: at, .. } = self.clicks[index];
        self.expire(at);
        let Some(live) = &mut self.live else {
            self.bind(index);
            return;
        };
        let holder = &live.relation;
        if holder.promoter == click.promoter {
            self.members.push(index);
            refresh(self.policy, live, index, self.clicks[index]);
            return;
        }
        if self.policy.rebind == Rebind::Never {
            self.verdicts.push((index, Verdict::Locked { by: holder.click }));
        } else if let Some(until) = holder.protected_until.filter(|until| at.floor() < *until) {
            self.verdicts.push((index, Verdict::Protected { by: holder.click, until }));
        } else {
            self.end(at, &Verdict::Replaced { by: click.id }, RelationEnd::Replaced { by: click.id });
            self.bind(index);
        }
    }

    fn order(&mut self, order: &PriorOrder) {
        self.expire(order.at);
        let Some(live) = &mut self.live else { return };
        let by_content = content(self.policy, &self.clicks[live.shown]);
        let more = by_content.map_or(self.policy.extend_on_order, |content| content.extend_on_order);
        if let (Some(more), Some(ends)) = (more, live.relation.ends) {
            let longer = after(order.at, more);
            if longer > ends {
                live.relation.ends = Some(longer);
                live.relation.prolonged_by = Some(order.order.clone());
            }
        }
        if self.policy.close_on_order {
            let id = &order.order;
            self.end(
                order.at,
                &Verdict::ClosedByOrder { order: id.clone() },
                RelationEnd::ClosedByOrder { order: id.clone() },
            );
        }
    }

    /// Ends the relation if its time is over at `at`.
    fn expire(&mut self, at: Instant) {
        let ends = self.live.as_ref().and_then(|live| live.relation.ends);
        if let Some(ended) = ends.filter(|ends| at.floor() >= *ends) {
            self.end(ended, &Verdict::WindowOver { ended }, RelationEnd::WindowOver);
        }
    }

    fn end(&mut self, at: Instant, fate: &Verdict, how: RelationEnd) {
        if let Some(mut live) = self.live.take() {
            self.judge_members(&live, fate);
            live.relation.ended = Some((at, how));
            self.ended.push(live.relation);
        }
    }

    fn judge_members(&mut self, live: &Live, fate: &Verdict) {
        for member in self.members.drain(..) {
            let verdict = if member == live.shown {
                fate.clone()
            } else {
                Verdict::RepeatOfOwner { shown: live.relation.click }
            };
            self.verdicts.push((member, verdict));
        }
    }

    fn bind(&mut self, index: usize) {
        let seen = self.clicks[index];
        let Seen { click, effective: at, .. } = seen;
        let protection = self.policy.protection;
        let relation = Relation {
            promoter: click.promoter.clone(),
            click: click.id,
            placement: click.placement.clone(),
            evidence: click.evidence,
            bound_at: at,
            last_click_at: at,
            protected_until: (protection > Span::ZERO).then(|| after(at, protection)),
            ends: own_end(self.policy, seen, at),
            prolonged_by: None,
            ended: None,
        };
        self.live = Some(Live { relation, shown: index });
        self.members.push(index);
    }
}

/// A further click of the holder.
fn refresh(policy: &AttributionPolicy, live: &mut Live, index: usize, seen: Seen<'_>) {
    let relation = &mut live.relation;
    relation.last_click_at = seen.effective;
    let longer = match policy.validity {
        Validity::Permanent | Validity::FromBind(_) => relation.ends,
        // Never shorter than before: an order may have prolonged it, and a longer-lived link counts on.
        Validity::FromLastClick(_) | Validity::UntilLinkExpiry => {
            match (relation.ends, own_end(policy, seen, relation.bound_at)) {
                (Some(before), Some(now)) => Some(before.max(now)),
                _ => None,
            }
        }
    };
    if relation.ends != longer {
        relation.ends = longer;
        relation.prolonged_by = None;
    }
    if policy.model == Model::LastClick {
        live.shown = index;
        relation.click = seen.click.id;
        relation.placement.clone_from(&seen.click.placement);
        relation.evidence = seen.click.evidence;
    }
}

/// The policy's rule for links that lead to no product, where it has one and this is such a click.
fn content<'p>(policy: &'p AttributionPolicy, seen: &Seen<'_>) -> Option<&'p ContentWindow> {
    policy.content.as_ref().filter(|_| seen.click.target.product.is_none())
}

/// When a relation ends that rests on this click and was bound at `bound_at`.
fn own_end(policy: &AttributionPolicy, seen: Seen<'_>, bound_at: Instant) -> Option<Instant> {
    let own = |window: Span| content(policy, &seen).map_or(window, |content| content.validity);
    match policy.validity {
        Validity::Permanent => None,
        Validity::FromLastClick(window) => Some(after(seen.effective, own(window))),
        Validity::FromBind(window) => Some(after(bound_at, own(window))),
        Validity::UntilLinkExpiry => seen.click.link_expires.filter(|_| !seen.click.qr).map(Instant::floor),
    }
}

/// Business durations run from whole second to whole second.
fn after(at: Instant, span: Span) -> Instant {
    at.floor().plus(span.millis())
}
