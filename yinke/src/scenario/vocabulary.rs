//! The words of the language: every event and every check with its fields. The parser, the JSON schema and the
//! reference in the manual are all made from these tables, so that they cannot disagree.

/// What may stand in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `2020-05-04 16:55:35` in Asia/Shanghai, a day, or RFC 3339.
    Time,
    /// Fen, a whole number.
    Fen,
    /// A whole number.
    Count,
    /// `true` or `false`.
    Flag,
    /// Any text.
    Text,
    /// A text or a list of texts.
    Texts,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A promoter of the story.
    Promoter,
    /// A promoter of the story, or `none`.
    PromoterOrNone,
    /// A product of the story.
    Product,
    /// A shop of the story.
    Merchant,
    /// `promoter`, `promoter/product`, `promoter/shop`, or the name of a link that was shared.
    Link,
    /// An order that some event places; with `/2` its second line.
    Order,
    /// A new order's number.
    NewOrder,
    /// Lines: a list of `{product, amount}`, each with `line` and `quantity` if needed.
    Lines,
    /// Names with texts.
    Words,
    /// Names with fen.
    Sums,
    /// Anything.
    Any,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Its name.
    pub(super) name: &'static str,
    /// What may stand in it.
    pub(super) kind: Kind,
    /// What it says.
    pub(super) about: &'static str,
}

/// An event or a check. Its first field has its name and must be there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// What it says.
    pub(super) about: &'static str,
    /// Its fields.
    pub(super) fields: &'static [Field],
}

impl Shape {
    /// Its name, which is that of its first field.
    pub(super) const fn name(&self) -> &'static str {
        match self.fields.first() {
            Some(field) => field.name,
            None => "",
        }
    }

    /// All fields, those that every event has included.
    pub(super) fn all(
        &self,
        common: &'static [Field],
    ) -> impl Iterator<Item = &'static Field> + Clone + use<> {
        self.fields.iter().chain(common)
    }
}

const fn f(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about }
}

const fn shape(about: &'static str, fields: &'static [Field]) -> Shape {
    Shape { about, fields }
}

/// Ways to pay.
pub(super) const METHODS: &[&str] =
    &["alipay", "bank_card", "cash_on_delivery", "other", "wechat_consignment", "wechat_own"];

const AT_FROM: Field = f("from", Kind::Time, "from this instant on; the event's own unless given");
const REPORTED: Field = f("reported", Kind::Time, "when the core hears of it; at once unless given");

/// Fields that every event has.
pub(super) const EVENT_COMMON: &[Field] = &[
    f("refused", Kind::Text, "the core must refuse it with this code"),
    f("note", Kind::Text, "for the reader"),
];
/// Fields that every check has.
pub(super) const CHECK_COMMON: &[Field] = &[f("note", Kind::Text, "for the reader")];

