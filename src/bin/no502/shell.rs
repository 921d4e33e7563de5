//! `no502 completions` and `no502 man`: what a package puts beside the program.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Failure;
use crate::run::{Verdict, to_stdout};

/// Completions for a shell.
pub(crate) fn completions(shell: Shell) -> Result<Verdict, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "no502", &mut script);
    to_stdout(|out| out.write_all(&script))
}

/// The manual page, in roff.
pub(crate) fn man() -> Result<Verdict, Failure> {
    let page = clap_mangen::Man::new(Cli::command());
    to_stdout(|out| page.render(out))
}
