//! What stands around every page: head, navigation, language, the way out.

use crate::failure::Failure;
use crate::form::Form;
use crate::lang::Lang;
use crate::navigation::{self, NOTICES, home_of};
use crate::show::moment;
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::{Anybody, SignedIn};
use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use std::sync::Arc;

/// One entry of the navigation.
pub(crate) struct NavItem {
    pub(crate) href: &'static str,
    pub(crate) label: String,
    /// The page is this one or below it.
    pub(crate) here: bool,
    /// What is new there.
    pub(crate) count: usize,
}

/// Where the built-in files are.
pub(crate) struct Files {
    pub(crate) css: String,
    pub(crate) js: String,
    pub(crate) uplot_css: String,
    pub(crate) uplot_js: String,
    pub(crate) icon: String,
}

/// The frame of one page.
pub(crate) struct Frame {
    pub(crate) lang: Lang,
    pub(crate) t: Arc<Texts>,
    /// Where the language form leads back to.
    pub(crate) path: String,
    pub(crate) files: Files,
    /// Empty for whoever is not signed in.
    pub(crate) nav: Vec<NavItem>,
    /// How the person who is signed in is called.
    pub(crate) me: Option<String>,
    /// Proves that a form is of this session.
    pub(crate) token: String,
    /// Another one for every page: a form sent twice changes things once.
    pub(crate) once: String,
    /// What was just done.
    pub(crate) done: Option<String>,
    /// What stands in the way on every page.
    pub(crate) warning: Option<String>,
}

/// `/`: the first page of whoever it is.
pub(crate) async fn home(who: SignedIn) -> Redirect {
    Redirect::to(home_of(who.principal().role))
}

/// A frame for somebody who is not signed in.
pub(crate) fn bare(console: &Console, lang: Lang, path: &str) -> Frame {
    let file = |name| console.assets().path(name).to_owned();
    Frame {
        lang,
        t: console.texts(lang),
        path: path.to_owned(),
        files: Files {
            css: file("console.css"),
            js: file("console.js"),
            uplot_css: file("uplot.css"),
            uplot_js: file("uplot.js"),
            icon: file("icon.svg"),
        },
        nav: Vec::new(),
        me: None,
        token: String::new(),
        once: once(),
        done: None,
        warning: None,
    }
}

impl Anybody {
    /// A frame without navigation.
    pub(crate) fn frame(&self) -> Frame {
        bare(&self.console, self.lang, &self.path)
    }
}

impl SignedIn {
    /// The frame of a page.
    pub(crate) fn frame(&self) -> Frame {
        let Anybody { console, lang, t, path, .. } = &self.anybody;
        let (page, query) = path.split_once('?').unwrap_or((path, ""));
        let here =
            |href: &str| page == href || page.strip_prefix(href).is_some_and(|rest| rest.starts_with('/'));
        let nav = navigation::entries(self.principal().role, t).into_iter();
        let done = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done");
        let me = self.session.login.clone().or_else(|| self.principal().subject.clone());
        Frame {
            nav: nav
                .map(|(href, label)| NavItem {
                    href,
                    label: label.to_owned(),
                    here: here(href),
                    count: if href == NOTICES { self.unread } else { 0 },
                })
                .collect(),
            me: Some(me.unwrap_or_else(|| self.principal().role.name().to_owned())),
            token: self.secret.form_token(),
            done: done.and_then(|(_, what)| t.done.get(what.as_ref()).cloned()),
            warning: self.suspended.map(|at| fill(&t.notices.suspended, "at", moment(at))),
            ..bare(console, *lang, path)
        }
    }
}

/// Names one rendering of a form. Without randomness a form sent twice may count twice, which is better than no form.
fn once() -> String {
    let mut bytes = [0u8; 12];
    if getrandom::fill(&mut bytes).is_err() {
        return String::new();
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A rendered page.
pub(crate) fn html(page: &impl Template) -> Result<Response, Failure> {
    Ok(Html(page.render()?).into_response())
}

/// A rendered page with a form on it, and a status that says if something is wrong with that.
pub(crate) fn refusing(page: &impl Template, form: &Form) -> Result<Response, Failure> {
    let mut response = html(page)?;
    if form.is_refused() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}