/// Everything that can happen.
pub(super) const EVENTS: &[Shape] = &[
    shape(
        "A promoter shares a link (分享). Links that are clicked without having been shared are shared when the story begins.",
        &[
            f("share", Kind::Link, "whose link to what"),
            f("as", Kind::Text, "a name for clicks to use"),
            f("badge", Kind::Flag, "shared under the salesperson's badge (小黄人); true unless given"),
            f("converted", Kind::Flag, "converted through the alliance (联盟转换链接); true unless given"),
            f("starts", Kind::Time, "it works from here on"),
            f("expires", Kind::Time, "it stops here at the latest"),
            f("placement", Kind::Text, "through this placement; the promoter's own unless given"),
        ],
    ),
    shape(
        "Somebody taps a link (点击).",
        &[
            f("click", Kind::Link, "which link"),
            f("by", Kind::Text, "the buyer, logged in on the device"),
            f("on", Kind::Text, "the device (one browser); the buyer's own unless given"),
            f("as", Kind::Text, "a name, for `tokens` of an order"),
            f("qr", Kind::Flag, "scans the link's QR code instead"),
            f("head", Kind::Flag, "a HEAD request"),
            f("agent", Kind::Text, "the User-Agent; a phone's browser unless given"),
            f("headers", Kind::Words, "further request headers, such as Sec-Purpose: prefetch"),
            f(
                "arrives",
                Kind::Time,
                "when the core takes the click in; at once unless given. A click that comes late comes from an edge that has not reported before",
            ),
            f(
                "held",
                Kind::Flag,
                "with `arrives`: the edge is known to the core and says that it still has something to deliver",
            ),
            f("lost", Kind::Flag, "its record never reaches the core"),
            f("times", Kind::Count, "delivered so often, for repeats"),
            f("again", Kind::Time, "delivered once more then"),
            f("outcome", Kind::Text, "the outcome must be this"),
            f("reason", Kind::Text, "the reason beside the outcome must be this"),
            f("page", Kind::Text, "the title of the page the buyer sees must be this; `none` for a redirect"),
            f("status", Kind::Count, "the answer's status must be this"),
            f("claim", Kind::Choice(&["written", "kept", "none"]), "what becomes of the browser's claim"),
        ],
    ),
    shape(
        "A buyer logs in on a device (登录). Logging in as somebody else is an account switch.",
        &[f("login", Kind::Text, "the buyer"), f("on", Kind::Text, "the device"), REPORTED],
    ),
    shape("An order is placed (拍下).", ORDER),
    shape("An order is placed and paid at the same instant.", BUY),
    shape(
        "An order is paid (付款).",
        &[
            f("pay", Kind::Order, "which"),
            f("method", Kind::Choice(METHODS), "how"),
            f("amount", Kind::Fen, "what was paid for its one line, if not its amount"),
            f("lines", Kind::Lines, "what was paid for lines whose paid amount differs"),
            REPORTED,
        ],
    ),
    shape("The last parcel leaves (发货).", &[f("ship", Kind::Order, "which"), REPORTED]),
    shape("The trade succeeds (交易成功).", &[f("complete", Kind::Order, "which"), REPORTED]),
    shape("An order is closed without success.", &[f("close", Kind::Order, "which"), REPORTED]),
    shape(
        "A refund succeeds (退款).",
        &[
            f("refund", Kind::Order, "which; with `/2` its second line"),
            f("amount", Kind::Fen, "how much; all that was paid for the line unless given"),
            f("lines", Kind::Lines, "how much of which lines"),
            f("id", Kind::Text, "the refund's own number; one of its own unless given"),
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
        "The programme's rate changes: a new version of its rules.",
        &[
            f("rate", Kind::Count, "the new rate in basis points"),
            f("class", Kind::Choice(&["new", "returning"]), "only for this class"),
            f("product", Kind::Product, "only for this product"),
            f("programme", Kind::Text, "which programme; the only one unless given"),
            AT_FROM,
        ],
    ),
    shape(
        "The programme's rules change: a new version.",
        &[
            f("rules", Kind::Any, "fields of the policy that change"),
            f("programme", Kind::Text, "which programme; the only one unless given"),
            AT_FROM,
        ],
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
            f("programme", Kind::Text, "only in this programme; all unless given"),
            f("announced", Kind::Time, "when it was made known; the event's instant unless given"),
        ],
    ),
    shape(
        "A merchant pays money in.",
        &[
            f("top_up", Kind::Merchant, "who"),
            f("amount", Kind::Fen, "how much"),
            f("reference", Kind::Text, "the payment's number"),
        ],
    ),
    shape(
        "A case of the review queue is decided.",
        &[
            f("resolve", Kind::Order, "the order or its line"),
            f("reason", Kind::Text, "the case's code"),
            f("release", Kind::Flag, "lets money move that was held back"),
        ],
    ),
    shape("Nothing: time goes by until here, and all that is due is done.", &[f("wait", Kind::Text, "why")]),
    shape(
        "Any request to the core's API, for what has no word of its own. Texts that are times become milliseconds.",
        &[
            f("call", Kind::Text, "method and path, such as `GET /v1/audit/clicks`"),
            f("body", Kind::Any, "the body"),
            f("status", Kind::Count, "the answer's status must be this; any success unless given"),
            f(
                "answer",
                Kind::Any,
                "these fields of the answer must have these values; a list must begin like this one",
            ),
        ],
    ),
    shape(
        "Something must be so at this instant.",
        &[f("expect", Kind::Any, "one check or a list of checks")],
    ),
];

const ORDER: &[Field] = &order_fields("order");
const BUY: &[Field] = &order_fields("buy");

const fn order_fields(name: &'static str) -> [Field; 14] {
    [
        f(name, Kind::NewOrder, "its number"),
        f("by", Kind::Text, "the buyer; the only one so far unless given"),
        f("shop", Kind::Merchant, "where; the product's shop unless given"),
        f("product", Kind::Product, "what; the first product unless given"),
        f("amount", Kind::Fen, "goods amount; the product's price unless given"),
        f("quantity", Kind::Count, "pieces; 1 unless given"),
        f("lines", Kind::Lines, "several lines instead of `product`"),
        f("method", Kind::Choice(METHODS), "how it is paid; alipay unless given"),
        f("coupon", Kind::Text, "an exclusive coupon code"),
        f("channel", Kind::Text, "the channel the order names"),
        f("distributor", Kind::Text, "the distributor the order names"),
        f("tokens", Kind::Texts, "clicks (by `as`) whose tokens the shop sends with the order"),
        f("updated", Kind::Time, "when the platform last touched its row"),
        REPORTED,
    ]
}

