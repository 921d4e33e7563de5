//! The command line as it is typed. What it means together with `no502.toml` is for `config.rs` and `run.rs`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use no502::finding::{Confidence, Safety, Severity};
use no502::report::{Format, chain, triage};
use no502::syntax::value::quantity::duration_ms;

use crate::clock::parse_date;
use crate::one_of::OneOf;

/// Reads the configs of a stack and says, before the deploy, where a 502, 503 or 504 will come from.
#[derive(Debug, Parser)]
#[command(name = "no502", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to colour; `auto` is on a terminal, and follows NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, display_order = 100, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Leave out the line that says all is well
    #[arg(short, long, global = true, display_order = 100)]
    pub(crate) quiet: bool,
    /// Say more: every unknown with its reason
    #[arg(short, long, global = true, display_order = 100)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report what will answer 502, 503 or 504
    Check(Check),
    /// Show every way from an edge to an app, hop by hop, with each timeout and where it comes from
    Chain(Chain),
    /// Sort the lines of logs into classes of failures, and name the rules and the config lines that explain each
    Triage(Triage),
    /// Show the page of a rule
    Explain {
        /// Id of the rule, as `no502 rules` lists it
        #[arg(value_parser = OneOf::rules(), hide_possible_values = true)]
        rule: String,
    },
    /// List every rule
    Rules {
        /// text or json
        #[arg(long, value_enum, default_value_t = Shape::Text, value_name = "F")]
        format: Shape,
    },
    /// Show what is read from a file, as JSON
    Parse(Parse),
    /// Write a no502.toml to begin with, or a baseline that accepts today's findings
    Init {
        /// The folder of the project
        #[arg(value_name = "PATH", default_value = ".")]
        path: PathBuf,
        /// Write no502-baseline.json, so that `check` reports new findings alone
        #[arg(long)]
        baseline: bool,
    },
    /// Serve an editor: a language server over standard input and output
    Lsp,
    /// Print completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum, value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Folders or files: a folder is a project, a file stands for the project around it
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// pretty, short, json, sarif, github, gitlab, junit, checkstyle or html; may be repeated
    #[arg(long, value_name = "F[=PATH]", value_parser = OneOf::<Output<Format>>::formats(Format::ALL.map(Format::as_str)), hide_possible_values = true)]
    pub(crate) format: Vec<Output<Format>>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Fail on findings of this severity and above; the default is warning
    #[arg(long, value_name = "SEVERITY|never")]
    pub(crate) fail_on: Option<FailOn>,
    /// Fail on gaps too: on what could not be read
    #[arg(long)]
    pub(crate) strict: bool,
    /// Make the changes that heal a finding and touch nothing else; `--fix=unsafe` makes those that want a reader too
    #[arg(long, value_name = "unsafe", num_args = 0..=1, require_equals = true, default_missing_value = "safe", value_parser = safety)]
    pub(crate) fix: Option<Safety>,
    /// Show what --fix would change in place of a report, and write nothing
    #[arg(long, conflicts_with = "format")]
    pub(crate) diff: bool,
    /// Silence every finding that is shown, and give this reason: in a comment above its line, or in no502.toml
    #[arg(long, value_name = "REASON", value_parser = reason, conflicts_with_all = ["fix", "changed", "stdin_filename", "statistics", "prune_baseline"])]
    pub(crate) add_allow: Option<String>,
    /// Take out of the baseline what is no longer found
    #[arg(long)]
    pub(crate) prune_baseline: bool,
    /// Only findings that touch a line which this unified diff adds; `-` reads standard input
    #[arg(long, value_name = "FILE|-", conflicts_with = "fix")]
    pub(crate) changed: Option<PathBuf>,
    /// Run again whenever a file of the project changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["fix", "add_allow", "prune_baseline", "changed", "stdin_filename"])]
    pub(crate) watch: bool,
    /// Count the findings of each rule in place of a report
    #[arg(long, conflicts_with_all = ["format", "diff"])]
    pub(crate) statistics: bool,
    /// Judge what is on standard input in place of this file: an editor's unsaved buffer
    #[arg(long, value_name = "NAME", conflicts_with_all = ["paths", "fix"])]
    pub(crate) stdin_filename: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Chain {
    /// Folders or files, as for `check`
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only ways that begin here: a service, a port, an address, a server name
    #[arg(long, value_name = "EDGE|LISTENER")]
    pub(crate) from: Option<String>,
    /// Only ways that end at this service
    #[arg(long, value_name = "SERVICE")]
    pub(crate) to: Option<String>,
    /// Only ways on which a timeout is inverted
    #[arg(long)]
    pub(crate) only_inverted: bool,
    /// Whether a request that takes this long gets through, and who cuts it if not: 30s, 500ms, 1m30s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) budget: Option<u64>,
    /// text, json, mermaid, dot, svg or html; may be repeated
    #[arg(long, value_name = "F[=PATH]")]
    pub(crate) format: Vec<Output<chain::Format>>,
    /// Fail if a way that is shown has a finding of this severity or above; without it an audit fails nothing
    #[arg(long, value_name = "SEVERITY|never")]
    pub(crate) fail_on: Option<FailOn>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Triage {
    /// Logs of nginx, HAProxy and the apps, also as docker, kubectl and journalctl print them; `-` reads standard input
    #[arg(value_name = "LOG", required = true)]
    pub(crate) logs: Vec<PathBuf>,
    /// The project whose proxies wrote them; the default is the current folder, if configs or .git lie in it
    #[arg(long = "project", value_name = "PATH")]
    pub(crate) project_path: Option<PathBuf>,
    /// text or json; may be repeated
    #[arg(long, value_name = "F[=PATH]")]
    pub(crate) format: Vec<Output<triage::Format>>,
    /// Fail if a finding of this severity or above explains a class; without it triage fails nothing
    #[arg(long, value_name = "SEVERITY|never")]
    pub(crate) fail_on: Option<FailOn>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
}

/// What any command that loads a project understands.
#[derive(Debug, Default, Args)]
pub(crate) struct ProjectArgs {
    /// Settings to use in place of the nearest no502.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Only these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = OneOf::rules(), hide_possible_values = true)]
    pub(crate) select: Vec<String>,
    /// Not these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = OneOf::rules(), hide_possible_values = true)]
    pub(crate) ignore: Vec<String>,
    /// Leave out findings below this severity: info, warning or error
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) min_severity: Option<Severity>,
    /// Leave out findings below this confidence: low, medium or high
    #[arg(long, value_name = "CONFIDENCE", value_parser = confidence)]
    pub(crate) min_confidence: Option<Confidence>,
    /// Findings to accept; the default is no502-baseline.json in the root, if it is there
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Run pedantic rules too
    #[arg(long)]
    pub(crate) pedantic: bool,
    /// The day to judge certificates by; SOURCE_DATE_EPOCH does the same
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub(crate) now: Option<i64>,
    /// Read what .gitignore leaves out
    #[arg(long)]
    pub(crate) no_ignore: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Parse {
    /// The files; several HAProxy or compose files act as one, as with repeated `-f`
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The language, where its text does not tell
    #[arg(long = "as", value_enum, value_name = "LANGUAGE")]
    pub(crate) language: Option<Language>,
    /// A compose file as it is written: not merged, not interpolated
    #[arg(long)]
    pub(crate) single: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Nginx,
    Haproxy,
    Compose,
}

/// From which severity on the exit code is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailOn {
    /// This one and above.
    Severity(Severity),
    /// None.
    Never,
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if word == "never" {
            return Ok(Self::Never);
        }
        severity(word)
            .map(Self::Severity)
            .map_err(|_| "expected info, warning, error or never".to_owned())
    }
}

