//! Money of whoever is paid, a promoter or an agency: what there is in each programme, withdrawals, and the account that
//! they go to.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::frame::{Frame, refusing};
use crate::list::Page;
use crate::show::{fen, moment, yuan};
use crate::texts::{Texts, fill};
use crate::who::SignedIn;
use askama::Template;
use axum::response::Response;
use http::Method;
use serde::Deserialize;
use serde_json::json;

/// Who is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payee {
    Promoter,
    Agency,
}

impl Payee {
    /// As the API names one of them.
    const fn name(self) -> &'static str {
        match self {
            Self::Promoter => "promoter",
            Self::Agency => "agency",
        }
    }

    /// As the API's paths name them.
    const fn folder(self) -> &'static str {
        match self {
            Self::Promoter => "promoters",
            Self::Agency => "agencies",
        }
    }

    /// Kinds of account that they may bind: an agency needs a company's.
    const fn account_kinds(self) -> &'static [&'static str] {
        match self {
            Self::Promoter => &["alipay", "bank_card"],
            Self::Agency => &["company_alipay"],
        }
    }

    /// What is asked for as the account's number.
    fn number_hint(self, t: &Texts) -> &str {
        match self {
            Self::Promoter => &t.money.number_hint,
            Self::Agency => &t.money.company_number_hint,
        }
    }
}

/// Somebody's money: theirs alone who are signed in.
pub(crate) struct Money<'w> {
    pub(crate) who: &'w SignedIn,
    pub(crate) payee: Payee,
    pub(crate) id: &'w str,
    /// The page; forms go to `withdraw` and `account` below it.
    pub(crate) here: &'static str,
}

/// What one programme holds.
#[derive(Debug, Deserialize)]
struct Purse {
    programme: String,
    programme_name: String,
    expected_fen: i64,
    earned_fen: i64,
    available_fen: i64,
    clearing_fen: i64,
    next_payout_on: Option<String>,
    waiting: Vec<Waiting>,
    reports_next_day: bool,
}

/// A month's amount that is not payable yet.
#[derive(Debug, Deserialize)]
struct Waiting {
    month: String,
    amount_fen: i64,
    payable_on: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Accounts {
    accounts: Vec<Account>,
}

#[derive(Debug, Deserialize)]
struct Account {
    kind: String,
    account: String,
    holder: String,
    verified: bool,
    to: Option<i64>,
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Payout {
    kind: String,
    programme_name: String,
    state: String,
    /// Made available by a run.
    amount_fen: i64,
    gross_fen: i64,
    collected_fen: i64,
    paid_fen: i64,
    reason: Option<String>,
    at: i64,
}

struct PurseRow {
    programme: String,
    expected: String,
    earned: String,
    available: String,
    clearing: String,
    in_debt: bool,
}

struct WaitingRow {
    programme: String,
    month: String,
    amount: String,
    from: String,
}

struct AccountRow {
    kind: String,
    account: String,
    holder: String,
    verified: bool,
}

struct PayoutRow {
    at: String,
    kind: String,
    programme: String,
    state: String,
    tone: &'static str,
    gross: String,
    collected: String,
    paid: String,
    reason: Option<String>,
}

#[derive(Template)]
#[template(path = "money.html")]
struct MoneyPage {
    f: Frame,
    here: &'static str,
    form: Form,
    purses: Vec<PurseRow>,
    /// What is settled and has to wait for its day.
    waiting: Vec<WaitingRow>,
    /// The next payout day of each programme that has such days, as sentences.
    next_days: Vec<String>,
    /// Why some programmes' reports may show other amounts, as sentences.
    differences: Vec<String>,
    account: Option<AccountRow>,
    /// Why the account that was bound last is bound no more, if it was refused.
    refusal: Option<String>,
    payouts: Vec<PayoutRow>,
    programme: Field,
    amount: Field,
    kind: Field,
    number: Field,
    holder: Field,
    /// Something can be withdrawn.
    can_withdraw: bool,
    /// The form for an account stands open.
    binds: bool,
}

/// Payouts and withdrawals on the page: the last two years of weekly ones.
const PAYOUTS_SHOWN: &str = "100";

pub(crate) fn kind_words<'t>(t: &'t Texts, kind: &'t str) -> &'t str {
    match kind {
        "alipay" => &t.money.alipay,
        "bank_card" => &t.money.bank_card,
        "company_alipay" => &t.money.company_alipay,
        other => other,
    }
}

/// A payout's state in words, and how it looks.
fn state_words<'t>(t: &'t Texts, state: &'t str) -> (&'t str, &'static str) {
    match state {
        "available" => (&t.money.state_available, ""),
        "clearing" => (&t.money.state_clearing, "warn"),
        "paid" => (&t.money.state_paid, "good"),
        "returned" => (&t.money.state_returned, "bad"),
        "carried" => (&t.money.state_carried, "warn"),
        "failed" => (&t.money.state_failed, "bad"),
        other => (other, ""),
    }
}

impl Money<'_> {
    fn path(&self, what: &str) -> String {
        path(&[self.payee.folder(), self.id, what])
    }

