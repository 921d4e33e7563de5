//! supervisord: every `[program:x]` of its config runs.

use super::cx::{Cx, Read};
use super::launch::{Line, Started, Step, follow};
use crate::source::Span;
use crate::syntax::command;
use crate::syntax::constant;
use crate::syntax::value::Text;

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

fn read(cx: &mut Cx<'_>, id: crate::source::FileId, text: &str) -> Started {
    let home = cx.cwd.clone();
    let mut folders = std::collections::HashMap::new();
    let mut commands = Vec::new();
    for entry in constant::settings(text) {
        if entry.section == "include" {
            return Started::Unknown("supervisord's config includes further files".to_owned());
        }
        if !entry.section.starts_with("program:") {
            continue;
        }
        match entry.name {
            "directory" => {
                folders.insert(entry.section, entry.value.to_owned());
            }
            "command" => commands.push((entry.section, entry.value, entry.range)),
            _ => {}
        }
    }
    let mut lines: Vec<Line> = Vec::new();
    let depth = cx.depth;
    for (section, value, range) in commands {
        // `%(ENV_X)s` is filled in by supervisord.
        if value.contains("%(") {
            continue;
        }
        let start = range.end - value.len();
        let words = command::words(value);
        let argv = words.iter().map(|word| Text {
            value: word.literal().ok_or_else(|| "it is not plain".to_owned()),
            assumed: false,
            span: Span::new(id, start + word.range.start, start + word.range.end),
        });
        cx.cwd = folders
            .get(section)
            .map_or_else(|| home.clone(), |folder| cx.absolute(folder));
        cx.depth = depth;
        if let Started::Lines(more) = follow(cx, argv.collect()) {
            lines.extend(more);
        }
    }
    cx.cwd = home;
    if lines.is_empty() {
        return Started::Unknown("supervisord starts nothing that is known".to_owned());
    }
    Started::Lines(lines)
}
