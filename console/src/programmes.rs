//! Programmes (推广计划), for merchants and operators: what their rules mean in words, every version, and new rules from a
//! preset or field by field.

use crate::api::{ApiError, path};
use crate::back::done;
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::list::{everything, page_at};
use crate::order_pages::escaped;
use crate::policy_words::chapters;
use crate::problem;
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::SignedIn;
use attribution_core::policy::patch::PolicyMistake;
use attribution_core::policy::{Policy, Preset};
use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::response::Response;
use axum::routing::get;
use http::Method;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};
use settlement_core::api::Role;

/// Where a merchant finds its programmes.
pub(crate) const MERCHANTS: &str = "/merchant/programmes";
/// Where operators find all.
pub(crate) const OPERATORS: &str = "/operator/programmes";

pub(crate) fn routes() -> Router<Console> {
    let below = |base: &str| {
        Router::new()
            .route(base, get(list))
            .route(&format!("{base}/new"), get(new).post(make))
            .route(&format!("{base}/{{id}}"), get(detail))
            .route(&format!("{base}/{{id}}/rules"), get(rules).post(change))
    };
    below(MERCHANTS).merge(below(OPERATORS))
}

/// A programme as the API lists it.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    id: String,
    name: String,
    pub(crate) merchant: Option<String>,
    version: u32,
    pub(crate) enrolments: bool,
    pub(crate) video_tasks: bool,
    pub(crate) targeted_plans: bool,
    pub(crate) customer_classes: bool,
}

#[derive(Debug, Deserialize)]
struct Whole {
    id: String,
    name: String,
    merchant: Option<String>,
    platform: Option<String>,
    policy: Policy,
    versions: Vec<Version>,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: u32,
    effective_from: i64,
    created_at: i64,
}

impl Entry {
    /// Its id, with the name and the id as words.
    pub(crate) fn choice(self) -> (String, String) {
        let words = format!("{} · {}", self.name, self.id);
        (self.id, words)
    }
}

#[derive(Debug, Deserialize)]
struct Platform {
    id: String,
    name: String,
}

/// Whoever has programmes: a merchant its own and a look at its platform's, an operator all, and makes those of platforms.
pub(crate) struct Desk {
    pub(crate) who: SignedIn,
    /// Where they are listed.
    base: &'static str,
    /// Whose they are; none for operators.
    merchant: Option<String>,
}

impl FromRequestParts<Console> for Desk {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        let who = SignedIn::from_request_parts(parts, console).await?;
        let (base, merchant) = match (who.principal().role, &who.principal().subject) {
            (Role::Merchant, Some(own)) => (MERCHANTS, Some(own.clone())),
            (Role::Operator | Role::Admin, _) => (OPERATORS, None),
            _ => return Err(Failure::NotFound),
        };
        // Nobody has the other's pages.
        if parts.uri.path().starts_with(base) {
            Ok(Self { who, base, merchant })
        } else {
            Err(Failure::NotFound)
        }
    }
}

impl Desk {
    /// A programme's page, or one below it.
    pub(crate) fn page(&self, id: &str, below: &str) -> String {
        format!("{}/{}{below}", self.base, escaped(id))
    }

    /// Whether they may change its rules and its coupons.
    fn may_change(&self, of: &Whole) -> bool {
        self.merchant.is_none() || of.merchant.is_some()
    }
}

async fn list(desk: Desk) -> Result<Response, Failure> {
    let who = &desk.who;
    let t = &who.t().shop;
    let answer = page_at::<Entry>(who, desk.base, "/v1/programmes", &[]).await?;
    let columns = [&*t.name, &t.id, &t.whose, &t.version, ""];
    let columns = if desk.merchant.is_some() { &columns[..] } else { &columns[..4] };
    let mut table = Table::new("", columns, &[3], &t.no_programmes).next(answer.next);
    for of in answer.items {
        let (here, rates) = (desk.page(&of.id, ""), desk.page(&of.id, "/rates"));
        let whose = match of.merchant {
            Some(_) if desk.merchant.is_some() => t.own.clone(),
            Some(merchant) => merchant,
            None => t.platforms.clone(),
        };
        let mut row = vec![
            Cell::Link(here, of.name),
            Cell::Code(of.id),
            Cell::Text(whose),
            Cell::Number(of.version.to_string()),
        ];
        if desk.merchant.is_some() {
            row.push(Cell::Link(rates, t.rates.clone()));
        }
        table.row(row);
    }
    let mut sheet = Sheet::new(who, &t.programmes).intro(&t.programmes_intro);
    sheet.part(Part::Links(vec![(format!("{}/new", desk.base), t.new_programme.clone())]));
    sheet.part(Part::Table(table));
    sheet.show(Form::default())
}

