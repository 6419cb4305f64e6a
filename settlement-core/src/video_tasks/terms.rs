//! The rules that hold for a task: those it was paid by; while it is open those in force, or, if these know no video tasks
//! any more, those under which it was ordered. What several tasks have in common is looked up once.

use super::task::{State, Task};
use crate::attribution::Catalogue;
use crate::catalogue::rules::{Programme, of_id};
use crate::params;
use crate::payouts::run::platform_of;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{AgencyId, PlatformId, ProgrammeId, PromoterId};
use attribution_core::policy::VideoTaskPolicy;
use attribution_core::time::Instant;
use attribution_core::video_task::VideoTask;
use std::collections::HashMap;

/// What holds for one task.
#[derive(Debug, Clone)]
pub(super) struct TaskRules {
    pub(super) version: u32,
    pub(super) policy: VideoTaskPolicy,
    pub(super) platform: PlatformId,
}

/// The rules of the tasks of one request.
#[derive(Default)]
pub(super) struct Terms {
    programmes: HashMap<ProgrammeId, (Programme, PlatformId)>,
    /// As they are stored.
    agencies: HashMap<PromoterId, Option<String>>,
    paid: Catalogue,
}

impl Terms {
    /// The rules of a task.
    pub(super) fn of(&mut self, tx: &mut dyn Tx, of: &Task, now: Instant) -> Result<TaskRules, StoreError> {
        if !self.programmes.contains_key(&of.programme) {
            let programme = of_id(tx, &of.programme)?.ok_or(StoreError::NoRow)?;
            let platform = platform_of(tx, &of.programme)?;
            self.programmes.insert(of.programme.clone(), (programme, platform));
        }
        let (programme, platform) = self.programmes.get(&of.programme).ok_or(StoreError::NoRow)?;
        let platform = platform.clone();
        if let Some(paid) = &of.paid {
            let policy = self.paid.policy(tx, &of.programme, paid.version)?;
            let policy = policy.video_tasks.clone().unwrap_or_default();
            return Ok(TaskRules { version: paid.version, policy, platform });
        }
        let times = [of.closed.unwrap_or(now), of.created];
        let mut found = times.into_iter().filter_map(|at| programme.in_force(at));
        let with_tasks = found.find(|rules| rules.policy.video_tasks.is_some());
        let rules = with_tasks.or_else(|| programme.in_force(of.created)).ok_or(StoreError::NoRow)?;
        let policy = rules.policy.video_tasks.clone().unwrap_or_default();
        Ok(TaskRules { version: rules.version, policy, platform })
    }

    /// The task as the rules see it, with what was so at its confirmation, or would be so at one now.
    pub(super) fn as_rules_see_it(
        &mut self,
        tx: &mut dyn Tx,
        of: &Task,
        policy: &VideoTaskPolicy,
        now: Instant,
    ) -> Result<VideoTask, StoreError> {
        let in_event = if of.state == State::Open { policy.in_event(now) } else { of.in_event };
        let agency = self.agency(tx, of, now)?;
        Ok(VideoTask { talent: of.talent.clone(), agency, price: of.price, in_event })
    }

    /// The talent's agency: when it was paid, or now. One that cannot be named is none: see [`unnamed`](Self::unnamed).
    pub(super) fn agency(
        &mut self,
        tx: &mut dyn Tx,
        of: &Task,
        now: Instant,
    ) -> Result<Option<AgencyId>, StoreError> {
        if let Some(paid) = &of.paid {
            return Ok(paid.agency.clone());
        }
        let stored = self.contract(tx, &of.talent, now)?;
        Ok(stored.and_then(|agency| AgencyId::new(agency).ok()))
    }

    /// What is stored as the agency of an open task's talent, if it is no id.
    pub(super) fn unnamed(
        &mut self,
        tx: &mut dyn Tx,
        of: &Task,
        now: Instant,
    ) -> Result<Option<String>, StoreError> {
        let stored = self.contract(tx, &of.talent, now)?;
        Ok(stored.filter(|agency| AgencyId::new(agency.as_str()).is_err()))
    }

    fn contract(
        &mut self,
        tx: &mut dyn Tx,
        talent: &PromoterId,
        now: Instant,
    ) -> Result<Option<String>, StoreError> {
        if let Some(known) = self.agencies.get(talent) {
            return Ok(known.clone());
        }
        let row = tx.query_opt(
            "SELECT c.agency FROM agency_contracts c JOIN promoters p ON p.num = c.promoter WHERE p.id = $1 \
             AND c.from_ms <= $2 AND (c.to_ms IS NULL OR c.to_ms > $2) ORDER BY c.from_ms DESC LIMIT 1",
            params![talent, now],
        )?;
        let found = row.map(|row| row.text(0).map(str::to_owned)).transpose()?;
        self.agencies.insert(talent.clone(), found.clone());
        Ok(found)
    }
}
