//! `yinke api`: any operation of the core's API, as its own document describes it, for what has no command of its own.

use super::listing::{Asking, LimitArgs};
use crate::api::{ApiError, CoreApi, Sent};
use crate::exit::{Exit, Failure, io};
use clap::{Args, ValueEnum};
use http::Method;
use serde_json::{Map, Value, json};
use std::io::Read as _;
use std::process::ExitCode;

/// Ask the core's API for anything: coupons, rates, video tasks, tokens, webhooks, payouts and so on
///
/// Without METHOD and PATH it lists all operations. NAME=VALUE is a text and NAME:=VALUE is JSON, such as a number; of
/// a question they are its parameters, else the fields of the body.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  yinke api\n  yinke api get /v1/coupons programme=own\n  \
                  yinke api post /v1/coupons programme=own code=SPRING promoter=lily\n  \
                  yinke api post /v1/merchants/tea/top-ups amount_fen:=100000 reference=bank-7")]
pub(crate) struct ApiArgs {
    /// What to do
    #[arg(value_enum, ignore_case = true, requires = "path")]
    method: Option<Verb>,
    /// To what, such as /v1/coupons
    path: Option<String>,
    /// Fields: NAME=TEXT or NAME:=JSON
    #[arg(value_name = "NAME=VALUE", conflicts_with_all = ["json", "csv"])]
    fields: Vec<String>,
    /// The whole body; - reads it from standard input
    #[arg(long, env = "YINKE_API_JSON", value_name = "BODY", conflicts_with = "csv")]
    json: Option<String>,
    /// A file of lines as the body
    #[arg(long, env = "YINKE_API_CSV", value_name = "FILE")]
    csv: Option<std::path::PathBuf>,
    /// Idempotency key: the same request with it takes effect once
    #[arg(long, env = "YINKE_API_KEY", value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    limit: LimitArgs,
    #[command(flatten)]
    asking: Asking,
}

/// What the API can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verb {
    /// Read
    Get,
    /// Make, or do something with what is there
    Post,
    /// Make or change under a name
    Put,
    /// Take away
    Delete,
}

impl Verb {
    const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

impl ApiArgs {
    /// Asks.
    ///
    /// # Errors
    /// If a field or the body makes no sense, or the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let api = CoreApi::from_args(&self.asking.core)?;
        let runtime = super::runtime()?;
        let (Some(verb), Some(path)) = (self.method, &self.path) else {
            let document = runtime.block_on(api.get("/openapi.json"))?;
            self.asking.print(&operations(&document), &["method", "path", "about"]);
            return Ok(ExitCode::SUCCESS);
        };
        if !path.starts_with("/v1/") {
            return Err(usage(format!("{path:?} is no path of the API: they begin with /v1/")));
        }
        let fields = fields(&self.fields)?;
        if verb == Verb::Get {
            return self.ask(&api, &with_query(path, &fields), &runtime);
        }
        let body = self.body(fields)?;
        let answer = runtime.block_on(api.send(verb.method(), path, body, self.key.as_deref()))?;
        self.asking.print_any(&answer);
        Ok(ExitCode::SUCCESS)
    }

    fn ask(&self, api: &CoreApi, path: &str, runtime: &tokio::runtime::Runtime) -> Result<ExitCode, Failure> {
        let answer = runtime.block_on(whole(api, path, self.limit.wanted()))?;
        self.asking.print_any(&answer);
        Ok(ExitCode::SUCCESS)
    }

    fn body(&self, fields: Map<String, Value>) -> Result<Sent, Failure> {
        if let Some(file) = &self.csv {
            let bytes = std::fs::read(file).map_err(|e| io(e, format!("cannot read {}", file.display())))?;
            return Ok(Sent::csv(bytes));
        }
        let text = match self.json.as_deref() {
            None => return Ok(Sent::json(&Value::Object(fields))),
            Some("-") => {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .map_err(|e| io(e, "cannot read standard input".to_owned()))?;
                text
            }
            Some(text) => text.to_owned(),
        };
        let body: Value = serde_json::from_str(&text).map_err(|e| usage(format!("--json: {e}")))?;
        Ok(Sent::json(&body))
    }
}

fn usage(why: String) -> Failure {
    Failure::message(Exit::Usage, why)
}

/// Fields as they are typed.
fn fields(typed: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut fields = Map::new();
    for field in typed {
        let (name, text) =
            field.split_once('=').ok_or_else(|| usage(format!("{field:?} is not NAME=VALUE")))?;
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => {
                let value = serde_json::from_str(text);
                (name, value.map_err(|e| usage(format!("{name}: {text:?} is not JSON ({e})")))?)
            }
            None => (name, Value::from(text)),
        };
        fields.insert(name.to_owned(), value);
    }
    Ok(fields)
}

/// A path with parameters behind those that it has.
fn with_query(path: &str, fields: &Map<String, Value>) -> String {
    if fields.is_empty() {
        return path.to_owned();
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = fields.iter().map(|(name, value)| (name, text(value)));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}{query}")
}

/// An answer; of a list as many entries as are wanted, page after page.
async fn whole(api: &CoreApi, path: &str, wanted: usize) -> Result<Value, ApiError> {
    let mut page = api.get(path).await?;
    let mut items = Vec::new();
    while let Some(Value::Array(mut entries)) = page.get_mut("items").map(Value::take) {
        items.append(&mut entries);
        match page["next_cursor"].as_str() {
            Some(next) if items.len() < wanted => {
                let cursor = Map::from_iter([("cursor".to_owned(), Value::from(next))]);
                page = api.get(&with_query(path, &cursor)).await?;
            }
            _ => {
                items.truncate(wanted);
                return Ok(Value::Array(items));
            }
        }
    }
    // One thing, a file, or a list that has no pages.
    Ok(page)
}

/// All operations of an OpenAPI document.
fn operations(document: &Value) -> Vec<Value> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let each = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| {
            json!({ "method": method, "path": path, "about": operation["summary"] })
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_texts_or_json() {
        let typed = ["code=A=B", "price_fen:=400", "events:=[\"payout.paid\"]", "note="].map(str::to_owned);
        let expected = json!({"code": "A=B", "price_fen": 400, "events": ["payout.paid"], "note": ""});
        assert_eq!(fields(&typed).map(Value::Object).ok(), Some(expected));
        for wrong in ["code", "price_fen:=four"] {
            assert!(fields(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_question_has_its_fields_as_parameters() {
        let some = fields(&["q=保温杯".to_owned(), "limit:=5".to_owned()]).unwrap_or_default();
        assert_eq!(with_query("/v1/products", &some), "/v1/products?limit=5&q=%E4%BF%9D%E6%B8%A9%E6%9D%AF");
        assert_eq!(
            with_query("/v1/products?a=1", &some),
            "/v1/products?a=1&limit=5&q=%E4%BF%9D%E6%B8%A9%E6%9D%AF"
        );
        assert_eq!(with_query("/v1/bans", &Map::new()), "/v1/bans");
    }
}
