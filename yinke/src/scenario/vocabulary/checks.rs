//! Words for what must be so.

use super::codes::{FLAGS, GATES, NO_COMMISSION, REVIEWS, SKU_VERDICTS, VERDICTS};
use super::{Kind, Shape, f, must, shape};

/// The words.
pub(in crate::scenario) const CHECKS: &[Shape] = &[
    shape(
        "An order's line: whose it is, why, how much, and what became of it.",
        &[
            f("order", Kind::OrderLine, "which; with `/2` its second line"),
            must("winner", Kind::PromoterOrNone, "the promoter with a commission, or `none`"),
            must("reason", Kind::Choice(NO_COMMISSION), "why there is no commission"),
            must("owner", Kind::PromoterOrNone, "whose relation it is, also where nothing is due"),
            must("via", Kind::Choice(&["click", "coupon", "channel"]), "through what it was won"),
            must("class", Kind::Choice(&["new", "returning"]), "the customer's class"),
            must("rate", Kind::Count, "basis points"),
            must("plan", Kind::Text, "`general`, or the targeted plan's id"),
            must("base", Kind::Fen, "what the commission is computed on now"),
            must("commission", Kind::Fen, "the whole commission now"),
            must("promoter", Kind::Fen, "what the promoter sees of it"),
            must("shares", Kind::Sums, "the split as decided: platform, agency, promoter"),
            must("state", Kind::Choice(STATES), "where the entry stands"),
            must("refunded", Kind::Fen, "refunded so far"),
            must("losers", Kind::Coded(VERDICTS), "promoters with the verdict on their last click"),
            must("clicks", Kind::Count, "how many clicks were looked at"),
            must("flags", Kind::Codes(FLAGS), "what a person should know of, all of it"),
            must("provisional", Kind::Flag, "whether new facts may still change it"),
            must("final_at", Kind::When, "from when on they may not"),
            must("settled_at", Kind::When, "when it was settled"),
            must("decisions", Kind::Count, "how many decisions there were so far"),
            must("version", Kind::Count, "the version of the rules"),
            must("programme", Kind::Text, "whose rules decided"),
            must("review", Kind::Flag, "whether a person must look before money moves"),
            must("reviews", Kind::Codes(REVIEWS), "the codes of the order's open review cases, all of them"),
            must("says", Kind::Texts, "parts of the explanation or of its steps, Chinese or English"),
        ],
    ),
    shape(
        "A merchant's money.",
        &[
            f("merchant", Kind::Merchant, "whose"),
            must("balance", Kind::Fen, "what is there"),
            must("expected", Kind::Fen, "commissions expected and not yet settled"),
        ],
    ),
    shape(
        "A payee's money.",
        &[
            f("balance", Kind::Payee, "whose: a promoter's or an agency's"),
            f("programme", Kind::Programme, "in this programme; in all unless given"),
            must("expected", Kind::Fen, "expected and not yet settled"),
            must("earned", Kind::Fen, "settled and not yet available"),
            must("available", Kind::Fen, "paid out to the balance"),
            must("clearing", Kind::Fen, "on the way to the account"),
            must("paid", Kind::Fen, "has arrived there, in all"),
        ],
    ),
    shape(
        "The platform's own money.",
        &[
            must("platform", Kind::Fen, "what is there"),
            must("expected", Kind::Fen, "commissions and fees expected and not yet settled"),
        ],
    ),
    shape(
        "A payout: what a run did for a payee, or a withdrawal.",
        &[
            f("payout", Kind::Payee, "whose"),
            f("nth", Kind::Count, "which, from 1; the last unless given"),
            must("count", Kind::Count, "how many there are"),
            must("day", Kind::When, "the day of its run"),
            must("attempt", Kind::Count, "which run of that day"),
            must("state", Kind::Choice(PAYOUT_STATES), "how it stands"),
            must("reason", Kind::Text, "why it failed or came back"),
            must("amount", Kind::Fen, "moved on to available"),
            must("paid", Kind::Fen, "on its way or arrived"),
            must("collected", Kind::Fen, "of it to the platform"),
            must("account", Kind::Text, "the account it goes to"),
        ],
    ),
    shape(
        "A programme's last payout run.",
        &[
            f("payout_run", Kind::Programme, "of which programme"),
            must("count", Kind::Count, "how many there were"),
            must("day", Kind::When, "its day"),
            must("attempt", Kind::Count, "which run of that day"),
            must("payees", Kind::Count, "payees with something due"),
            must("served", Kind::Count, "payees looked at"),
            must("failed", Kind::Count, "of them without success"),
            must("amount", Kind::Fen, "moved on to available"),
            must("calendar", Kind::Text, "the calendar it was computed from"),
        ],
    ),
    shape(
        "A payee's statement of a month, as the ledger learnt of it.",
        &[
            f("statement", Kind::Payee, "whose"),
            f("month", Kind::Text, "`2020-07`; this month unless given"),
            f("programme", Kind::Programme, "of which programme; the first unless given"),
            must("closed", Kind::Flag, "whether the month is over"),
            must("opening", Kind::Fen, "there before"),
            must("settled", Kind::Fen, "settled"),
            must("taken_back", Kind::Fen, "taken back after refunds, negative"),
            must("collected", Kind::Fen, "to the platform at withdrawals, negative"),
            must("paid", Kind::Fen, "arrived outside, negative"),
            must("other", Kind::Fen, "everything else"),
            must("closing", Kind::Fen, "there afterwards"),
            must("movements", Kind::Count, "how many movements"),
        ],
    ),
    shape(
        "A refund record (维权退款订单) of an order, and what became of it.",
        &[
            f("refund_record", Kind::OrderLine, "of which order; with `/2` of its second line"),
            f("refund", Kind::Text, "the refund's number; the last one unless given"),
            must("count", Kind::Count, "how many records the order has"),
            must("route", Kind::Choice(&["real_time", "batch", "no_record"]), "how it came to be"),
            must("rule", Kind::Text, "the batch rule that covers it, or `none`"),
            must("state", Kind::Choice(RECORD_STATES), "how it stands"),
            must("due", Kind::Fen, "the commission on what was refunded"),
            must("recovered", Kind::Fen, "come back from the promoter"),
            must("compensated", Kind::Fen, "made up for by the platform; 0 if nothing was"),
            must("created", Kind::When, "the record's own time"),
            must("refunded", Kind::When, "when the refund succeeded"),
        ],
    ),
    shape(
        "An enrolment for off-site sales, and how far its audit is.",
        &[
            f("enrolment", Kind::Made("enrol"), "which"),
            must(
                "state",
                Kind::Choice(&["refused", "auditing", "approved", "rejected", "exited"]),
                "where it stands",
            ),
            must(
                "refusals",
                Kind::Codes(GATES),
                "why the gates refused it: all codes, sorted; an empty list for none",
            ),
            must(
                "skus",
                Kind::Coded(SKU_VERDICTS),
                "SKUs with what is said of them; `review`: there is no deal to compare with",
            ),
            must("stock", Kind::Sums, "SKUs with what the channel can sell"),
            must("low_stock", Kind::Texts, "SKUs whose stock has fallen too low; an empty list for none"),
            must("usual", Kind::When, "the day by which the audit is normally through"),
            must("latest", Kind::When, "the day by which it is through at the latest"),
            must("workday", Kind::Count, "workdays since the submission"),
            must("overdue", Kind::Flag, "whether the latest day has passed"),
            must("reason", Kind::Text, "why the audit refused it, or `none`"),
        ],
    ),
    shape(
        "A SKU on the market.",
        &[
            f("sku_low", Kind::Text, "which: `red` of the first product, or `cup/red`"),
            must("low", Kind::Fen, "the lowest deal of 30 days; 0 if there was none"),
            must("price", Kind::Fen, "the list price"),
            must("stock", Kind::Count, "pieces in stock"),
            must("enrolment", Kind::Text, "the open enrolment it takes part in, or `none`"),
        ],
    ),
    shape(
        "A video task.",
        &[
            f("task", Kind::Made("video_task"), "which"),
            must("state", Kind::Choice(&["open", "confirmed", "cancelled"]), "where it stands"),
            must("fee", Kind::Fen, "to the platform, or what a confirmation now would give it"),
            must("net", Kind::Fen, "to the agency, or to the talent without one"),
            must("agency", Kind::Text, "the talent's agency, or `none`"),
        ],
    ),
    shape(
        "Under whom a buyer is recorded (关系查询).",
        &[
            f("relation", Kind::Text, "the buyer"),
            must("promoter", Kind::PromoterOrNone, "whose the buyer is"),
            f("at", Kind::Time, "when; now unless given"),
            f("shop", Kind::Merchant, "where; the first shop unless given"),
            f("product", Kind::Product, "for programmes that count by product; the first unless given"),
            must("earlier", Kind::Texts, "those before, oldest first"),
        ],
    ),
    shape(
        "A promoter's report.",
        &[
            f("report", Kind::Promoter, "whose"),
            f("from", Kind::Time, "first day; 30 days before the last unless given"),
            f("to", Kind::Time, "last day; today unless given"),
            must("clicks", Kind::Count, "clicks in all"),
            must("orders", Kind::Count, "orders in all"),
            must("expected", Kind::Fen, "expected in all"),
            must("settled", Kind::Fen, "settled in all"),
        ],
    ),
    shape(
        "Which cases of the review queue are open, by code.",
        &[must("reviews", Kind::Codes(REVIEWS), "their codes, sorted; an empty list for none")],
    ),
    shape(
        "What the library search finds, in its order.",
        &[
            f(
                "search",
                Kind::Words,
                "the query: q (name), shop, merchant (seller id), category, state (all, live, invalid), sort (oldest, newest, \
                 rate, commission), promoter (whose rates count)",
            ),
            must("hits", Kind::Texts, "the products found"),
        ],
    ),
    shape(
        "A platform's statement against the books (对账).",
        &[
            f("reconcile", Kind::Programme, "of which programme"),
            f(
                "statement",
                Kind::Text,
                "CSV with the columns `order`, `line`, `state`, and `commission_fen` or `commission_yuan`",
            ),
            f("states", Kind::Choice(DIALECTS), "whose names its states have; taobao unless given"),
            f("from", Kind::Time, "of orders placed from here on; of all unless given"),
            f("to", Kind::Time, "up to here; now unless given"),
            must("agree", Kind::Count, "lines that say the same"),
            must("found", Kind::Count, "differences in all"),
            must(
                "differences",
                Kind::Coded(DIFFERENCES),
                "orders, or lines such as `o1/2`, with what differs",
            ),
            must("unreadable", Kind::Text, "part of why it cannot be read, such as `row 3, column state`"),
        ],
    ),
    shape(
        "Changed rules over past orders, before they are in force (试算): who would gain or lose how much.",
        &[
            f("rehearse", Kind::Any, "fields of the policy that change"),
            f("programme", Kind::Programme, "which programme; the first unless given"),
            f(
                "since",
                Kind::Time,
                "of orders placed from here on, as if in force since then; of all unless given",
            ),
            f("until", Kind::Time, "of orders placed before; of all since then unless given"),
            f("shop", Kind::Merchant, "only this shop's orders"),
            must(
                "gains",
                Kind::Sums,
                "promoters, agencies, shops and `platform` with their gain; a loss is negative",
            ),
            must("lines", Kind::Count, "lines that were looked at"),
            must("changed", Kind::Count, "lines that would be otherwise"),
            must("before", Kind::Fen, "all their commission as it stands"),
            must("after", Kind::Fen, "all their commission as it would be"),
            must("mistakes", Kind::Texts, "parts of what is wrong with the rules"),
        ],
    ),
    shape("The books: the sum over all accounts.", &[must("imbalance", Kind::Fen, "must be this, always 0")]),
    shape(
        "Any answer of the core's API.",
        &[
            f("get", Kind::Text, "the path, such as `/v1/audit/clicks`"),
            must("status", Kind::Count, "the status; 200 unless given"),
            must("answer", Kind::Any, "these fields must have these values; a list must begin like this one"),
        ],
    ),
];

const DIALECTS: &[&str] = &["taobao", "jd", "pdd", "douyin", "kuaishou"];
/// A line with an amount and a state that differ has both, in the order of their names.
const DIFFERENCES: &[&str] = &["missing_here", "missing_there", "amount", "state"];
const STATES: &[&str] = &["none", "tracked", "expected", "matured", "settled", "invalid", "manual_required"];
const PAYOUT_STATES: &[&str] = &["available", "clearing", "paid", "returned", "carried", "failed"];
const RECORD_STATES: &[&str] =
    &["waiting", "no_record", "created", "recovering", "success", "compensated", "rules_broken"];
