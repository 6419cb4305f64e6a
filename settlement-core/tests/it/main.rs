//! The core against real stores: each body runs on SQLite and, where a server is given, on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod account_checks;
mod accounts;
mod attacks;
mod audit;
mod bans;
mod beside_commission;
mod catalogue;
mod clicks;
mod dead_letters;
mod disputes;
mod feed;
mod histories;
mod holders;
mod http_api;
mod identities;
mod ingest;
mod intake;
mod library;
mod links;
mod lists;
mod logos;
mod merchants;
mod notices;
mod openapi;
mod order_bench;
mod order_permutations;
mod order_senders;
mod orders;
mod payout_permutations;
mod payouts;
mod postgres_tls;
mod products;
mod programmes;
mod rehearse;
mod replay;
mod reports;
mod rules_by_hand;
mod statements;
mod store;
mod strangers;
mod streams;
mod support;
mod unlucky;
mod webhooks;