    pub(crate) async fn page(&self) -> Result<Response, Failure> {
        self.show(Form::default(), false).await
    }

    async fn show(&self, form: Form, binds: bool) -> Result<Response, Failure> {
        let (who, t) = (self.who, self.who.t());
        let purses: Vec<Purse> = who.ask(&self.path("balance"), &[]).await?;
        let accounts: Accounts = who.ask(&self.path("payout-account"), &[]).await?;
        let payee = format!("{}/{}", self.payee.name(), self.id);
        let payouts: Page<Payout> =
            who.ask("/v1/payouts", &[("payee", &payee), ("limit", PAYOUTS_SHOWN)]).await?;
        // The newest stands first: what was refused before it is no news any more.
        let newest = accounts.accounts.into_iter().next();
        let refusal = newest.as_ref().and_then(|account| account.refusal.clone());
        let account = newest.filter(|account| account.to.is_none());
        let full: Vec<(String, String)> = purses
            .iter()
            .filter(|purse| purse.available_fen > 0)
            .map(|purse| {
                (purse.programme.clone(), format!("{} · {}", purse.programme_name, yuan(purse.available_fen)))
            })
            .collect();
        let money = &t.money;
        let kinds = self.payee.account_kinds().iter();
        let kinds = kinds.map(|kind| ((*kind).to_owned(), kind_words(t, kind).to_owned())).collect();
        let amount = Field::text("amount_fen", &money.amount).hint(&money.amount_hint);
        let page = MoneyPage {
            here: self.here,
            waiting: purses.iter().flat_map(|purse| waiting_rows(t, purse)).collect(),
            differences: purses.iter().filter_map(|purse| difference(t, purse)).collect(),
            next_days: purses.iter().filter_map(|purse| next_day(t, purse)).collect(),
            can_withdraw: !full.is_empty(),
            programme: form.show(Field::choice("programme", &money.programme, full)),
            amount: form.show(amount.inputmode("decimal").optional()),
            kind: form.show(Field::choice("kind", &money.kind, kinds)),
            number: form.show(Field::text("account", &money.number).hint(self.payee.number_hint(t))),
            holder: form
                .show(Field::text("holder", &money.holder).hint(&money.holder_hint).autocomplete("name")),
            binds: binds || account.is_none(),
            account: account.map(|account| AccountRow {
                kind: kind_words(t, &account.kind).to_owned(),
                account: account.account,
                holder: account.holder,
                verified: account.verified,
            }),
            refusal,
            purses: purses.into_iter().map(purse_row).collect(),
            payouts: payouts.items.into_iter().map(|payout| payout_row(t, payout)).collect(),
            f: who.frame(),
            form,
        };
        refusing(&page, &page.form)
    }

