//! `[[program]]` and `[[image]]`: rows as in `rules/defaults`, for what a project runs itself.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use no502::model::knowledge::{self, Image, Program};
use toml::Spanned;

use super::NAME;
use crate::failure::{Failure, did_you_mean};

/// What a listener may be said to speak.
const PROTOCOLS: [&str; 8] = [
    "http",
    "https",
    "h2c",
    "fastcgi",
    "uwsgi",
    "scgi",
    "memcached",
    "tcp",
];

/// What a flag or a variable may be said to set.
const SETTERS: [&str; 14] = [
    "host",
    "port",
    "bind",
    "unix",
    "keepalive",
    "keepalive_ms",
    "worker",
    "grace",
    "backlog",
    "mode",
    "umask",
    "config",
    "tls",
    "opaque",
];

/// The rows of the programs, each over the built-in one of its name.
pub(super) fn programs(written: &[Spanned<Program>]) -> Vec<Program> {
    let rows = written.iter().map(|row| {
        let mut row = row.get_ref().clone();
        row.own = true;
        for source in row
            .listen
            .iter_mut()
            .map(|listen| &mut listen.source)
            .chain(row.documented.values_mut().map(|read| &mut read.source))
            .filter(|source| source.is_empty())
        {
            NAME.clone_into(source);
        }
        if row.source.is_empty() {
            NAME.clone_into(&mut row.source);
        }
        match knowledge::program(&row.name) {
            Some(built_in) => row.over(built_in),
            None if row.label.is_empty() => Program {
                label: row.name.clone(),
                ..row
            },
            None => row,
        }
    });
    rows.collect()
}

/// The rows of the images.
pub(super) fn images(written: &[Spanned<Image>]) -> Vec<Image> {
    let rows = written.iter().map(|row| {
        let mut row = row.get_ref().clone();
        row.own = true;
        if row.source.is_empty() {
            NAME.clone_into(&mut row.source);
        }
        row
    });
    rows.collect()
}

/// Refuses rows that nothing could ever match and words that mean nothing.
pub(super) fn check(
    programs: &[Spanned<Program>],
    images: &[Spanned<Image>],
    path: &Path,
    text: &str,
) -> Result<(), Failure> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for written in programs {
        let row = written.get_ref();
        let told_by_image =
            |image: &Spanned<Image>| image.get_ref().program.as_ref() == Some(&row.name);
        let at = |fault: Fault| fault.within(path, text, written.span());
        if !names.insert(&row.name) {
            let message = format!("two programs are called `{}`", row.name);
            return Err(at(Fault::new(message).at(&row.name)));
        }
        meaning(row, images.iter().any(told_by_image)).map_err(at)?;
    }
    for written in images {
        let row = written.get_ref();
        known("protocol", &row.protocol, &PROTOCOLS)
            .and_then(|()| program_of(row, &names))
            .map_err(|fault| fault.within(path, text, written.span()))?;
    }
    Ok(())
}

/// What is wrong with a row, and the word of it that shows where.
struct Fault {
    message: String,
    help: Option<String>,
    word: Option<String>,
}

impl Fault {
    /// Of the row as a whole.
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            word: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn at(mut self, word: &str) -> Self {
        self.word = Some(word.to_owned());
        self
    }

    /// The failure with its place: the word where it stands in the row, else the head of the row.
    fn within(self, path: &Path, text: &str, row: Range<usize>) -> Failure {
        let head = super::header(text, &row);
        // The row goes on to the next one; the parser names its head alone.
        let rest = text.get(row.start..).unwrap_or_default();
        let inside = &rest[..rest
            .get(1..)
            .unwrap_or_default()
            .find("\n[[")
            .map_or(rest.len(), |at| at + 1)];
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let place = self
            .word
            .as_deref()
            .filter(|word| !word.is_empty())
            .and_then(|word| {
                let mut found = inside.match_indices(word);
                let (at, _) = found.find(|(at, _)| {
                    let before = inside[..*at].chars().next_back();
                    let after = inside[at + word.len()..].chars().next();
                    !before.is_some_and(is_word) && !after.is_some_and(is_word)
                })?;
                let start = row.start + at;
                Some(start..start + word.len())
            });
        let failure = Failure::new(self.message);
        let failure = match self.help {
            Some(help) => failure.help(help),
            None => failure,
        };
        failure.at(path, text, place.unwrap_or(head))
    }
}

