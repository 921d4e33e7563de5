//! `no502 completions` and `no502 man`: what a package puts beside the program.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

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
    let mut command = Cli::command();
    command.build();
    to_stdout(|out| {
        let page = Man::new(command.clone());
        page.render_title(out)?;
        page.render_name_section(out)?;
        page.render_synopsis_section(out)?;
        page.render_description_section(out)?;
        page.render_options_section(out)?;
        for one in command
            .get_subcommands()
            .filter(|one| one.get_name() != "help")
        {
            subcommand(one, out)?;
        }
        out.write_all(REST.as_bytes())
    })
}

/// One page has all commands: nobody looks for the flags of `check` elsewhere. Its sections become paragraphs.
fn subcommand(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let (page, mut text) = (Man::new(command.clone()), Vec::new());
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    writeln!(out, ".SH \"NO502 {}\"", command.get_name().to_uppercase())?;
    let text = String::from_utf8_lossy(&text);
    for line in text
        .lines()
        .filter(|line| !line.starts_with(".ie") && !line.starts_with(".el"))
    {
        match line {
            ".SH SYNOPSIS" | ".SH DESCRIPTION" => writeln!(out, ".PP")?,
            ".SH OPTIONS" => writeln!(out, ".PP")?,
            line => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// What the command line itself does not tell.
const REST: &str = include_str!("rest.1");