fn preset_name(t: &Texts, preset: Preset) -> &str {
    let t = &t.policy;
    match preset {
        Preset::Distributor1688 => &t.preset_distributor1688,
        Preset::YouzanPermanent => &t.preset_youzan_permanent,
        Preset::YouzanShort => &t.preset_youzan_short,
        Preset::YouzanLock => &t.preset_youzan_lock,
        Preset::Offsite1688 => &t.preset_offsite1688,
        Preset::AllianceCreditBan => &t.preset_alliance_credit_ban,
        Preset::TaobaoLive => &t.preset_taobao_live,
    }
}

fn presets(t: &Texts) -> Vec<(String, String)> {
    Preset::ALL.iter().map(|preset| (preset.name().to_owned(), preset_name(t, *preset).to_owned())).collect()
}

async fn new(desk: Desk) -> Result<Response, Failure> {
    show_new(&desk, Form::default()).await
}

async fn show_new(desk: &Desk, form: Form) -> Result<Response, Failure> {
    let who = &desk.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let mut sheet = Sheet::new(who, &t.new_programme).back(desk.base, &t.programmes);
    let mut part = FormPart::new("", format!("{}/new", desk.base), &t.make)
        .field(form.show(Field::text("name", &t.name)))
        .field(form.show(Field::text("id", &t.id).hint(&t.id_hint)));
    if desk.merchant.is_none() {
        let all: Vec<Platform> = everything(who, "/v1/platforms", &[]).await?;
        let choices = all.into_iter().map(|of| (of.id.clone(), format!("{} · {}", of.name, of.id))).collect();
        part = part.field(form.show(Field::choice("platform", &texts.operator.platform, choices)));
    }
    let part = part.field(form.show(Field::choice("preset", &t.preset, presets(texts)).hint(&t.preset_hint)));
    sheet.part(Part::Form(part));
    for preset in Preset::ALL {
        let words = chapters(texts, &preset.policy()).into_iter().flat_map(|(_, words)| words);
        sheet.part(Part::Folded(preset_name(texts, preset).to_owned(), words.collect()));
    }
    sheet.show(form)
}

async fn make(desk: Desk, sent: Submitted) -> Result<Response, Failure> {
    let who = &desk.who;
    let id = sent.value("id");
    let programme = path(&["programmes", id]);
    if let Some(mistake) = who.wrong_new_id(&programme, id).await {
        return show_new(&desk, Form::refused(&sent.fields, vec![mistake])).await;
    }
    let platform = if desk.merchant.is_none() { sent.given("platform") } else { None };
    let body = json!({
        "merchant": desk.merchant, "platform": platform, "name": sent.value("name"), "preset": sent.value("preset"),
    });
    let made = who.change(Method::PUT, &programme, sent.once(), &body).await;
    who.finish(&sent, made, (&desk.page(id, ""), "programme"), |form| show_new(&desk, form)).await
}

async fn whole(desk: &Desk, id: &str) -> Result<Whole, Failure> {
    Ok(desk.who.ask(&path(&["programmes", id]), &[]).await?)
}

async fn detail(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let who = &desk.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let of = whole(&desk, &id).await?;
    let mut sheet = Sheet::new(who, &of.name).back(desk.base, &t.programmes).intro(&t.rules_intro);
    let mut links = Vec::new();
    if desk.merchant.is_some() {
        links.push((desk.page(&of.id, "/rates"), t.rates.clone()));
        links.push((format!("/merchant/plans?programme={}", of.id), t.plans.clone()));
    }
    if desk.may_change(&of) {
        links.push((desk.page(&of.id, "/rules"), t.change_rules.clone()));
        links.push((desk.page(&of.id, "/coupons"), texts.coupons.title.clone()));
    } else {
        sheet.part(Part::Note("", t.platforms_words.clone()));
    }
    sheet.part(Part::Links(links));
    for (head, words) in chapters(texts, &of.policy) {
        sheet.part(Part::Words(head, words));
    }
    let mut table = Table::new(&t.versions, &[&*t.version, &t.from, &t.written], &[], "");
    for version in of.versions {
        table.row(vec![
            Cell::Text(version.version.to_string()),
            Cell::Text(moment(version.effective_from)),
            Cell::Text(moment(version.created_at)),
        ]);
    }
    sheet.part(Part::Table(table));
    sheet.show(Form::default())
}

