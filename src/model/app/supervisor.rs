//! supervisord: every `[program:x]` of its config runs.

use std::collections::BTreeMap;

use super::cx::{Cx, Read, part, unknown};
use super::launch::{Line, Started, Step, follow};
use crate::model::knowledge::fits;
use crate::source::{FileId, Span};
use crate::syntax::command;
use crate::syntax::constant;
use crate::syntax::value::{Text, path};

/// Where supervisord looks if nothing is said.
const PATHS: [&str; 4] = [
    "/etc/supervisor/supervisord.conf",
    "/etc/supervisord.conf",
    "supervisord.conf",
    "etc/supervisord.conf",
];

/// The programs of the config that the words name.
pub(super) fn programs(cx: &mut Cx<'_>, rest: &[Text]) -> Step {
    let flags = super::flags::Flags::new(rest);
    let named = flags.get(&["-c".to_owned(), "--configuration".to_owned()]);
    let paths = match named {
        Err(why)
        | Ok(Some(Text {
            value: Err(why), ..
        })) => return Step::Done(Started::Unknown(why)),
        Ok(Some(Text {
            value: Ok(path), ..
        })) => vec![path],
        Ok(None) => PATHS.map(str::to_owned).to_vec(),
    };
    for path in paths {
        if let Read::Text(id, text) = cx.read(&path) {
            return Step::Done(read(cx, id, &text));
        }
    }
    Step::Done(Started::Unknown(
        "supervisord's config is not in the tree".to_owned(),
    ))
}

/// One `[program:x]`.
#[derive(Default)]
struct Program {
    command: Option<Text>,
    folder: Option<String>,
    environment: Vec<(String, Text)>,
    idle: bool,
}

fn read(cx: &mut Cx<'_>, id: FileId, text: &str) -> Started {
    let mut programs: BTreeMap<String, Program> = BTreeMap::new();
    let mut order = Vec::new();
    let mut included = Vec::new();
    collect(id, text, &mut programs, &mut order, &mut included);
    for pattern in included {
        for (id, text) in matching(cx, &pattern) {
            collect(id, &text, &mut programs, &mut order, &mut Vec::new());
        }
    }
    let mut lines: Vec<Line> = Vec::new();
    let mut missed = None;
    let (home, depth, outer) = (cx.cwd.clone(), cx.depth, cx.overlay());
    for program in order.iter().filter_map(|name| programs.remove(name)) {
        let Some(command) = program.command.filter(|_| !program.idle) else {
            continue;
        };
        if let Some(folder) = &program.folder {
            cx.cwd = cx.absolute(folder);
        }
        for (name, value) in &program.environment {
            cx.set(name, value.clone());
        }
        match follow(cx, words(&command)) {
            Started::Lines(more) => lines.extend(more),
            Started::Unknown(why) => missed = Some((why, command)),
            Started::Image => {}
        }
        cx.enter(outer.clone());
        cx.cwd.clone_from(&home);
        cx.depth = depth;
    }
    if lines.is_empty() {
        return Started::Unknown("supervisord starts nothing that is known".to_owned());
    }
    // What could not be followed may listen as well.
    if let Some((_, command)) = missed {
        lines.insert(0, Line::new(cx, vec![command]));
    }
    Started::Lines(lines)
}

fn collect(
    id: FileId,
    text: &str,
    programs: &mut BTreeMap<String, Program>,
    order: &mut Vec<String>,
    included: &mut Vec<String>,
) {
    for entry in constant::settings(text) {
        // plain: supervisord ends a value at a `;` behind a blank, whatever the quotes
        let value = entry.value.split(" ;").next().unwrap_or("").trim();
        if entry.section == "include" && entry.name == "files" {
            // plain: patterns with blanks between
            included.extend(value.split_whitespace().map(str::to_owned));
        }
        if !entry.section.starts_with("program:") {
            continue;
        }
        if !programs.contains_key(entry.section) {
            order.push(entry.section.to_owned());
        }
        let program = programs.entry(entry.section.to_owned()).or_default();
        let start = entry.range.end - entry.value.len();
        let span = Span::new(id, start, start + value.len());
        match entry.name {
            "directory" => program.folder = Some(value.to_owned()),
            "autostart" => program.idle = value == "false",
            // `%(ENV_X)s` is filled in by supervisord.
            "command" if value.contains("%(") => {
                program.command = Some(unknown("supervisord fills it in", span));
            }
            "command" => program.command = Some(Text::known(value, span)),
            "environment" => program.environment = environment(value, span),
            _ => {}
        }
    }
}

/// `KEY="value",OTHER=value`.
fn environment(value: &str, span: Span) -> Vec<(String, Text)> {
    // plain: a comma in a value is rare, and what follows it is then no pair and left out
    let pairs = value.split(',').filter_map(|pair| {
        // plain: a name, which ends at its first `=`
        let (name, value) = pair.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        let text = if value.contains("%(") {
            unknown("supervisord fills it in", span)
        } else {
            Text::known(value, span)
        };
        Some((name.trim().to_owned(), text))
    });
    pairs.collect()
}

fn words(command: &Text) -> Vec<Text> {
    let Some(raw) = command.get() else {
        return vec![command.clone()];
    };
    let words = command::words(raw);
    let argv = words.iter().map(|word| Text {
        value: word.literal().ok_or_else(|| "it is not plain".to_owned()),
        assumed: false,
        span: part(command, word.range.start, word.range.end),
    });
    argv.collect()
}

/// The files that a pattern of `[include]` names, `*` in their last part.
fn matching(cx: &mut Cx<'_>, pattern: &str) -> Vec<(FileId, String)> {
    let (folder, name) = (path::folder(pattern).to_owned(), path::file_name(pattern));
    let names = if name.contains('*') {
        let listed = cx.list(&folder).unwrap_or_default();
        listed
            .into_iter()
            .filter(|found| fits(name, found))
            .collect()
    } else {
        vec![name.to_owned()]
    };
    let texts = names
        .iter()
        .filter_map(|name| match cx.read(&format!("{folder}/{name}")) {
            Read::Text(id, text) => Some((id, text)),
            _ => None,
        });
    texts.collect()
}
