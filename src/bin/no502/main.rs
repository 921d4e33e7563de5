//! The program: everything that touches the outside.

mod allow;
mod args;
mod baseline;
mod chain;
mod changed;
mod clock;
mod config;
mod disk;
mod failure;
mod lsp;
mod one_of;
mod parse;
mod roots;
mod run;
mod shell;
mod terminal;
mod triage;
mod verdict;
mod watch;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match run::run(&args::Cli::parse()) {
        Ok(verdict) => verdict.into(),
        Err(failure) => {
            run::say(failure);
            ExitCode::from(2)
        }
    }
}
