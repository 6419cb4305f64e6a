//! The core against real stores: each body runs on SQLite and, where a server is given, on PostgreSQL.

mod clicks;
mod http_api;
mod store;
mod support;