/// Everything that can be checked.
pub(super) const CHECKS: &[Shape] = &[
    shape(
        "An order's line: whose it is, why, how much, and what became of it.",
        &[
            f("order", Kind::Order, "which; with `/2` its second line"),
            f("winner", Kind::PromoterOrNone, "the promoter with a commission, or `none`"),
            f("reason", Kind::Text, "why there is no commission"),
            f("owner", Kind::PromoterOrNone, "whose relation it is, also where nothing is due"),
            f("via", Kind::Choice(&["click", "coupon", "channel"]), "through what it was won"),
            f("class", Kind::Choice(&["new", "returning"]), "the customer's class"),
            f("rate", Kind::Count, "basis points"),
            f("plan", Kind::Text, "`general`, or the targeted plan's id"),
            f("base", Kind::Fen, "what the commission is computed on now"),
            f("commission", Kind::Fen, "the whole commission now"),
            f("promoter", Kind::Fen, "what the promoter sees of it"),
            f("shares", Kind::Sums, "the split as decided: platform, agency, promoter"),
            f("state", Kind::Choice(STATES), "where the entry stands"),
            f("refunded", Kind::Fen, "refunded so far"),
            f("losers", Kind::Words, "promoters with the verdict on their last click"),
            f("clicks", Kind::Count, "how many clicks were looked at"),
            f("flags", Kind::Texts, "what a person should know of, all of it"),
            f("provisional", Kind::Flag, "whether new facts may still change it"),
            f("final_at", Kind::Time, "from when on they may not"),
            f("settled_at", Kind::Time, "when it was settled"),
            f("decisions", Kind::Count, "how many decisions there were so far"),
            f("version", Kind::Count, "the version of the rules"),
            f("programme", Kind::Text, "whose rules decided"),
            f("review", Kind::Flag, "whether a person must look before money moves"),
            f("reviews", Kind::Texts, "the codes of the order's open review cases, all of them"),
        ],
    ),
    shape(
        "A merchant's money.",
        &[
            f("merchant", Kind::Merchant, "whose"),
            f("balance", Kind::Fen, "what is there"),
            f("expected", Kind::Fen, "commissions expected and not yet settled"),
        ],
    ),
    shape(
        "A promoter's money, over all programmes.",
        &[
            f("balance", Kind::Promoter, "whose"),
            f("expected", Kind::Fen, "expected and not yet settled"),
            f("earned", Kind::Fen, "settled and not yet available"),
            f("available", Kind::Fen, "paid out to the balance"),
            f("clearing", Kind::Fen, "on the way to the account"),
        ],
    ),
    shape(
        "Under whom a buyer is recorded (关系查询).",
        &[
            f("relation", Kind::Text, "the buyer"),
            f("promoter", Kind::PromoterOrNone, "whose the buyer is"),
            f("at", Kind::Time, "when; now unless given"),
            f("shop", Kind::Merchant, "where; the first shop unless given"),
            f("product", Kind::Product, "for programmes that count by product; the first unless given"),
            f("earlier", Kind::Texts, "those before, oldest first"),
        ],
    ),
    shape(
        "A promoter's report.",
        &[
            f("report", Kind::Promoter, "whose"),
            f("from", Kind::Time, "first day; 30 days before the last unless given"),
            f("to", Kind::Time, "last day; today unless given"),
            f("clicks", Kind::Count, "clicks in all"),
            f("orders", Kind::Count, "orders in all"),
            f("expected", Kind::Fen, "expected in all"),
            f("settled", Kind::Fen, "settled in all"),
        ],
    ),
    shape(
        "Which cases of the review queue are open, by code.",
        &[f("reviews", Kind::Texts, "their codes, sorted; an empty list for none")],
    ),
    shape(
        "What the library search finds, in its order.",
        &[
            f("search", Kind::Words, "the query: q (name), shop, merchant (seller id), category, sort"),
            f("hits", Kind::Texts, "the products found"),
        ],
    ),
    shape("The books: the sum over all accounts.", &[f("imbalance", Kind::Fen, "must be this, always 0")]),
    shape(
        "Any answer of the core's API.",
        &[
            f("get", Kind::Text, "the path, such as `/v1/audit/clicks`"),
            f("status", Kind::Count, "the status; 200 unless given"),
            f("answer", Kind::Any, "these fields must have these values; a list must begin like this one"),
        ],
    ),
];

const STATES: &[&str] = &["none", "tracked", "expected", "matured", "settled", "invalid", "manual_required"];