async fn rules(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    show_rules(&desk, &id, Form::default(), None).await
}

/// The form for new rules; with what they would mean, if they were asked for.
async fn show_rules(desk: &Desk, id: &str, form: Form, meant: Option<Policy>) -> Result<Response, Failure> {
    let who = &desk.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let of = whole(desk, id).await?;
    if !desk.may_change(&of) {
        return Err(Failure::NotFound);
    }
    let mut sheet = Sheet::new(who, &t.change_rules).back(desk.page(id, ""), &of.name).intro(&t.change_intro);
    let mut choices = vec![(String::new(), t.keep_preset.clone())];
    choices.extend(presets(texts));
    let part = FormPart::new("", desk.page(id, "/rules"), &t.put_in_force)
        .field(form.show(Field::choice("preset", &t.preset, choices)))
        .field(form.show(Field::lines("policy", &t.fields).hint(&t.fields_hint).optional()))
        .button("preview", &t.preview);
    sheet.part(Part::Form(part));
    if let Some(policy) = meant {
        sheet.part(Part::Note("warn", t.not_yet.clone()));
        for (head, words) in chapters(texts, &policy) {
            sheet.part(Part::Words(head, words));
        }
    }
    let current = serde_json::to_string_pretty(&of.policy).unwrap_or_default();
    sheet.part(Part::Source(t.current_rules.clone(), current));
    sheet.show(form)
}

async fn change(desk: Desk, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &desk.who;
    let of = whole(&desk, &id).await?;
    let mistake = |words: String| Mistake { field: Some("policy".to_owned()), words };
    let patch: Value = match sent.given("policy").map(serde_json::from_str) {
        None => json!({}),
        Some(Ok(patch)) => patch,
        Some(Err(error)) => {
            let words = fill(&who.t().shop.bad_json, "why", error);
            return show_rules(&desk, &id, Form::refused(&sent.fields, vec![mistake(words)]), None).await;
        }
    };
    if sent.value("do") == "preview" {
        let base = Preset::from_name(sent.value("preset")).map_or(of.policy, Preset::policy);
        return match base.checked(&patch) {
            Ok(policy) => show_rules(&desk, &id, Form::filled(sent.fields.clone()), Some(policy)).await,
            Err(errors) => {
                let words = |error: &PolicyMistake| {
                    problem::policy_mistake(who.t(), who.anybody.lang, &error.to_string())
                };
                let mistakes = errors.iter().map(words).map(mistake).collect();
                show_rules(&desk, &id, Form::refused(&sent.fields, mistakes), None).await
            }
        };
    }
    let mut body =
        json!({ "merchant": of.merchant, "platform": of.platform, "name": of.name, "policy": patch });
    if let (Some(preset), Some(body)) = (sent.given("preset"), body.as_object_mut()) {
        body.insert("preset".to_owned(), json!(preset));
    }
    match who.change(Method::PUT, &path(&["programmes", &id]), sent.once(), &body).await {
        Ok(_) => Ok(done(&desk.page(&id, ""), "rules")),
        Err(ApiError::Refused(problem)) if problem.code == "invalid_policy" => {
            let errors = problem.facts.get("errors").and_then(Value::as_array);
            let words = errors.into_iter().flatten().filter_map(Value::as_str);
            let words = words.map(|told| problem::policy_mistake(who.t(), who.anybody.lang, told));
            let mistakes = words.map(mistake).collect();
            show_rules(&desk, &id, Form::refused(&sent.fields, mistakes), None).await
        }
        Err(error) => show_rules(&desk, &id, who.refused(&sent.fields, error)?, None).await,
    }
}
