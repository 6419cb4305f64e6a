//! The chapters of the document: each operation is filed under the noun that its path begins with.

use serde_json::{Value, json};

/// The nouns, in the order in which a reader needs them: what there is to promote, who promotes it, what comes of it, the
/// money, and what only operators and edges ask for.
const NOUNS: [(&str, &str); 37] = [
    ("platforms", "Where the shops are: their buyers and order numbers"),
    ("merchants", "The shops, with their money and their reports"),
    ("programmes", "推广计划: the rules by which promoters earn, in versions"),
    ("categories", "类目 of products"),
    ("products", "What is promoted: the library, SKUs, the state of the promotion"),
    ("rates", "What a programme pays"),
    ("plans", "定向计划: rates for promoters who were approved, and their applications"),
    ("coupons", "Codes by which orders are a promoter's without a click"),
    ("promoters", "Who promotes, with placements (推广位), selection, notices, orders, reports and money"),
    ("agencies", "机构: the money and the reports of whom promoters belong to"),
    ("links", "Links with their QR codes"),
    ("clicks", "What was tapped"),
    ("identities", "Which visitor is which buyer"),
    ("relations", "关系查询: under whom a buyer is recorded"),
    ("orders", "What shops say of orders, and whose they are"),
    ("intake-sources", "Where shops and shop platforms send notifications of orders"),
    ("intake", "The notifications themselves, signed instead of a bearer token"),
    ("webhooks", "What is told to whoever wants to hear of it"),
    ("reviews", "Findings that a person must look at"),
    ("disputes", "维权: refunds after the settlement, and what came back"),
    ("enrolments", "站外分销: applications for off-site sales, and their audit"),
    ("video-tasks", "Videos that merchants order of talents"),
    ("payout-accounts", "Accounts to pay to, and whether their holder's name is verified"),
    ("payouts", "Payments and withdrawals, and what the bank says of them"),
    ("payout-runs", "Attempts to pay what is due"),
    ("payout-files", "What a run sends, for the bank"),
    ("reconciliations", "Statements of platforms compared with the books"),
    ("rehearsals", "Who would gain or lose under changed rules"),
    ("bans", "Categories that may not be promoted"),
    ("calendar", "Workdays, by which payments and audits are due"),
    ("audit", "Whether clicks and money balance"),
    ("dead-letters", "Records of clicks that could not be read"),
    ("accounts", "Who signs in to the console with a password"),
    ("tokens", "Who asks with a bearer token"),
    ("settings", "What an operator may switch"),
    ("edges", "What edges send"),
    ("changes", "What edges must hear of"),
];

/// All chapters with what they are about.
pub(super) fn chapters() -> Value {
    NOUNS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect()
}

/// The noun of a path such as `/v1/links/{code}`; `None` for one that has no chapter yet.
pub(super) fn noun(path: &str) -> Option<&'static str> {
    let first = path.strip_prefix("/v1/")?.split('/').next()?;
    NOUNS.iter().map(|(name, _)| *name).find(|name| *name == first)
}
