//! Words for what happens to an order.

use super::{Field, Kind, METHODS, REPORTED, Shape, f, shape};

/// The words.
pub(super) const ORDERS: &[Shape] = &[
    shape("An order is placed (拍下).", ORDER),
    shape("An order is placed and paid at the same instant.", BUY),
    shape(
        "An order is paid (付款).",
        &[
            f("pay", Kind::Order, "which"),
            f("method", Kind::Choice(METHODS), "how"),
            f("amount", Kind::Fen, "what was paid for its one line, if not its amount"),
            f(
                "lines",
                Kind::Lines,
                "what was paid for lines whose paid amount differs, such as `[{line: 2, amount: 900}]`",
            ),
            REPORTED,
        ],
    ),
    shape(
        "A parcel leaves (发货). Without a confirmation the time until the trade completes runs from the last one.",
        &[
            f("ship", Kind::Order, "which"),
            f("parcel", Kind::Text, "the parcel's own number; one of its own unless given"),
            f("more", Kind::Flag, "more parcels are to follow: until they have left no time runs"),
            REPORTED,
        ],
    ),
    shape(
        "The buyer confirms the receipt, and the trade succeeds (交易成功).",
        &[
            f("complete", Kind::Order, "which"),
            f(
                "seller_paid",
                Kind::Time,
                "when the money reaches the seller, where that is later: the trade succeeds, and is reported, only then",
            ),
            REPORTED,
        ],
    ),
    shape("An order is closed without success.", &[f("close", Kind::Order, "which"), REPORTED]),
    shape(
        "A refund succeeds (退款).",
        &[
            f("refund", Kind::Order, "which; with `/2` its second line"),
            f("amount", Kind::Fen, "how much; all that was paid for the line unless given"),
            f(
                "lines",
                Kind::Lines,
                "how much of which lines, such as `[{line: 1, amount: 300}, {line: 2, amount: 5}]`",
            ),
            f("id", Kind::Text, "the refund's own number; one of its own unless given"),
            f("initiated", Kind::Time, "when it was asked for, if that is known"),
            f(
                "credit",
                Kind::Choice(&["unused", "spent"]),
                "of a shopping credit: what was never spent, or what was spent on goods that came back",
            ),
            f("special", Kind::Flag, "a special order, which batches of refund records leave out"),
            REPORTED,
        ],
    ),
    shape(
        "A refund is asked for (申请退款). Until it succeeds or is refused, the timer from the last parcel stands still.",
        &[
            f("ask_refund", Kind::Order, "of which order"),
            f(
                "id",
                Kind::Text,
                "the refund's own number, which the `refund` or `refuse_refund` that ends it gives too; `o1-r` for order `o1` \
             unless given",
            ),
            REPORTED,
        ],
    ),
    shape(
        "A refund that was asked for is refused, or the buyer takes the wish back.",
        &[
            f("refuse_refund", Kind::Order, "of which order"),
            f("id", Kind::Text, "the refund's own number; `o1-r` for order `o1` unless given"),
            REPORTED,
        ],
    ),
    shape(
        "The buyer had a successful order at the shop: placed, paid and completed at this instant.",
        &[
            f("success", Kind::Text, "the buyer"),
            f("shop", Kind::Merchant, "where; the first shop unless given"),
            f("order", Kind::Text, "its number, if anything refers to it"),
        ],
    ),
];

const ORDER: &[Field] = &order_fields("order");
const BUY: &[Field] = &order_fields("buy");

const fn order_fields(name: &'static str) -> [Field; 16] {
    [
        f(name, Kind::NewOrder, "its number"),
        f("by", Kind::Text, "the buyer; the only one so far unless given"),
        f("shop", Kind::Merchant, "where; the product's shop unless given"),
        f("product", Kind::Product, "what; the first product unless given"),
        f("sku", Kind::Text, "which of the product's SKUs, if the platform tells"),
        f("amount", Kind::Fen, "goods amount; the product's price unless given"),
        f("quantity", Kind::Count, "pieces; 1 unless given"),
        f(
            "lines",
            Kind::Lines,
            "several lines instead of `product`, such as `[{product: cup, amount: 900}, {product: tea}]`",
        ),
        f("method", Kind::Choice(METHODS), "how it is paid; alipay unless given"),
        f("coupon", Kind::Text, "an exclusive coupon code"),
        f("channel", Kind::Text, "the channel the order names"),
        f("distributor", Kind::Text, "the distributor the order names"),
        f("tokens", Kind::Texts, "clicks (by `as`) whose tokens the shop sends with the order"),
        f("updated", Kind::Time, "when the platform last touched its row"),
        f("again", Kind::Flag, "it was placed before, at another time: the platform contradicts itself"),
        REPORTED,
    ]
}
