//! Words for money: what comes in, is settled, paid out, taken back and made up for.

use super::codes::REVIEWS;
use super::{AT_FROM, Kind, PROGRAMME, Shape, f, must, shape};

/// The words.
pub(super) const MONEY: &[Shape] = &[
    shape(
        "A merchant pays money in.",
        &[
            f("top_up", Kind::Merchant, "who"),
            f("amount", Kind::Fen, "how much"),
            f("reference", Kind::Text, "the payment's number"),
        ],
    ),
    shape(
        "A merchant settles one line by hand, out of turn.",
        &[f("settle", Kind::Order, "which; with `/2` its second line")],
    ),
    shape(
        "A case of the review queue is decided.",
        &[
            f("resolve", Kind::Order, "the order or its line"),
            f("reason", Kind::Choice(REVIEWS), "the case's code"),
            f("release", Kind::Flag, "lets money move that was held back"),
        ],
    ),
    shape(
        "The account is bound to which a payee's money goes (绑定支付宝).",
        &[
            f("bind", Kind::Payee, "whose"),
            f("account", Kind::Text, "its number or login"),
            f(
                "kind",
                Kind::Choice(&["alipay", "company_alipay", "bank_card"]),
                "what kind; alipay for a promoter and company_alipay for an agency unless given",
            ),
            f("verified", Kind::Flag, "the holder's real name is verified; true unless given"),
            AT_FROM,
        ],
    ),
    shape("A promoter's account is unbound.", &[f("unbind", Kind::Promoter, "whose"), AT_FROM]),
    shape(
        "A payee takes money out (提现).",
        &[
            f("withdraw", Kind::Payee, "who"),
            f("amount", Kind::Fen, "how much of what is available; all of it unless given"),
            PROGRAMME,
            must("paid", Kind::Fen, "so much must be on its way"),
            must("collected", Kind::Fen, "so much must go to the platform"),
            must("left", Kind::Fen, "so much must be left"),
            must("account", Kind::Text, "it must go to this account"),
        ],
    ),
    shape(
        "An operator starts a payout run now, whatever day it is.",
        &[f("pay_out", Kind::Programme, "of which programme")],
    ),
    shape(
        "The outside says what became of a payee's last payout that is on its way.",
        &[
            f("arrive", Kind::Payee, "whose"),
            f("returned", Kind::Flag, "it came back; it has arrived unless given"),
            f("why", Kind::Text, "why it came back"),
        ],
    ),
    shape(
        "Commission on an old refund comes back from the promoter (追回).",
        &[
            f("recover", Kind::Order, "the order whose refund record it is"),
            f("refund", Kind::Text, "the refund's number; the only one unless given"),
            f("amount", Kind::Fen, "how much; all that is missing unless given"),
            f("reference", Kind::Text, "the payment's number; one of its own unless given"),
            f(
                "paid_in",
                Kind::Flag,
                "the promoter paid it in from outside, instead of out of what is available",
            ),
            must("state", Kind::Text, "the record must then be in this state"),
        ],
    ),
    shape(
        "A merchant is found to have broken the rules with an order.",
        &[
            f("broke_rules", Kind::Order, "which"),
            must("records", Kind::Count, "so many records must be marked"),
        ],
    ),
];
