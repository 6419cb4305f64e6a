//! Words for links and clicks.

use super::codes::{CLICK_REASONS, OUTCOMES};
use super::{Kind, REPORTED, Shape, f, must, shape};

/// The words.
pub(super) const CLICKS: &[Shape] = &[
    shape(
        "A promoter shares a link (分享). Links that are clicked without having been shared are shared when the story begins.",
        &[
            f(
                "share",
                Kind::Link,
                "whose link to what: `a/tea` to a product, `a/S` to a shop, `a` to the first product",
            ),
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
            f("click", Kind::Link, "which link, as in `share`, or one shared under a name (`as`)"),
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
            f("ahead", Kind::Length, "its edge's clock runs ahead by so much"),
            f("lost", Kind::Flag, "its record never reaches the core"),
            f("times", Kind::Count, "delivered so often, for repeats"),
            f("again", Kind::Time, "delivered once more then"),
            must("outcome", Kind::Choice(OUTCOMES), "the outcome must be this"),
            must("reason", Kind::Choice(CLICK_REASONS), "the reason beside the outcome must be this"),
            must(
                "page",
                Kind::Text,
                "the title of the page the buyer sees must be this; `none` for a redirect",
            ),
            must("status", Kind::Count, "the answer's status must be this"),
            must("claim", Kind::Choice(&["written", "kept", "none"]), "what becomes of the browser's claim"),
        ],
    ),
    shape(
        "A buyer logs in on a device (登录). Logging in as somebody else is an account switch.",
        &[f("login", Kind::Text, "the buyer"), f("on", Kind::Text, "the device"), REPORTED],
    ),
];
