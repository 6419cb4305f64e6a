//! Which roles may ask at all: looked at before a body is read, so that nobody learns from a refusal what a body should
//! hold that they may not send.
//!
//! Whose data a token may touch is the handler's to decide: that often stands in the body or in the store.

use super::Problem;
use super::auth::{Principal, Role};
use crate::Core;
use axum::extract::FromRequestParts;
use http::request::Parts;
use std::marker::PhantomData;

/// A circle of roles.
pub(crate) trait Circle: Send {
    /// Who is in it besides admin and operator.
    const ROLES: &'static [Role];
}

/// Admin and operator alone.
#[derive(Debug)]
pub(crate) struct Operators;
/// And merchants.
#[derive(Debug)]
pub(crate) struct Merchants;
/// And promoters, and agencies for theirs.
#[derive(Debug)]
pub(crate) struct Promoters;
/// And promoters, without their agencies.
#[derive(Debug)]
pub(crate) struct PromotersAlone;
/// And agencies.
#[derive(Debug)]
pub(crate) struct Agencies;
/// And merchants, promoters and agencies: all but edges.
#[derive(Debug)]
pub(crate) struct Subjects;
/// And edges.
#[derive(Debug)]
pub(crate) struct Edges;

impl Circle for Operators {
    const ROLES: &'static [Role] = &[];
}
impl Circle for Merchants {
    const ROLES: &'static [Role] = &[Role::Merchant];
}
impl Circle for Promoters {
    const ROLES: &'static [Role] = &[Role::Promoter, Role::Agency];
}
impl Circle for PromotersAlone {
    const ROLES: &'static [Role] = &[Role::Promoter];
}
impl Circle for Agencies {
    const ROLES: &'static [Role] = &[Role::Agency];
}
impl Circle for Subjects {
    const ROLES: &'static [Role] = &[Role::Merchant, Role::Promoter, Role::Agency];
}
impl Circle for Edges {
    const ROLES: &'static [Role] = &[Role::Edge];
}

/// Lets the roles of one circle pass, and refuses others before anything else of the request is looked at. Stands first
/// among a handler's arguments.
#[derive(Debug)]
pub(crate) struct Only<C>(PhantomData<C>);

impl<C: Circle> FromRequestParts<Core> for Only<C> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Core) -> Result<Self, Problem> {
        let principal = Principal::of_request(parts, core).await?;
        if !C::ROLES.contains(&principal.role) {
            principal.require_operator()?;
        }
        Ok(Self(PhantomData))
    }
}
