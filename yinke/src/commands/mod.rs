//! The command line as a whole, and its commands: one file each; an enum ties them together.

mod account;
mod api;
mod audit;
mod completions;
mod config;
mod core;
mod dead_letters;
mod edge;
mod explain;
mod import;
mod keys;
mod link;
mod listing;
mod man;
mod order;
mod plan;
mod product;
mod promoter;
mod qr;
mod redis;
mod rehearse;
mod relation;
mod replay;
mod replay_note;
mod scenario;
mod statement;
mod up;

use crate::cli::{Global, VERSION};
use crate::exit::{self, Exit, Failure};
use crate::logging::Who;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Turns taps on promo links into money owed to the right person
///
/// Yinke (引客) redirects promo links in microseconds, makes every click durable, decides whose order it is,
/// computes the commission, and can explain every decision. `yinke up --demo` shows all of it.
#[derive(Debug, Parser)]
#[command(name = "yinke", version = VERSION, after_long_help = exit::HELP, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(up::UpArgs),
    Edge(edge::EdgeArgs),
    Core(core::CoreRoleArgs),
    Account(account::AccountArgs),
    Api(api::ApiArgs),
    Import(import::ImportArgs),
    Link(link::LinkArgs),
    Order(order::OrderArgs),
    Product(product::ProductArgs),
    Promoter(promoter::PromoterArgs),
    Plan(plan::PlanArgs),
    Relation(relation::RelationArgs),
    Report(statement::ReportArgs),
    Statement(statement::StatementArgs),
    Withdraw(statement::WithdrawArgs),
    Explain(explain::ExplainArgs),
    Audit(audit::AuditArgs),
    DeadLetters(dead_letters::DeadLettersArgs),
    Qr(qr::QrArgs),
    Replay(replay::ReplayArgs),
    Rehearse(rehearse::RehearseArgs),
    Scenario(scenario::ScenarioArgs),
    Config(config::ConfigArgs),
    Keys(keys::KeysArgs),
    Redis(redis::RedisCommandArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Command {
    /// As what it logs.
    pub(crate) const fn who_logs(&self) -> Who {
        match self {
            Self::Up(_) | Self::Edge(_) | Self::Core(_) => Who::Server,
            _ => Who::Tool,
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// What went wrong, with the exit code.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Up(args) => args.run(),
            Self::Edge(args) => args.run(),
            Self::Core(args) => args.run(),
            Self::Account(args) => args.run(),
            Self::Api(args) => args.run(),
            Self::Import(args) => args.run(),
            Self::Link(args) => args.run(),
            Self::Order(args) => args.run(),
            Self::Product(args) => args.run(),
            Self::Promoter(args) => args.run(),
            Self::Plan(args) => args.run(),
            Self::Relation(args) => args.run(),
            Self::Report(args) => args.run(),
            Self::Statement(args) => args.run(),
            Self::Withdraw(args) => args.run(),
            Self::Explain(args) => args.run(),
            Self::Audit(args) => args.run(),
            Self::DeadLetters(args) => args.run(),
            Self::Qr(args) => args.run(),
            Self::Replay(args) => args.run(),
            Self::Rehearse(args) => args.run(),
            Self::Scenario(args) => args.run(),
            Self::Config(args) => args.run(),
            Self::Keys(args) => args.run(),
            Self::Redis(args) => args.run(),
            Self::Completions(args) => args.run(),
            Self::Man(args) => args.run(),
        }
    }
}

/// The runtime of tools, the core and the admin listener. Edge workers have their own.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Runtime, e))
}
