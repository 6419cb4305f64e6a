//! The binary as its users meet it: real processes, real ports, real files.
#![expect(clippy::unwrap_used, reason = "in a test a failure is an answer")]

mod cli;
mod desk;
mod import;
mod log;
mod privacy;
mod restart;
mod roles;
mod scenarios;
mod servers;
mod support;
mod up;