    pub(crate) async fn withdraw(&self, sent: &Submitted) -> Result<Response, Failure> {
        let amount = match sent.given("amount_fen") {
            None => None,
            Some(typed) => match fen(typed).filter(|amount| *amount > 0) {
                Some(amount) => Some(amount),
                None => {
                    let words = self.who.t().money.bad_amount.clone();
                    let mistakes = vec![Mistake { field: Some("amount_fen".to_owned()), words }];
                    return self.show(Form::refused(&sent.fields, mistakes), false).await;
                }
            },
        };
        let body = json!({ "programme": sent.value("programme"), "amount_fen": amount });
        let made = self.who.change(Method::POST, &self.path("withdrawals"), sent.once(), &body).await;
        self.who.finish(sent, made, (self.here, "withdrawn"), |form| self.show(form, false)).await
    }

    pub(crate) async fn bind(&self, sent: &Submitted) -> Result<Response, Failure> {
        let body = json!({
            "kind": sent.value("kind"),
            "account": sent.value("account"),
            "holder": sent.value("holder"),
        });
        let bound = self.who.change(Method::PUT, &self.path("payout-account"), sent.once(), &body).await;
        self.who.finish(sent, bound, (self.here, "bound"), |form| self.show(form, true)).await
    }
}

fn waiting_rows(t: &Texts, purse: &Purse) -> impl Iterator<Item = WaitingRow> {
    purse.waiting.iter().map(|of| WaitingRow {
        programme: purse.programme_name.clone(),
        month: of.month.clone(),
        amount: yuan(of.amount_fen),
        from: of.payable_on.clone().unwrap_or_else(|| t.money.day_unknown.clone()),
    })
}

fn next_day(t: &Texts, purse: &Purse) -> Option<String> {
    let day = purse.next_payout_on.as_ref()?;
    Some(fill(&fill(&t.money.next_day, "programme", &purse.programme_name), "day", day))
}

fn difference(t: &Texts, purse: &Purse) -> Option<String> {
    purse.reports_next_day.then(|| fill(&t.money.reports_next_day, "programme", &purse.programme_name))
}

fn purse_row(purse: Purse) -> PurseRow {
    PurseRow {
        expected: yuan(purse.expected_fen),
        earned: yuan(purse.earned_fen),
        available: yuan(purse.available_fen),
        clearing: yuan(purse.clearing_fen),
        in_debt: purse.available_fen < 0,
        programme: purse.programme_name,
    }
}

fn payout_row(t: &Texts, payout: Payout) -> PayoutRow {
    let (state, tone) = state_words(t, &payout.state);
    // Nothing left the balance: what counts is how much can be withdrawn now.
    let stays = payout.kind == "run" && payout.state == "available";
    let taken = |fen: i64| if stays { "—".to_owned() } else { yuan(fen) };
    PayoutRow {
        at: moment(payout.at),
        kind: if payout.kind == "run" { &t.money.kind_run } else { &t.money.kind_withdrawal }.clone(),
        state: if stays { format!("{state} {}", yuan(payout.amount_fen)) } else { state.to_owned() },
        tone,
        gross: taken(payout.gross_fen),
        collected: taken(payout.collected_fen),
        paid: taken(payout.paid_fen),
        reason: payout.reason.map(|code| t.problem.get(&code).cloned().unwrap_or(code)),
        programme: payout.programme_name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;

    #[test]
    fn a_run_says_what_it_made_available() {
        let t = Texts::load(Lang::Zh).unwrap();
        let row = |kind: &str, state: &str| {
            let payout = json!({"kind": kind, "programme_name": "本店", "state": state, "amount_fen": 19_540,
                "gross_fen": 0, "collected_fen": 0, "paid_fen": 0, "at": 0});
            let row = payout_row(&t, serde_json::from_value(payout).unwrap());
            (row.state, row.gross, row.paid)
        };
        let dash = || "—".to_owned();
        assert_eq!(row("run", "available"), ("转为可提现 ¥195.40".to_owned(), dash(), dash()));
        let (_, gross, _) = row("run", "carried");
        assert_eq!(gross, "¥0.00");
    }
}
