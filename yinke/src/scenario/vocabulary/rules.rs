//! Words for rules, rates, plans and coupons.

use super::{AT_FROM, CLASS, Kind, PROGRAMME, Shape, f, must, shape};

/// The words.
pub(super) const RULES: &[Shape] = &[
    shape(
        "The programme's rate changes: a new version of its rules.",
        &[
            f("rate", Kind::Rate, "the new rate in basis points"),
            CLASS,
            f("product", Kind::Product, "only for this product"),
            PROGRAMME,
            AT_FROM,
        ],
    ),
    shape(
        "The programme's rules change: a new version.",
        &[f("rules", Kind::Any, "fields of the policy that change"), PROGRAMME, AT_FROM],
    ),
    shape(
        "A category may not be promoted (禁推).",
        &[
            f("ban", Kind::Text, "the category"),
            f(
                "from",
                Kind::Time,
                "from here on, which may lie in the past; the event's instant unless given",
            ),
            f("to", Kind::Time, "up to here; for good unless given"),
            f("programme", Kind::Programme, "only in this programme; all unless given"),
            f("announced", Kind::Time, "when it was made known; the event's instant unless given"),
        ],
    ),
    shape(
        "A ban is lifted: orders from then on earn again.",
        &[
            f("lift_ban", Kind::Text, "the category"),
            f("programme", Kind::Programme, "the ban of this programme; the one of all unless given"),
            AT_FROM,
        ],
    ),
    shape(
        "A rate for some goods beside the rules' own, set by whoever sells them.",
        &[
            f("set_rate", Kind::RateOrNone, "basis points, or `none`: these goods earn nothing"),
            CLASS,
            f("product", Kind::Product, "only for this product"),
            f("category", Kind::Text, "only for this category"),
            f("shop", Kind::Merchant, "only for this shop"),
            f("plan", Kind::Made("plan"), "in this targeted plan; in the general one unless given"),
            PROGRAMME,
            AT_FROM,
            f("to", Kind::Time, "up to here; for good unless given"),
        ],
    ),
    shape(
        "A targeted plan (定向计划) is made.",
        &[
            f("plan", Kind::Text, "its id"),
            f("rate", Kind::Rate, "its rate in basis points"),
            f("product", Kind::Product, "for this product; for all unless given"),
            f(
                "approval",
                Kind::Choice(&["automatic", "manual"]),
                "how applications are answered; manual unless given",
            ),
            PROGRAMME,
            f("created", Kind::Time, "when it was made; the event's instant unless given"),
            f("closes", Kind::Time, "when it closes; never unless given"),
        ],
    ),
    shape(
        "A promoter applies for a plan (申请).",
        &[
            f("apply", Kind::Promoter, "who"),
            f("plan", Kind::Made("plan"), "for which plan"),
            must("state", Kind::Choice(&["approved", "pending"]), "what the answer must be"),
        ],
    ),
    shape(
        "An application is approved (审核通过).",
        &[f("approve", Kind::Promoter, "whose"), f("plan", Kind::Made("plan"), "for which plan")],
    ),
    shape(
        "An application is rejected, or an approval is withdrawn.",
        &[f("reject", Kind::Promoter, "whose"), f("plan", Kind::Made("plan"), "for which plan")],
    ),
    shape(
        "A coupon code begins to belong to one promoter.",
        &[
            f("coupon", Kind::Text, "the code"),
            f("promoter", Kind::Promoter, "whose"),
            PROGRAMME,
            AT_FROM,
            f("to", Kind::Time, "up to here; for good unless given"),
        ],
    ),
    shape(
        "A promoter's contract with an agency (机构) begins.",
        &[
            f("contract", Kind::Promoter, "whose"),
            f("agency", Kind::Text, "with which agency; with none if it is `none`"),
            AT_FROM,
        ],
    ),
    shape(
        "An operator lays days over the official workday calendar.",
        &[
            f("workdays", Kind::Words, "days with `true` for a workday and `false` for a day off"),
            f("through", Kind::Count, "the last year that is complete now, if it changes"),
        ],
    ),
];
