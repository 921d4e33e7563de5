//! Why the program could not do its work, for the person who started it. Everything here ends in exit code 2.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;

use no502::rules::RULES;
use no502::syntax::near::nearest;

use crate::disk;

/// One failure: what, where, and what to do about it.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    message: String,
    place: Option<Place>,
    help: Option<String>,
}

/// Where in a file, with the line as it is written. Line and column count from 1, column and width in characters.
#[derive(Debug)]
pub(crate) struct Place {
    path: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) width: usize,
    pub(crate) text: String,
}

impl Failure {
    /// Lower case, no full stop.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// A path that the person named and that cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::new(format!("`{}` {}", path.display(), disk::describe(error)))
    }

    /// What to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Where, if it is about a place in a file.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What and what to do, without the place.
    pub(crate) fn words(&self) -> String {
        let help = self.help.iter().map(|help| format!("\nhelp: {help}"));
        [self.message.clone()].into_iter().chain(help).collect()
    }

    /// The bytes of a file that it is about.
    pub(crate) fn at(mut self, path: &Path, text: &str, span: Range<usize>) -> Self {
        let start = span.start.min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let marked = text.get(start..span.end.min(line_start + line.len()));
        self.place = Some(Place {
            path: path.display().to_string(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            width: marked.map_or(1, |marked| marked.chars().count().max(1)),
            text: line.to_owned(),
        });
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "no502: {}", self.message)?;
        if let Some(place) = &self.place {
            let margin = " ".repeat(place.line.to_string().len());
            let mark = "^".repeat(place.width);
            let indent = " ".repeat(place.column - 1);
            write!(
                out,
                "\n{margin}--> {}:{}:{}",
                place.path, place.line, place.column
            )?;
            write!(
                out,
                "\n{margin} |\n{} | {}",
                place.line,
                place.text.replace('\t', " ")
            )?;
            write!(out, "\n{margin} | {indent}{mark}")?;
        }
        match &self.help {
            Some(help) => write!(out, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// A rule that does not exist, and the one that was meant.
pub(crate) fn unknown_rule(id: &str) -> Failure {
    let meant = did_you_mean(id, RULES.iter().map(|rule| rule.id));
    Failure::new(format!("there is no rule `{id}`"))
        .help(meant.unwrap_or_else(|| "`no502 rules` lists them all".to_owned()))
}

/// "did you mean …"; `None` if no known name is near.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<String> {
    nearest(written, known).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered() {
        let known = ["timeout-zero", "timeout-missing", "stale-dns"];
        let offer = |written| did_you_mean(written, known.into_iter());
        assert_eq!(
            offer("timeuot-zero").as_deref(),
            Some("did you mean `timeout-zero`?")
        );
        assert_eq!(
            offer("stale_dns").as_deref(),
            Some("did you mean `stale-dns`?")
        );
        assert_eq!(offer("x"), None);
    }

    #[test]
    fn the_place_is_drawn_under_its_line() {
        let failure = Failure::new("bad").at(Path::new("a.toml"), "x = 1\nyé = 2\n", 10..11);
        assert_eq!(
            failure.to_string(),
            "no502: bad\n --> a.toml:2:4\n  |\n2 | yé = 2\n  |    ^"
        );
    }
}
