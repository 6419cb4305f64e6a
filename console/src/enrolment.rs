//! Off-site enrolments (站外分销报名) as merchants and operators read them: what both pages show of one.

use crate::sheet::Cell;
use crate::show::moment;
use crate::texts::{Texts, fill};
use serde::Deserialize;

/// What an enrolment is about, as the API tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct Enrolled {
    pub(crate) id: String,
    pub(crate) programme: String,
    programme_name: Option<String>,
    pub(crate) product: String,
    pub(crate) title: Option<String>,
    pub(crate) state: String,
    pub(crate) submitted_at: i64,
    audit: Option<Audit>,
}

/// Until when an audit usually takes, and at the latest.
#[derive(Debug, Deserialize)]
struct Audit {
    usual_day: Option<String>,
    latest_day: Option<String>,
    workday: u32,
}

impl Enrolled {
    /// The programme's name, or its id where it has none.
    pub(crate) fn programme_words(&self) -> String {
        self.programme_name.as_ref().unwrap_or(&self.programme).clone()
    }

    /// Programme, time of the application, and how long the audit takes.
    pub(crate) fn facts(&self, texts: &Texts) -> Vec<(String, Cell)> {
        let t = &texts.shop;
        let mut facts = vec![
            (t.programme.clone(), Cell::Text(self.programme_words())),
            (t.applied_at.clone(), Cell::Text(moment(self.submitted_at))),
        ];
        // Once it is decided nobody waits for the audit any more.
        if let Some(audit) = self.audit.as_ref().filter(|_| self.state == "auditing") {
            // The first workday of the audit is the one after the application.
            let words = if audit.workday == 0 { &t.audit_today } else { &t.audit_words };
            let day = |known: &Option<String>| known.clone().unwrap_or_else(|| t.audit_unpublished.clone());
            let text = fill(words, "usual", day(&audit.usual_day));
            let text = fill(&text, "latest", day(&audit.latest_day));
            facts.push((t.audit.clone(), Cell::Text(fill(&text, "n", audit.workday))));
        }
        facts
    }
}
