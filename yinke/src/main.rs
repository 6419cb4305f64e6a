//! The program `yinke`.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// An eighth of a replay's instructions were the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    yinke::run()
}
