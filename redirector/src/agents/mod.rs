//! Who is asking, by the User-Agent: a person, a crawler that makes link previews, or any other bot.
//!
//! The patterns are data (`agents.toml`, or the operator's own file) and can be read again while the edge runs. Each
//! worker remembers the class of the agents it has seen, so that a browser's agent is searched once.

use aho_corasick::{AhoCorasick, MatchKind};
use attribution_core::decide::AgentClass;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const BUILT_IN: &str = include_str!("../../agents.toml");
/// Bytes of an agent string that are looked at.
pub(crate) const AGENT_MAX: usize = 1_024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    person: Vec<String>,
    preview: Vec<String>,
    bot: Vec<String>,
}

/// Why a pattern file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AgentsError {
    /// It cannot be read.
    #[error("cannot read the agent patterns in {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML of the right shape.
    #[error("the agent patterns do not read")]
    Parse(#[from] toml::de::Error),
    /// An empty pattern would match everybody.
    #[error("an agent pattern is shorter than three characters: {0:?}")]
    Short(String),
    /// The search could not be built.
    #[error("the agent patterns cannot be searched")]
    Build(#[from] aho_corasick::BuildError),
}

struct Pattern {
    class: AgentClass,
    /// Written with a closing `$`: no letter may follow.
    word_end: bool,
}

/// A set of patterns, ready to search.
pub(crate) struct Agents {
    search: AhoCorasick,
    patterns: Vec<Pattern>,
}

impl Agents {
    /// The built-in patterns, or those of the operator's file.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, AgentsError> {
        match path {
            None => Self::parse(BUILT_IN),
            Some(path) => {
                let read = std::fs::read_to_string(path);
                Self::parse(&read.map_err(|source| AgentsError::Read { path: path.to_owned(), source })?)
            }
        }
    }

    fn parse(text: &str) -> Result<Self, AgentsError> {
        let file: File = toml::from_str(text)?;
        let mut patterns = Vec::new();
        let mut texts = Vec::new();
        for (list, class) in [
            (file.person, AgentClass::Person),
            (file.preview, AgentClass::PreviewCrawler),
            (file.bot, AgentClass::Bot),
        ] {
            for pattern in list {
                let word_end = pattern.ends_with('$');
                let text = pattern.trim_end_matches('$').to_owned();
                if text.len() < 3 {
                    return Err(AgentsError::Short(pattern));
                }
                patterns.push(Pattern { class, word_end });
                texts.push(text);
            }
        }
        // Leftmost and longest: "cubot" is met before the "bot" in it and takes it away.
        let search = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&texts)?;
        Ok(Self { search, patterns })
    }

    /// The class of an agent. No agent at all is a bot: every browser sends one.
    pub(crate) fn class(&self, agent: &[u8]) -> AgentClass {
        if agent.trim_ascii().is_empty() {
            return AgentClass::Bot;
        }
        let mut class = AgentClass::Person;
        for found in self.search.find_iter(agent) {
            let pattern = &self.patterns[found.pattern().as_usize()];
            if pattern.word_end && agent.get(found.end()).is_some_and(u8::is_ascii_alphabetic) {
                continue;
            }
            match pattern.class {
                AgentClass::PreviewCrawler => return AgentClass::PreviewCrawler,
                AgentClass::Bot => class = AgentClass::Bot,
                AgentClass::Person => {}
            }
        }
        class
    }
}

/// Agents that a worker remembers. Browsers on one network are few; an attacker's many push each other out.
const REMEMBERED: usize = 2_048;

/// What one worker remembers of agents: hash to class, one place per hash.
///
/// The hash has a seed of the worker's own, which nobody learns. To the hash without one, which records hold, a stranger
/// could make an agent that a crawler's name stands in and that is taken for a known browser; its people would be bots.
pub(crate) struct AgentCache {
    seed: u64,
    /// Which patterns these classes come from.
    generation: u64,
    places: Box<[(u64, AgentClass)]>,
}

impl AgentCache {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, generation: 0, places: vec![(0, AgentClass::Bot); REMEMBERED].into() }
    }

    /// The class of this agent, looked up by `search` if it is not remembered.
    pub(crate) fn class(
        &mut self,
        agent: &[u8],
        generation: u64,
        search: impl FnOnce() -> AgentClass,
    ) -> AgentClass {
        let hash = xxh3_64_with_seed(agent, self.seed);
        if self.generation != generation {
            self.places.fill((0, AgentClass::Bot));
            self.generation = generation;
        }
        #[expect(clippy::cast_possible_truncation, reason = "reduced to the table's length")]
        let place = &mut self.places[(hash % REMEMBERED as u64) as usize];
        if place.0 != hash || hash == 0 {
            *place = (hash, search());
        }
        place.1
    }
}

#[cfg(test)]
mod people_tests;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_labelled_corpus_is_judged_as_labelled() {
        let agents = Agents::load(None).unwrap();
        let corpus = include_str!("../../tests/agents.tsv");
        let mut wrong = Vec::new();
        let mut lines = 0;
        for line in corpus.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (label, agent) = line.split_once('\t').unwrap_or((line, ""));
            let expected = match label {
                "person" => AgentClass::Person,
                "preview" => AgentClass::PreviewCrawler,
                "bot" => AgentClass::Bot,
                other => panic!("unknown label {other:?}"),
            };
            lines += 1;
            let class = agents.class(agent.as_bytes());
            if class != expected {
                wrong.push(format!("{class:?} instead of {label}: {agent}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(lines >= 150, "{lines}");
    }

    #[test]
    fn a_broken_pattern_file_is_told_apart() {
        assert!(matches!(Agents::parse("person = 5"), Err(AgentsError::Parse(_))));
        let empty = "person = []\npreview = []\nbot = [\"\"]";
        assert!(matches!(Agents::parse(empty), Err(AgentsError::Short(_))));
        let missing = Path::new("/nonexistent/agents.toml");
        assert!(matches!(Agents::load(Some(missing)), Err(AgentsError::Read { .. })));
    }

    #[test]
    fn a_remembered_class_lasts_until_the_patterns_change() {
        let mut cache = AgentCache::new(7);
        assert_eq!(cache.class(b"Opera", 1, || AgentClass::Person), AgentClass::Person);
        assert_eq!(cache.class(b"Opera", 1, || unreachable!()), AgentClass::Person);
        assert_eq!(cache.class(b"Opera", 2, || AgentClass::Bot), AgentClass::Bot);
        for other in 0..20 * REMEMBERED {
            assert_eq!(cache.class(&other.to_le_bytes(), 2, || AgentClass::Person), AgentClass::Person);
        }
        assert_eq!(cache.class(b"Opera", 2, || AgentClass::Person), AgentClass::Person, "pushed out");
    }
}
