//! `yinke account`: who signs in to the console.

use super::listing::address;
use crate::api::CoreApi;
use crate::cli::CoreArgs;
use crate::exit::{Exit, Failure};
use crate::output::say;
use crate::password::draw_password;
use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value, json};
use std::io::BufRead as _;
use std::process::ExitCode;

/// Make accounts for the console, and set their passwords
#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make an account
    ///
    /// Prints a password that was drawn for it, unless one is given on standard input.
    #[command(after_help = "Example: yinke account create 13800138000 --role promoter --subject lily")]
    Create {
        #[command(flatten)]
        account: Account,
        /// What it may do
        #[arg(long, value_enum)]
        role: Role,
        /// Whose data: a promoter's, merchant's or agency's id; not for operator and admin
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
    },
    /// Set another password; all sessions of the account end
    Password {
        #[command(flatten)]
        account: Account,
    },
}

#[derive(Debug, Args)]
struct Account {
    /// What its owner signs in with: a phone number, an e-mail address or a word
    login: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    core: CoreArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    Promoter,
    Merchant,
    Agency,
    Operator,
    Admin,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Promoter => "promoter",
            Self::Merchant => "merchant",
            Self::Agency => "agency",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl AccountArgs {
    /// Asks the core.
    ///
    /// # Errors
    /// If the core refuses or cannot be reached.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let (account, method, path, body) = match self.what {
            What::Create { account, role, subject } => {
                let body = json!({ "login": account.login, "role": role.name(), "subject": subject });
                (account, Method::POST, "/v1/accounts".to_owned(), body)
            }
            What::Password { account } => {
                let path = address(&["accounts", &account.login, "password"], &[]);
                (account, Method::PUT, path, json!({}))
            }
        };
        let (password, drawn) = account.password()?;
        let mut body = body;
        if let Some(fields) = body.as_object_mut() {
            fields.insert("password".to_owned(), Value::String(password.clone()));
        }
        let api = CoreApi::from_args(&account.core)?;
        super::runtime()?.block_on(api.write(method, &path, &body, None))?;
        say(format_args!("account   {}", account.login));
        if drawn {
            say(format_args!("password  {password}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Account {
    /// The password, and whether we drew it.
    fn password(&self) -> Result<(String, bool), Failure> {
        if !self.password_stdin {
            return Ok((draw_password()?, true));
        }
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(|e| Failure::new(Exit::Io, e))?;
        let password = line.trim_end_matches(['\r', '\n']).to_owned();
        if password.is_empty() {
            return Err(Failure::message(Exit::Usage, "--password-stdin: standard input holds no password"));
        }
        Ok((password, false))
    }
}
