//! The `loupe` program: reads the command line and runs one command.

use std::process::ExitCode;

use clap::Parser;
use loupe::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("Loupe can't start its threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(Box::pin(cli::run(cli))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code())
        }
    }
}
