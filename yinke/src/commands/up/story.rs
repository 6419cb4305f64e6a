//! What `yinke up` prints: where everything is, and what to try next, ready to paste.

use crate::cli::DATA_DEFAULT;
use crate::data_dir::Running;
use crate::demo::{DemoAccount, Story};
use std::path::Path;
use url::Url;

/// Where everything is.
pub(super) fn banner(running: &Running, data: &Path, token: &str) -> String {
    let Running { public, admin, .. } = running;
    let core = running.core.as_deref().unwrap_or_default();
    format!(
        "\nYinke is up.\n\n  \
         links   {public}/CODE\n  \
         core    {core}  (the console; API under /v1, described at /openapi.json)\n  \
         admin   {admin}  (/metrics, /readyz)\n  \
         data    {}\n  \
         token   {token}\n",
        data.display()
    )
}

/// For an empty world.
pub(super) fn first_steps(running: &Running) -> String {
    format!(
        "Nothing is in it yet. `yinke import merchants FILE.csv` and so on fill it (docs/import.md), or start with \
         `yinke up --demo`.\nReady: curl -s {}/readyz?verbose",
        running.admin
    )
}

/// The demo's story as commands.
pub(super) fn demo(running: &Running, data: &Path, story: &Story) -> String {
    let public = running.public.as_str();
    let (edge, core) =
        (running.edge.as_deref().unwrap_or(public), running.core.as_deref().unwrap_or_default());
    let Story { code, product, merchant, platform, price_fen, order, accounts } = story;
    let accounts = console(core, accounts);
    let yinke = yinke(data);
    let token = data.join("keys").join("admin.token");
    // Behind another public address the edge still expects that address as the host.
    let host = if public == edge { String::new() } else { format!(" -H 'Host: {}'", host_of_text(public)) };
    format!(
        "  sample  {public}/{code}\n\n\
         Try it, in another terminal:\n\n\
         # 1. Tap the link: a 302, a signed cookie, and a click token in the destination.\n\
         curl -si{host} {edge}/{code}\n\
         CLICK=$(curl -s -o /dev/null -w '%{{redirect_url}}'{host} {edge}/{code} | sed 's/.*yk_click=//; s/[&#].*//')\n\n\
         # 2. The shop reports an order of that buyer, with the token.\n\
         NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ); ORDER=MY-$(date +%s)\n\
         curl -s {core}/v1/orders/events -H \"Authorization: Bearer $(cat {token})\" \\\n  \
           -H 'Content-Type: application/json' -d '{{\"events\":[\n  \
           {{\"type\":\"created\",\"platform\":\"{platform}\",\"order\":\"'$ORDER'\",\"at\":\"'$NOW'\",\"merchant\":\"{merchant}\",\"buyer\":\"me\",\n   \
            \"click_tokens\":[\"'$CLICK'\"],\"lines\":[{{\"line\":\"1\",\"product\":\"{product}\",\"amount_fen\":{price_fen}}}]}},\n  \
           {{\"type\":\"paid\",\"platform\":\"{platform}\",\"order\":\"'$ORDER'\",\"at\":\"'$NOW'\"}}]}}'\n\n\
         # 3. Whose order is it, and why? (The demo's own first order is {order}.)\n\
         {yinke} explain $ORDER\n\n\
         # 4. Is every click that was answered recorded, shipped, ingested and counted once?\n\
         {yinke} audit\n{accounts}",
        token = token.display(),
    )
}

/// Who can sign in, and where.
fn console(core: &str, accounts: &[DemoAccount]) -> String {
    if accounts.is_empty() {
        return String::new();
    }
    let mut text =
        format!("\n# 5. The console, as everybody sees it: {core}/  (or sign in with the token above)\n");
    for DemoAccount { role, login, password } in accounts {
        text.push_str(&format!("#    {role:<9} {login:<10} {password}\n"));
    }
    text
}

/// How to call this program again with the same data.
fn yinke(data: &Path) -> String {
    let program = std::env::current_exe().map_or_else(|_| "yinke".to_owned(), |p| p.display().to_string());
    if data == Path::new(DATA_DEFAULT) { program } else { format!("YINKE_DATA={} {program}", data.display()) }
}

/// Host and port as a browser sends them.
pub(super) fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}

fn host_of_text(url: &str) -> String {
    Url::parse(url).map(|url| host_of(&url)).unwrap_or_default()
}
