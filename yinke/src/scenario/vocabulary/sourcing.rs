//! Words for goods that are sourced for channels outside the platform, and for video tasks.

use super::{Kind, PROGRAMME, Shape, f, must, shape};

/// The words.
pub(super) const SOURCING: &[Shape] = &[
    shape(
        "A merchant says what a SKU costs on the market and how many there are.",
        &[
            f("sku", Kind::Text, "which: `red` of the first product, or `cup/red`"),
            f("price", Kind::Fen, "the market's list price"),
            f("stock", Kind::Count, "pieces in stock"),
            f(
                "low",
                Kind::Fen,
                "the lowest deal of 30 days as the platform reports it; orders with a SKU count by themselves",
            ),
        ],
    ),
    shape("A SKU is no longer sold.", &[f("delete_sku", Kind::Text, "which")]),
    shape(
        "The platform says how a merchant stands; what is not said is just good enough.",
        &[
            f("merchant_facts", Kind::Merchant, "of whom"),
            f("business", Kind::Flag, "consumer or industrial goods"),
            f("level", Kind::Count, "the level; 2 for L2"),
            f("dropship", Kind::Count, "products with one-piece dropshipping (一件代发包邮)"),
            f("service", Kind::Count, "服务星级, in tenths"),
            f("logistics", Kind::Count, "物流体验分, in tenths"),
            f("product_score", Kind::Count, "商品体验分, in tenths"),
            f("risk_ok", Kind::Flag, "all other risk figures are in order"),
        ],
    ),
    shape(
        "The platform says how a product stands; what is not said is just good enough.",
        &[
            f("product_facts", Kind::Product, "of which product"),
            f("business", Kind::Flag, "a consumer or industrial good"),
            f("dropship", Kind::Flag, "one piece, shipping included (一件代发包邮)"),
            f("returns", Kind::Flag, "returns within seven days"),
            f("ships", Kind::Choice(&["hours24", "hours48", "none"]), "the shipping promise"),
            f("growth", Kind::Count, "商品成长分"),
            f("risk_ok", Kind::Flag, "all other risk figures are in order"),
            f("group_purchase", Kind::Flag, "it takes part in a group purchase (伙拼团)"),
        ],
    ),
    shape(
        "A merchant applies for off-site sales (报名).",
        &[
            f("enrol", Kind::Text, "the enrolment's id"),
            f("product", Kind::Product, "which product; the first unless given"),
            f("skus", Kind::Sums, "its SKUs with the channel's private price (私密价格)"),
            PROGRAMME,
        ],
    ),
    shape("The audit lets an enrolment pass.", &[f("pass", Kind::Made("enrol"), "which")]),
    shape(
        "The audit refuses an enrolment.",
        &[f("fail", Kind::Made("enrol"), "which"), f("why", Kind::Text, "why")],
    ),
    shape("A merchant leaves an enrolment.", &[f("leave", Kind::Made("enrol"), "which")]),
    shape(
        "A merchant wants to change something while the product is enrolled.",
        &[
            f("edit", Kind::Made("enrol"), "of which enrolment"),
            f("what", Kind::Choice(EDITS), "what"),
            f("stock", Kind::Count, "instead of `what`: the market's stock becomes this"),
            must("verdict", Kind::Choice(&["allowed", "allowed_with_warning"]), "the answer must be this"),
        ],
    ),
    shape(
        "A merchant orders a video (V任务).",
        &[
            f("video_task", Kind::Text, "its id"),
            f("talent", Kind::Promoter, "who makes it"),
            f("price", Kind::Fen, "what the merchant pays"),
            f("shop", Kind::Merchant, "who orders it; the first shop unless given"),
            f("product", Kind::Product, "what it is about"),
            PROGRAMME,
        ],
    ),
    shape(
        "The merchant confirms a video task and pays.",
        &[
            f("confirm_task", Kind::Made("video_task"), "which"),
            must("fee", Kind::Fen, "so much must go to the platform"),
            must("net", Kind::Fen, "so much must go to the agency, or to the talent without one"),
        ],
    ),
    shape("The merchant cancels a video task.", &[f("cancel_task", Kind::Made("video_task"), "which")]),
];

const EDITS: &[&str] = &[
    "main_picture",
    "detail",
    "market_price",
    "delete_enrolled_sku",
    "delete_other_sku",
    "channel_price",
    "channel_detail",
    "join_group_purchase",
    "join_other_promotion",
];
