//! Words for products and promoters that come and go.

use super::{AT_FROM, Kind, Shape, f, shape};

/// The words.
pub(super) const CATALOGUE: &[Shape] = &[
    shape(
        "The merchant cancels the promotion of a product (取消推广).",
        &[f("cancel_promotion", Kind::Product, "which"), AT_FROM],
    ),
    shape("The merchant promotes a product again.", &[f("promote", Kind::Product, "which"), AT_FROM]),
    shape("A product is delisted (下架).", &[f("delist", Kind::Product, "which"), AT_FROM]),
    shape("A product is listed again.", &[f("relist", Kind::Product, "which"), AT_FROM]),
    shape("A promoter is disabled.", &[f("disable", Kind::Promoter, "who"), AT_FROM]),
    shape("A promoter is enabled again.", &[f("enable", Kind::Promoter, "who"), AT_FROM]),
    shape(
        "The platform says whether a promoter's membership is verified (实名认证). Whom it says nothing of it vouches for.",
        &[
            f("verification", Kind::Promoter, "whose"),
            f("member", Kind::Flag, "it is verified; true unless given"),
        ],
    ),
];
