//! `[[program]]` and `[[image]]`: rows as in `rules/defaults`, for what a project runs itself.

use std::collections::BTreeSet;
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
const SETTERS: [&str; 11] = [
    "host",
    "port",
    "bind",
    "unix",
    "keepalive",
    "keepalive_ms",
    "worker",
    "grace",
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
        let place = super::header(text, &written.span());
        let told_by_image =
            |image: &Spanned<Image>| image.get_ref().program.as_ref() == Some(&row.name);
        let twice = Err(Failure::new(format!(
            "two programs are called `{}`",
            row.name
        )));
        if names.insert(&row.name) {
            Ok(())
        } else {
            twice
        }
        .and_then(|()| meaning(row, images.iter().any(told_by_image)))
        .map_err(|failure| failure.at(path, text, place))?;
    }
    for written in images {
        let row = written.get_ref();
        let place = super::header(text, &written.span());
        known("protocol", &row.protocol, &PROTOCOLS)
            .and_then(|()| program_of(row, &names))
            .map_err(|failure| failure.at(path, text, place))?;
    }
    Ok(())
}

/// Whether a row can ever match and says something that is understood.
fn meaning(row: &Program, told_by_image: bool) -> Result<(), Failure> {
    if knowledge::program(&row.name).is_none() {
        if row.commands.is_empty() && !told_by_image {
            let help = "add `commands = [\"/app/server **\"]`, or an `[[image]]` that names it as its program";
            return Err(Failure::new(format!("nothing tells when `{}` runs", row.name)).help(help));
        }
        if row.protocol.is_empty() {
            let message = format!("`{}` needs a protocol", row.name);
            return Err(Failure::new(message).help("write `protocol = \"http\"`"));
        }
    }
    if !row.protocol.is_empty() {
        known("protocol", &row.protocol, &PROTOCOLS)?;
    }
    for setter in row.flags.keys().chain(row.env.keys()) {
        known("setting", setter, &SETTERS)?;
    }
    let numbers: BTreeSet<&str> = knowledge::programs()
        .flat_map(|program| program.numbers().map(|(key, _)| key))
        .collect();
    let numbers: Vec<&str> = numbers.into_iter().collect();
    row.numbers()
        .try_for_each(|(number, _)| known("number", number, &numbers))
}

/// Whether the program that an image names is one of the tables or of the file.
fn program_of(image: &Image, own: &BTreeSet<&str>) -> Result<(), Failure> {
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
    Err(Failure::new(format!("there is no program `{name}`")).help(help))
}

fn known(what: &str, word: &str, all: &[&str]) -> Result<(), Failure> {
    if all.contains(&word) {
        return Ok(());
    }
    let help = did_you_mean(word, all.iter().copied());
    let help = help.unwrap_or_else(|| format!("known are {}", all.join(", ")));
    Err(Failure::new(format!("there is no {what} `{word}`")).help(help))
}
