//! Programmes (推广计划): what their rules mean in words, every version, and new rules from a preset or field by field.

use crate::api::{ApiError, path};
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::list::{Page, everything, next_page, query_of};
use crate::policy_words::chapters;
use crate::problem;
use crate::sheet::{Cell, FormPart, Part, Sheet, Table, done};
use crate::show::moment;
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Merchant;
use attribution_core::policy::{Policy, Preset};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/merchant/programmes", get(list))
        .route("/merchant/programmes/new", get(new).post(make))
        .route("/merchant/programmes/{id}", get(detail))
        .route("/merchant/programmes/{id}/rules", get(rules).post(change))
}

/// A programme as the API lists it.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) name: String,
    merchant: Option<String>,
    version: u32,
    pub(super) enrolments: bool,
}

#[derive(Debug, Deserialize)]
struct Whole {
    id: String,
    name: String,
    merchant: Option<String>,
    policy: Policy,
    versions: Vec<Version>,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: u32,
    effective_from: i64,
    created_at: i64,
}

/// The programmes that a merchant may set rates and plans in, as a choice.
pub(super) async fn choice(merchant: &Merchant) -> Result<Vec<(String, String)>, Failure> {
    choice_of(merchant, |_| true).await
}

/// Those of them that are `fit`.
pub(super) async fn choice_of(
    merchant: &Merchant,
    fit: impl Fn(&Entry) -> bool,
) -> Result<Vec<(String, String)>, Failure> {
    let all: Vec<Entry> = everything(&merchant.who, "/v1/programmes", &[]).await?;
    let fitting = all.into_iter().filter(fit);
    Ok(fitting.map(|of| (of.id.clone(), format!("{} · {}", of.name, of.id))).collect())
}

