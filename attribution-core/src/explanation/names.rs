//! What people call those whom a decision names by their ids. The decision knows only ids; whoever tells it to a person
//! looks the names up and hands them in.

use super::Language;
use crate::attribute::{Attribution, NoCommission, Outcome};
use crate::ids::{PlanId, ProgrammeId, PromoterId};
use crate::policy::commission::PlanRef;
use std::collections::{BTreeMap, BTreeSet};

/// Names by id. Whoever has none is told by the id alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Of promoters.
    pub promoters: BTreeMap<PromoterId, String>,
    /// Of programmes.
    pub programmes: BTreeMap<ProgrammeId, String>,
    /// Of targeted plans.
    pub plans: BTreeMap<PlanId, String>,
}

impl Names {
    pub(super) fn promoter(&self, id: &PromoterId, language: Language) -> String {
        both(self.promoters.get(id), id.as_str(), language)
    }

    pub(super) fn programme(&self, id: &ProgrammeId, language: Language) -> String {
        both(self.programmes.get(id), id.as_str(), language)
    }

    pub(super) fn plan(&self, id: &PlanId, language: Language) -> String {
        both(self.plans.get(id), id.as_str(), language)
    }
}

/// The name with the id behind it: a name alone may be somebody else's too.
fn both(name: Option<&String>, id: &str, language: Language) -> String {
    match (name.filter(|name| !name.is_empty() && *name != id), language) {
        (None, _) => id.to_owned(),
        (Some(name), Language::Zh) => format!("{name}（{id}）"),
        (Some(name), Language::En) => format!("{name} ({id})"),
    }
}

impl Attribution {
    /// The promoters whom the explanation names.
    pub fn promoters(&self) -> BTreeSet<&PromoterId> {
        let decided = match &self.outcome {
            Outcome::Award(award) => award.promoter.as_ref(),
            Outcome::NoCommission(
                NoCommission::WindowOver { promoter, .. }
                | NoCommission::SelfPurchase { promoter }
                | NoCommission::PromoterDisabled { promoter },
            ) => Some(promoter),
            Outcome::NoCommission(_) => None,
        };
        let held = self.relation.iter().map(|relation| &relation.promoter);
        decided.into_iter().chain(held).chain(self.candidates.iter().map(|of| &of.promoter)).collect()
    }

    /// The targeted plan that the explanation names.
    pub const fn targeted_plan(&self) -> Option<&PlanId> {
        match &self.outcome {
            Outcome::Award(award) => match &award.plan {
                PlanRef::Targeted(plan) => Some(plan),
                PlanRef::General => None,
            },
            Outcome::NoCommission(
                NoCommission::NotApproved { plan } | NoCommission::PlanNotEffective { plan, .. },
            ) => Some(plan),
            Outcome::NoCommission(_) => None,
        }
    }
}
