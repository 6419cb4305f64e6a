//! The code as an SVG: one path for the ground, one for all dark runs.

use crate::modules::Modules;
use crate::{Logo, Style};
use std::fmt::Write as _;

pub(crate) fn draw(modules: &Modules, style: &Style, logo: Option<&Logo>) -> String {
    let side = modules.side();
    let (light, dark) = (style.light(), style.dark());
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"{light}\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"{dark}\" d=\"{}\"/>",
        runs(modules)
    );
    if let Some(logo) = logo {
        out.push_str(&middle(modules, logo));
    }
    out.push_str("</svg>");
    out
}

/// The logo in the hole of its code.
pub(crate) fn middle(modules: &Modules, logo: &Logo) -> String {
    let Some((at, wide)) = modules.logo_box() else { return String::new() };
    let uri = logo.data_uri();
    format!("<image x=\"{at}\" y=\"{at}\" width=\"{wide}\" height=\"{wide}\" href=\"{uri}\"/>")
}

/// The dark runs of all rows as a path.
pub(crate) fn runs(modules: &Modules) -> String {
    let side = modules.side();
    let mut out = String::new();
    for y in 0..side {
        let mut x = 0;
        while x < side {
            let run = (x..side).take_while(|x| modules.is_dark(*x, y)).count();
            if run > 0 {
                let _ = write!(out, "M{x} {y}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
    }
    out
}
