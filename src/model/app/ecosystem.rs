//! pm2: a script, or the apps of an `ecosystem.config.js` as far as they are plain constants.

use super::cx::{Cx, Read, unknown};
use super::launch::{Line, Started, Step, follow, is, skip};
use super::node::is_script;
use crate::source::{FileId, Span};
use crate::syntax::command;
use crate::syntax::constant::{self, Entry, Expression};
use crate::syntax::value::{Text, path};

/// One app of an ecosystem file.
#[derive(Default)]
struct App {
    /// What it runs.
    script: Option<Text>,
    args: Option<Text>,
    cwd: Option<Text>,
    interpreter: Option<Text>,
    env: Vec<(String, Text)>,
    /// `autorestart: false`.
    stays_down: Option<Span>,
}

/// `pm2-runtime server.js`, `pm2-runtime start ecosystem.config.js`, `pm2 start npm -- start`.
pub(super) fn pm2(cx: &mut Cx<'_>, rest: &[Text]) -> Step {
    let valued = ["-i", "--instances", "--name", "-n", "--env", "--only"];
    let mut rest = skip(rest, &valued);
    if is(rest.first(), "start") {
        rest = skip(&rest[1..], &valued);
    }
    let Some(first) = rest.first().and_then(Text::get).map(str::to_owned) else {
        return Step::Done(Started::Unknown("what pm2 starts is not plain".to_owned()));
    };
    let behind = rest.iter().position(|word| is(Some(word), "--"));
    let arguments = behind.map_or(&[][..], |at| &rest[at + 1..]);
    if path::file_name(&first).contains("config.")
        || path::has_extension(&first, &["json", "yml", "yaml"])
    {
        return Step::Done(ecosystem(cx, &first));
    }
    let mut words = vec![rest[0].clone()];
    if is_script(&first) {
        words.insert(
            0,
            Text {
                value: Ok("node".to_owned()),
                ..rest[0].clone()
            },
        );
    }
    words.extend(arguments.iter().cloned());
    Step::Then(words)
}

fn ecosystem(cx: &mut Cx<'_>, file: &str) -> Started {
    let Read::Text(id, text) = cx.read(file) else {
        return Started::Unknown(format!("{file} is not in the tree"));
    };
    let apps = apps(id, &text);
    if apps.is_empty() || apps.iter().any(|app| app.script.is_none()) {
        return Started::Unknown(format!("what {file} starts is not plain"));
    }
    let mut lines: Vec<Line> = Vec::new();
    let (home, depth, env) = (cx.cwd.clone(), cx.depth, cx.overlay());
    for app in apps {
        if let Some(folder) = app.cwd.as_ref().and_then(Text::get) {
            cx.cwd = cx.absolute(folder);
        }
        for (name, value) in &app.env {
            cx.set(name, value.clone());
        }
        if let Started::Lines(more) = follow(cx, app.words()) {
            lines.extend(more.into_iter().map(|line| Line {
                stays_down: app.stays_down,
                ..line
            }));
        }
        cx.cwd.clone_from(&home);
        cx.depth = depth;
        cx.enter(env.clone());
    }
    if lines.is_empty() {
        return Started::Unknown(format!("{file} starts nothing that is known"));
    }
    Started::Lines(lines)
}

impl App {
    /// The command line that pm2 makes of it.
    fn words(&self) -> Vec<Text> {
        let Some(script) = &self.script else {
            return Vec::new();
        };
        let mut words = Vec::new();
        match &self.interpreter {
            Some(text) if is(Some(text), "none") => {}
            Some(text) => words.push(text.clone()),
            None if script.get().is_some_and(is_script) => words.push(Text {
                value: Ok("node".to_owned()),
                ..script.clone()
            }),
            None => {}
        }
        words.push(script.clone());
        match self.args.as_ref().map(|text| (&text.value, text)) {
            Some((Ok(raw), text)) => words.extend(command::words(raw).iter().map(|word| Text {
                value: word.literal().ok_or_else(|| "it is not plain".to_owned()),
                ..text.clone()
            })),
            Some((Err(_), text)) => words.push(text.clone()),
            None => {}
        }
        words
    }
}

/// The apps, one for each `script`: the names in front of it on the same level are its own.
fn apps(id: FileId, text: &str) -> Vec<App> {
    let mut apps: Vec<App> = Vec::new();
    // Column of the block that is open, and whether it is `env`.
    let mut block: Option<(usize, bool)> = None;
    let mut seen: Vec<&str> = Vec::new();
    for entry in constant::settings(text) {
        let column = column(text, &entry);
        if let Some((open, is_env)) = block {
            if column > open {
                if let (true, Some(app)) = (is_env, apps.last_mut()) {
                    app.env
                        .push((entry.name.to_owned(), constant_of(id, &entry)));
                }
                continue;
            }
            block = None;
        }
        if entry.name.starts_with("env") && entry.value.trim_start().starts_with('{') {
            block = Some((column, entry.name == "env"));
            continue;
        }
        if !matches!(
            entry.name,
            "name" | "script" | "args" | "cwd" | "interpreter" | "autorestart"
        ) {
            continue;
        }
        if apps.is_empty() || seen.contains(&entry.name) {
            apps.push(App::default());
            seen.clear();
        }
        seen.push(entry.name);
        let value = constant_of(id, &entry);
        if let Some(app) = apps.last_mut() {
            match entry.name {
                "script" => app.script = Some(value),
                "args" => app.args = Some(value),
                "cwd" => app.cwd = Some(value),
                "interpreter" => app.interpreter = Some(value),
                "autorestart" => {
                    let is_off = entry.value.trim().trim_end_matches(',') == "false";
                    app.stays_down = is_off.then_some(value.span);
                }
                _ => {}
            }
        }
    }
    apps
}

fn constant_of(id: FileId, entry: &Entry<'_>) -> Text {
    let span = Span::new(id, entry.range.start, entry.range.end);
    match constant::constant(entry.value) {
        Some(Expression::Text(text)) => Text::known(text, span),
        Some(Expression::Number(number)) => Text::known(number.to_string(), span),
        _ => unknown("it is not a plain constant", span),
    }
}

fn column(text: &str, entry: &Entry<'_>) -> usize {
    let before = &text[..entry.range.start];
    before.len() - before.rfind('\n').map_or(0, |at| at + 1)
}