/// Whether a row can ever match and says something that is understood.
fn meaning(row: &Program, told_by_image: bool) -> Result<(), Fault> {
    if knowledge::program(&row.name).is_none() {
        if row.commands.is_empty() && !told_by_image {
            let help = "add `commands = [\"/app/server **\"]`, or an `[[image]]` that names it as its program";
            let fault = Fault::new(format!("nothing tells when `{}` runs", row.name));
            return Err(fault.help(help));
        }
        if row.protocol.is_empty() {
            let message = format!("`{}` needs a protocol", row.name);
            let fault = Fault::new(message).help("write `protocol = \"http\"`");
            return Err(fault);
        }
    }
    if row.commands.iter().any(|pattern| pattern.trim().is_empty()) {
        let fault = Fault::new("an empty pattern fits no command line");
        let help = "write the words that start it: `commands = [\"/app/server **\"]`";
        return Err(fault.help(help).at("commands"));
    }
    if !row.protocol.is_empty() {
        known("protocol", &row.protocol, &PROTOCOLS)?;
    }
    let setters = row
        .flags
        .keys()
        .chain(row.env.keys())
        .chain(row.file.keys());
    for setter in setters {
        known("setting", setter, &SETTERS)?;
    }
    if let Some(socket) = &row.socket
        && u32::from_str_radix(&socket.mode, 8).is_err()
    {
        let fault = Fault::new(format!("`{}` is no mode of a file", socket.mode));
        let help = "write it in octal, as `chmod` takes it: `mode = \"0660\"`";
        return Err(fault.help(help).at(&socket.mode));
    }
    numbers(row)
}

/// Whether every number is one that is known and that can be.
fn numbers(row: &Program) -> Result<(), Fault> {
    let all: BTreeSet<&str> = knowledge::programs()
        .flat_map(|program| program.numbers().map(|(key, _)| key))
        .collect();
    let all: Vec<&str> = all.into_iter().collect();
    for (key, number) in row.numbers() {
        known("number", key, &all)?;
        let endless = number.value.total_cmp(&-1.0).is_eq();
        if !(endless || (number.value.is_finite() && number.value >= 0.0)) {
            let fault = Fault::new(format!("`{key}` is {}", number.value));
            let help = "write seconds, bytes or a count, as its name ends; -1 is no limit";
            return Err(fault.help(help).at(key));
        }
    }
    Ok(())
}

/// Whether the program that an image names is one of the tables or of the file.
fn program_of(image: &Image, own: &BTreeSet<&str>) -> Result<(), Fault> {
    let Some(name) = &image.program else {
        return Ok(());
    };
    let built_in = knowledge::programs().map(|program| program.name.as_str());
    let all: Vec<&str> = built_in.chain(own.iter().copied()).collect();
    if all.contains(&name.as_str()) {
        return Ok(());
    }
    let help = did_you_mean(name, all.iter().copied());
    let help = help.unwrap_or_else(|| {
        "rules/defaults lists the built-in ones; a `[[program]]` adds one".to_owned()
    });
    let fault = Fault::new(format!("there is no program `{name}`"));
    Err(fault.help(help).at(name))
}

fn known(what: &str, word: &str, all: &[&str]) -> Result<(), Fault> {
    if all.contains(&word) {
        return Ok(());
    }
    let help = did_you_mean(word, all.iter().copied());
    let help = help.unwrap_or_else(|| format!("known are {}", all.join(", ")));
    let fault = Fault::new(format!("there is no {what} `{word}`"));
    Err(fault.help(help).at(word))
}
