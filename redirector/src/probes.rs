//! Stages of the hot path by themselves, for the benchmarks. No server calls this, and nothing here is promised to
//! anybody.

use crate::agents::{Agents, AgentsError};
use crate::cells::Cells;
use crate::table::Table;
use attribution_core::code::Code;
use attribution_core::decide::AgentClass;
use attribution_core::outcome::Outcome;

/// What a worker counts for one attributed click.
#[derive(Default)]
pub struct Counting(Cells);

impl Counting {
    /// All that is counted for one click, its latency included; the gate counts a turn's latency once for all its
    /// clicks, so this is the most it can cost.
    pub fn click(&self, nanos: u64) {
        self.0.outcome(Outcome::Attributed);
        self.0.recorded.add(1);
        self.0.answered.add(1);
        self.0.code(302);
        self.0.latency(nanos, 1);
        self.0.turns.add(1);
    }

    /// How many were counted.
    pub fn recorded(&self) -> u64 {
        self.0.recorded.get()
    }
}

impl std::fmt::Debug for Counting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counting").field("recorded", &self.recorded()).finish_non_exhaustive()
    }
}

/// The search for agent patterns, without the memory in front of it.
pub struct AgentSearch(Agents);

impl AgentSearch {
    /// The built-in patterns.
    ///
    /// # Errors
    /// If they do not read.
    pub fn new() -> Result<Self, AgentsError> {
        Agents::load(None).map(Self)
    }

    /// Who is asking.
    pub fn class(&self, agent: &[u8]) -> AgentClass {
        self.0.class(agent)
    }
}

impl std::fmt::Debug for AgentSearch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AgentSearch")
    }
}

/// Looks a link up and follows it to its target; the length of the destination, or `None` for an unknown code.
pub fn resolve(table: &Table, code: Code) -> Option<usize> {
    let link = table.link(code)?;
    let small = table.small().load();
    small.follow(&link).map(|found| found.target.row.destination.len())
}
