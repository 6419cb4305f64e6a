//! The names of those whom decisions name by their ids, for the words in which they are told.

use crate::names::{Noun, names_of};
use crate::store::{StoreError, Tx, read};
use attribution_core::attribute::Attribution;
use attribution_core::explanation::Names;

/// The names for the explanations of these decisions, as they are called now.
///
/// # Errors
/// If the store fails.
pub(super) fn names_in<'a>(
    tx: &mut dyn Tx,
    decisions: impl IntoIterator<Item = &'a Attribution>,
) -> Result<Names, StoreError> {
    let (mut promoters, mut programmes, mut plans) = (Vec::new(), Vec::new(), Vec::new());
    for of in decisions {
        promoters.extend(of.promoters().into_iter().map(|id| id.as_str()));
        programmes.push(of.programme.as_str());
        plans.extend(of.targeted_plan().map(|id| id.as_str()));
    }
    let mut named = |noun, mut ids: Vec<&str>| {
        ids.sort_unstable();
        ids.dedup();
        names_of(tx, noun, &ids)
    };
    let promoters = named(Noun::Promoter, promoters)?.into_iter();
    let programmes = named(Noun::Programme, programmes)?.into_iter();
    let plans = named(Noun::Plan, plans)?.into_iter();
    Ok(Names {
        promoters: promoters
            .map(|(id, name)| Ok((read("promoter id", &id)?, name)))
            .collect::<Result<_, StoreError>>()?,
        programmes: programmes
            .map(|(id, name)| Ok((read("programme id", &id)?, name)))
            .collect::<Result<_, StoreError>>()?,
        plans: plans
            .map(|(id, name)| Ok((read("plan id", &id)?, name)))
            .collect::<Result<_, StoreError>>()?,
    })
}
