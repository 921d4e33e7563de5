//! What the terminal can show, and what the person asked of it.

use std::env;
use std::io::{self, IsTerminal};

use no502::report::Look;
use terminal_size::terminal_size;

use crate::args::{Cli, Color};

/// How a report is dressed; `prefix` leads from the enclosing git root to the root. What goes to a file or a pipe is the same
/// everywhere: no colours, and a width of its own.
pub(crate) fn look(cli: &Cli, to_stdout: bool, prefix: String) -> Look {
    let terminal = to_stdout && io::stdout().is_terminal();
    Look {
        color: wants_color(cli.color, terminal),
        unicode: !terminal || speaks_unicode(),
        width: columns().filter(|_| terminal).unwrap_or(100),
        verbose: cli.verbose,
        prefix,
    }
}

fn wants_color(asked: Color, terminal: bool) -> bool {
    match asked {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let set = |name| variable(name).is_some_and(|value| !value.is_empty());
            let forced =
                set("CLICOLOR_FORCE") && variable("CLICOLOR_FORCE").as_deref() != Some("0");
            let able = terminal && variable("TERM").as_deref() != Some("dumb");
            !set("NO_COLOR") && (forced || able)
        }
    }
}

/// Whether the locale is UTF-8; one that is not set at all says nothing against it.
fn speaks_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty());
    locale.is_none_or(|locale| {
        locale
            .to_ascii_lowercase()
            .replace('-', "")
            .contains("utf8")
    })
}

/// What a person has set counts more than what the terminal says of itself. A shell keeps `COLUMNS` to itself as a rule.
fn columns() -> Option<usize> {
    let set = variable("COLUMNS").and_then(|columns| columns.parse().ok());
    let own = || terminal_size().map(|(width, _)| usize::from(width.0));
    set.or_else(own).filter(|width| (40..=400).contains(width))
}

/// A variable of the environment, if it is set and is UTF-8.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that looks at the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}