/// One `--format`: what to write, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output<F> {
    /// What.
    pub(crate) format: F,
    /// The file; standard output if there is none.
    pub(crate) path: Option<PathBuf>,
}

impl<F: FromStr<Err = String>> FromStr for Output<F> {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let (format, path) = match written.split_once('=') {
            Some((_, "")) => return Err("a path must follow the `=`".to_owned()),
            Some((format, path)) => (format, Some(PathBuf::from(path))),
            None => (written, None),
        };
        Ok(Self {
            format: format.parse()?,
            path,
        })
    }
}

fn safety(word: &str) -> Result<Safety, String> {
    match word {
        "safe" => Ok(Safety::Safe),
        "unsafe" => Ok(Safety::Unsafe),
        _ => Err("expected safe or unsafe".to_owned()),
    }
}

/// One line, with a word in it.
fn reason(written: &str) -> Result<String, String> {
    let written = written.trim();
    if written.chars().any(char::is_control) {
        return Err("expected one line".to_owned());
    }
    if !written.chars().any(char::is_alphanumeric) {
        return Err(
            "expected why this is no fault here, for whoever reads it next year".to_owned(),
        );
    }
    Ok(written.to_owned())
}

fn duration(written: &str) -> Result<u64, String> {
    duration_ms(written)
        .filter(|ms| *ms > 0)
        .ok_or_else(|| "expected a duration with its unit, as in 30s, 500ms or 1m30s".to_owned())
}

fn severity(word: &str) -> Result<Severity, String> {
    [Severity::Info, Severity::Warning, Severity::Error]
        .into_iter()
        .find(|severity| severity.as_str() == word)
        .ok_or_else(|| "expected info, warning or error".to_owned())
}

fn confidence(word: &str) -> Result<Confidence, String> {
    [Confidence::Low, Confidence::Medium, Confidence::High]
        .into_iter()
        .find(|confidence| confidence.as_str() == word)
        .ok_or_else(|| "expected low, medium or high".to_owned())
}
