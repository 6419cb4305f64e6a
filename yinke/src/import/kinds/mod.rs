//! The kinds of rows: their columns, and the API call each becomes.

mod catalogue;
mod links;
mod orders;

use super::fields::Fields;
use super::source::Row;
use clap::ValueEnum;
use http::Method;
use serde_json::Value;
pub(crate) use settlement_core::orders::file::Column;
use settlement_core::orders::file::{self, column};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Kind {
    /// Merchants (shops)
    Merchants,
    /// Programmes (sets of rules)
    Programmes,
    /// Products
    Products,
    /// Promoters
    Promoters,
    /// Placements (推广位)
    Placements,
    /// Promo links
    Links,
    /// Banned categories
    Bans,
    /// Order events
    Orders,
}

/// What one row (or several rows of one order) becomes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// A call of its own.
    Call {
        /// PUT or POST.
        method: Method,
        /// The path with its id.
        path: String,
        /// The body.
        body: Value,
        /// What may stand in a file only once.
        key: String,
    },
    /// Part of a bulk call.
    Bulk {
        /// The part.
        body: Value,
        /// What may stand in a file only once, if anything.
        key: Option<String>,
    },
    /// A further line of the order event before it.
    Continues {
        /// Which event: type, platform, order, refund.
        event: String,
        /// The event, if no row before it is the same.
        body: Value,
    },
}

impl Kind {
    /// The columns. `docs/import.md` is tested against these.
    pub(crate) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Merchants => catalogue::MERCHANTS,
            Self::Programmes => catalogue::PROGRAMMES,
            Self::Products => catalogue::PRODUCTS,
            Self::Promoters => catalogue::PROMOTERS,
            Self::Placements => catalogue::PLACEMENTS,
            Self::Bans => catalogue::BANS,
            Self::Links => links::LINKS,
            Self::Orders => file::COLUMNS,
        }
    }

    /// Reads one row; `None` if a fault was noted.
    pub(super) fn read(self, fields: &mut Fields<'_>) -> Option<Item> {
        match self {
            Self::Merchants => catalogue::merchant(fields),
            Self::Programmes => catalogue::programme(fields),
            Self::Products => catalogue::product(fields),
            Self::Promoters => catalogue::promoter(fields),
            Self::Placements => catalogue::placement(fields),
            Self::Bans => catalogue::ban(fields),
            Self::Links => links::link(fields),
            Self::Orders => orders::event(fields),
        }
    }

    /// Which event a row belongs to, as far as it can be told of a row that is wrong elsewhere.
    pub(super) fn event_of(self, row: &Row) -> Option<String> {
        (self == Self::Orders).then(|| orders::event_name(|name| row.cells.get(name)?.value.as_str()))?
    }

    /// Where bulk items go, under which name, and how many at once.
    pub(super) const fn bulk(self) -> Option<Bulk> {
        match self {
            Self::Products => Some(Bulk {
                method: Method::PUT,
                path: "/v1/products",
                name: "products",
                at_once: 2_000,
                check: Some("/v1/products?check=true"),
            }),
            Self::Links => Some(Bulk {
                method: Method::POST,
                path: "/v1/links/bulk",
                name: "links",
                at_once: 2_000,
                check: None,
            }),
            Self::Orders => Some(Bulk {
                method: Method::POST,
                path: "/v1/orders/events",
                name: "events",
                at_once: 500,
                check: None,
            }),
            _ => None,
        }
    }

    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Merchants => "merchants",
            Self::Programmes => "programmes",
            Self::Products => "products",
            Self::Promoters => "promoters",
            Self::Placements => "placements",
            Self::Links => "links",
            Self::Bans => "bans",
            Self::Orders => "orders",
        }
    }
}

/// A call that takes many items.
#[derive(Debug, Clone)]
pub(super) struct Bulk {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The list's name in the body.
    pub(super) name: &'static str,
    pub(super) at_once: usize,
    /// Where the same call only says whether it would succeed.
    pub(super) check: Option<&'static str>,
}
