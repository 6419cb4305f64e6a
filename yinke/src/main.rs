//! The program `yinke`.

use std::process::ExitCode;

fn main() -> ExitCode {
    yinke::run()
}