async fn list(merchant: Merchant) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let fields = query_of(who);
    let cursor = crate::form::value(&fields, "cursor");
    let answer: Page<Entry> = who.ask("/v1/programmes", &[("limit", "50"), ("cursor", cursor)]).await?;
    let next = next_page("/merchant/programmes", &fields, answer.next_cursor);
    let columns = [&*t.name, &t.id, &t.whose, &t.version, ""];
    let mut table = Table::new("", &columns, &[3], &t.no_programmes).next(next);
    for of in answer.items {
        let here = format!("/merchant/programmes/{}", of.id);
        table.row(vec![
            Cell::Link(here.clone(), of.name),
            Cell::Code(of.id),
            Cell::Text(if of.merchant.is_some() { &t.own } else { &t.platforms }.clone()),
            Cell::Number(of.version.to_string()),
            Cell::Link(format!("{here}/rates"), t.rates.clone()),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.programmes).intro(&t.programmes_intro);
    sheet.part(Part::Links(vec![("/merchant/programmes/new".to_owned(), t.new_programme.clone())]));
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

async fn new(merchant: Merchant) -> Result<Response, Failure> {
    show_new(&merchant, Form::default()).await
}

async fn show_new(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let mut sheet = Sheet::new(who, &t.new_programme).back("/merchant/programmes", &t.programmes);
    let part = FormPart::new("", "/merchant/programmes/new", &t.make)
        .field(form.show(Field::text("name", &t.name)))
        .field(form.show(Field::text("id", &t.id).hint(&t.id_hint)))
        .field(form.show(Field::choice("preset", &t.preset, presets(texts)).hint(&t.preset_hint)));
    sheet.part(Part::Form(part));
    for preset in Preset::ALL {
        let words = chapters(texts, &preset.policy()).into_iter().flat_map(|(_, words)| words);
        sheet.part(Part::Folded(preset_name(texts, preset).to_owned(), words.collect()));
    }
    sheet.show(form)
}

async fn make(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let id = sent.value("id");
    let programme = path(&["programmes", id]);
    if let Some(mistake) = who.wrong_new_id(&programme, id).await {
        return show_new(&merchant, Form::refused(&sent.fields, vec![mistake])).await;
    }
    let body = json!({ "merchant": merchant.id, "name": sent.value("name"), "preset": sent.value("preset") });
    let made = who.change(Method::PUT, &programme, sent.once(), &body).await;
    let to = format!("/merchant/programmes/{id}");
    who.finish(&sent, made, (&to, "programme"), |form| show_new(&merchant, form)).await
}

async fn whole(merchant: &Merchant, id: &str) -> Result<Whole, Failure> {
    Ok(merchant.who.ask(&path(&["programmes", id]), &[]).await?)
}

async fn detail(merchant: Merchant, Path(id): Path<String>) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let of = whole(&merchant, &id).await?;
    let mut sheet =
        Sheet::new(who, &of.name).back("/merchant/programmes", &t.programmes).intro(&t.rules_intro);
    let here = format!("/merchant/programmes/{}", of.id);
    let mut links = vec![
        (format!("{here}/rates"), t.rates.clone()),
        (format!("/merchant/plans?programme={}", of.id), t.plans.clone()),
    ];
    if of.merchant.is_some() {
        links.push((format!("{here}/rules"), t.change_rules.clone()));
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

async fn rules(merchant: Merchant, Path(id): Path<String>) -> Result<Response, Failure> {
    show_rules(&merchant, &id, Form::default(), None).await
}

/// The form for new rules; with what they would mean, if they were asked for.
async fn show_rules(
    merchant: &Merchant,
    id: &str,
    form: Form,
    meant: Option<Policy>,
) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let of = whole(merchant, id).await?;
    if of.merchant.is_none() {
        return Err(Failure::NotFound);
    }
    let here = format!("/merchant/programmes/{id}");
    let mut sheet = Sheet::new(who, &t.change_rules).back(here.clone(), &of.name).intro(&t.change_intro);
    let mut choices = vec![(String::new(), t.keep_preset.clone())];
    choices.extend(presets(texts));
    let part = FormPart::new("", format!("{here}/rules"), &t.put_in_force)
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

async fn change(merchant: Merchant, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let of = whole(&merchant, &id).await?;
    let mistake = |words: String| Mistake { field: Some("policy".to_owned()), words };
    let patch: Value = match sent.given("policy").map(serde_json::from_str) {
        None => json!({}),
        Some(Ok(patch)) => patch,
        Some(Err(error)) => {
            let words = fill(&who.t().shop.bad_json, "why", error);
            return show_rules(&merchant, &id, Form::refused(&sent.fields, vec![mistake(words)]), None).await;
        }
    };
    if sent.value("do") == "preview" {
        let base = Preset::from_name(sent.value("preset")).map_or(of.policy, Preset::policy);
        return match base.patched(&patch) {
            Ok(policy) => show_rules(&merchant, &id, Form::filled(sent.fields.clone()), Some(policy)).await,
            Err(errors) => {
                let mistakes = errors.iter().map(|error| mistake(error.to_string())).collect();
                show_rules(&merchant, &id, Form::refused(&sent.fields, mistakes), None).await
            }
        };
    }
    let mut body = json!({ "merchant": merchant.id, "name": of.name, "policy": patch });
    if let (Some(preset), Some(body)) = (sent.given("preset"), body.as_object_mut()) {
        body.insert("preset".to_owned(), json!(preset));
    }
    match who.change(Method::PUT, &path(&["programmes", &id]), sent.once(), &body).await {
        Ok(_) => Ok(done(&format!("/merchant/programmes/{id}"), "rules")),
        Err(ApiError::Refused(problem)) if problem.code == "invalid_policy" => {
            let errors = problem.facts.get("errors").and_then(Value::as_array);
            let words = errors.into_iter().flatten().filter_map(Value::as_str);
            let words = words.map(|told| problem::policy_mistake(who.t(), who.anybody.lang, told));
            let mistakes = words.map(mistake).collect();
            show_rules(&merchant, &id, Form::refused(&sent.fields, mistakes), None).await
        }
        Err(error) => show_rules(&merchant, &id, who.refused(&sent, error)?, None).await,
    }
}
