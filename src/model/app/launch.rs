//! From entrypoint and command to the command line that stays: wrappers are taken off one by one, and what a shell
//! or a script starts is followed as far as it is plain.

use super::cx::{Cx, Overlay, Read, basename, part};
use super::{package, script};
use crate::project::compose::Command;
use crate::source::Span;
use crate::syntax::command;
use crate::syntax::value::{Text, path};

/// How many wrappers are followed; configs that are deeper than this are loops.
const DEPTH: usize = 16;

/// What a command line comes to.
pub(super) enum Started {
    /// These command lines run, the main one last; each with its working directory.
    Lines(Vec<Line>),
    /// The image's own program runs with its own arguments.
    Image,
    /// Unknown, and why.
    Unknown(String),
}

/// One command line that runs.
pub(super) struct Line {
    /// Its words.
    pub(super) argv: Vec<Text>,
    /// Where it runs.
    pub(super) cwd: String,
    /// What was set for it on the way.
    pub(super) env: Overlay,
    /// Where it is said that nothing starts it again, if it is.
    pub(super) stays_down: Option<Span>,
}

impl Line {
    /// Run at this point.
    pub(super) fn new(cx: &Cx<'_>, argv: Vec<Text>) -> Self {
        Self {
            argv,
            cwd: cx.cwd.clone(),
            env: cx.overlay(),
            stays_down: None,
        }
    }
}

/// What a container starts.
pub(super) fn start(cx: &mut Cx<'_>) -> Started {
    let entrypoint = cx.launch.entrypoint.as_ref().map(words);
    let command = cx.launch.command.as_ref().map(words);
    let mut argv = entrypoint.clone().unwrap_or_default();
    argv.extend(command.clone().unwrap_or_default());
    match argv.first() {
        None => Started::Image,
        // Arguments of an entrypoint that is not seen.
        Some(first)
            if entrypoint.is_none() && first.get().is_some_and(|word| word.starts_with('-')) =>
        {
            Started::Unknown("the image's entrypoint takes these arguments".to_owned())
        }
        Some(_) => follow(cx, argv),
    }
}

/// The words of either form. Docker stores a Dockerfile's shell form as `/bin/sh -c …`, so a string is compose's.
pub(super) fn words(command: &Command) -> Vec<Text> {
    match command {
        Command::Exec(words) => words.clone(),
        Command::Shell(text) => match &text.value {
            Err(_) => vec![text.clone()],
            Ok(raw) => command::words(raw)
                .into_iter()
                .map(|word| Text {
                    value: word.literal().ok_or_else(|| "it is not plain".to_owned()),
                    assumed: text.assumed,
                    span: part(text, word.range.start, word.range.end),
                })
                .collect(),
        },
    }
}

/// Takes wrappers off until a program is left.
pub(super) fn follow(cx: &mut Cx<'_>, mut argv: Vec<Text>) -> Started {
    loop {
        cx.depth += 1;
        if cx.depth > DEPTH {
            return Started::Unknown("it starts itself again and again".to_owned());
        }
        let Some(first) = argv.first() else {
            return Started::Image;
        };
        let first = match &first.value {
            Ok(word) => word.clone(),
            Err(why) => return Started::Unknown(why.clone()),
        };
        match step(cx, &first, &argv) {
            Step::Program => {
                return Started::Lines(vec![Line::new(cx, argv)]);
            }
            Step::Then(rest) => argv = rest,
            Step::Done(started) => return started,
        }
    }
}

/// What one wrapper does.
pub(super) enum Step {
    /// It is none.
    Program,
    /// It starts this.
    Then(Vec<Text>),
    /// What it comes to.
    Done(Started),
}

/// Programs that are process 1 in the place of what they start, and hear its signals.
const MANAGERS: [&str; 15] = [
    "tini",
    "tini-static",
    "dumb-init",
    "catatonit",
    "docker-init",
    "supervisord",
    "honcho",
    "foreman",
    "forego",
    "goreman",
    "overmind",
    "hivemind",
    "pm2-runtime",
    "s6-svscan",
    "npm",
];

/// What may run the rest as another user.
const DEMOTERS: [&str; 10] = [
    "gosu",
    "su-exec",
    "setuser",
    "s6-setuidgid",
    "sudo",
    "runuser",
    "chpst",
    "setpriv",
    "su",
    "supervisord",
];

fn step(cx: &mut Cx<'_>, first: &str, argv: &[Text]) -> Step {
    let rest = &argv[1..];
    let name = basename(first);
    cx.managed |= first == "/init" || MANAGERS.contains(&name);
    cx.demoted |= first == "/init" || DEMOTERS.contains(&name);
    match name {
        "sh" | "bash" | "ash" | "dash" | "zsh" => script::shell(cx, rest),
        "exec" | "nohup" | "setsid" | "command" | "corepack" | "ddtrace-run" | "time" => {
            then(skip(rest, &[]))
        }
        "env" | "cross-env" => env(cx, rest),
        "tini" | "tini-static" | "dumb-init" | "catatonit" | "nice" | "ionice" | "stdbuf"
        | "docker-init" => then(skip(rest, &["-p", "-e", "-r", "--rewrite", "-n", "-c"])),
        "gosu" | "su-exec" | "setuser" | "s6-setuidgid" => {
            then(rest.get(1..).unwrap_or(&[]).to_vec())
        }
        "sudo" | "runuser" | "chpst" => then(skip(rest, &["-u", "-g", "-U"])),
        "newrelic-admin" => then(skip(rest, &[]).get(1..).unwrap_or(&[]).to_vec()),
        "opentelemetry-instrument" => then(skip_pairs(rest)),
        "dockerize" => then(skip(
            rest,
            &[
                "-wait",
                "-timeout",
                "-template",
                "-stdout",
                "-stderr",
                "-wait-retry-interval",
            ],
        )),
        "poetry" | "pipenv" | "uv" | "pdm" | "hatch" | "rye" => runner(cx, rest),
        "uvx" | "pipx" => then(skip(rest, &["--from", "--with"])),
        "bundle" if is(rest.first(), "exec") => then(rest[1..].to_vec()),
        "npx" | "bunx" | "pnpx" => then(skip(rest, &["-p", "--package"])),
        "npm" | "yarn" | "pnpm" => package::run(cx, name, rest),
        "bun" if !rest.is_empty() => package::bun(cx, argv),
        "python" | "python3" => python(cx, rest),
        _ if name.starts_with("python3.") || name.starts_with("python2") => python(cx, rest),
        _ if waits(name) => {
            if !name.starts_with("wait") && name != "watchmedo" {
                cx.open(&format!("{name} may set it"));
            }
            behind_dashes(rest, name)
        }
        "supervisord" => super::supervisor::programs(cx, rest),
        "honcho" | "foreman" | "forego" | "goreman" | "overmind" | "hivemind" => {
            super::procfile::processes(cx, name, rest)
        }
        "pm2-runtime" | "pm2" | "pm2-docker" => super::ecosystem::pm2(cx, rest),
        "s6-svscan" => super::s6::services(cx, rest, &argv[0]),
        _ if first == "/init" => super::s6::services(cx, &[], &argv[0]),
        "docker-php-entrypoint" => then(rest.to_vec()),
        _ => file(cx, first, name, rest),
    }
}

fn then(rest: Vec<Text>) -> Step {
    if rest.is_empty() {
        Step::Done(Started::Unknown(
            "nothing stands behind the wrapper".to_owned(),
        ))
    } else {
        Step::Then(rest)
    }
}

/// Wrappers that put what they start behind `--`.
fn waits(name: &str) -> bool {
    name.starts_with("wait-for")
        || name.starts_with("wait_for")
        || matches!(
            name,
            "doppler"
                | "infisical"
                | "op"
                | "dotenv"
                | "dotenvx"
                | "chamber"
                | "watchmedo"
                | "wait"
        )
}

fn behind_dashes(rest: &[Text], name: &str) -> Step {
    match rest.iter().position(|word| is(Some(word), "--")) {
        Some(at) => then(rest[at + 1..].to_vec()),
        None => Step::Done(Started::Unknown(format!("what {name} starts is not plain"))),
    }
}

/// An executable that is a script of the project, or the pass-through entrypoint of an official image.
fn file(cx: &mut Cx<'_>, first: &str, name: &str, rest: &[Text]) -> Step {
    // s6 calls the script of a service `run`, in whatever shell.
    let script = is_source(name, "sh") || name.contains("entrypoint") || name == "run";
    if first.contains('/') {
        if let Read::Text(_, text) = cx.read(first)
            && (script || shebang(&text))
        {
            return script::read(cx, first, rest);
        }
    } else if script {
        for folder in ["/usr/local/bin", "/usr/bin", "/bin", "/"] {
            let path = format!("{folder}/{name}");
            if let Read::Text(..) = cx.read(&path) {
                return script::read(cx, &path, rest);
            }
        }
    }
    // The entrypoints of the official images end in `exec "$@"`.
    if name == "docker-entrypoint.sh" {
        return if rest.is_empty() {
            Step::Done(Started::Image)
        } else {
            Step::Then(rest.to_vec())
        };
    }
    if script {
        return Step::Done(Started::Unknown(format!("{first} is not in the tree")));
    }
    Step::Program
}

/// Whether a text is a shell script by its first line.
fn shebang(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    first.starts_with("#!") && first.trim_end().ends_with("sh")
}

fn env(cx: &mut Cx<'_>, rest: &[Text]) -> Step {
    let mut at = 0;
    while let Some(word) = rest.get(at) {
        let Some(text) = word.get() else {
            return Step::Done(Started::Unknown("what env starts is not plain".to_owned()));
        };
        // plain: the word has lost its quotes already, and env cuts at the first `=`
        match text.split_once('=') {
            Some((name, value)) if !text.starts_with('-') => {
                let text = Text {
                    value: Ok(value.to_owned()),
                    ..word.clone()
                };
                cx.set(name, text);
            }
            _ if text == "-u" => at += 1,
            _ if text.starts_with('-') => {}
            _ => break,
        }
        at += 1;
    }
    then(rest.get(at..).unwrap_or(&[]).to_vec())
}

/// `poetry run x`, `uv run --frozen x`.
fn runner(cx: &Cx<'_>, rest: &[Text]) -> Step {
    let valued = [
        "--with",
        "--env-file",
        "--project",
        "--directory",
        "--python",
        "-p",
        "--package",
        "--extra",
        "--group",
        "-C",
        "-e",
        "--index-url",
    ];
    let run = skip(rest, &valued);
    if !is(run.first(), "run") {
        return Step::Program;
    }
    let inner = skip(&run[1..], &valued);
    // `uv run -m x` and `uv run app.py` start Python.
    let module = run[1..]
        .iter()
        .take(run.len() - 1 - inner.len())
        .any(|word| matches!(word.get(), Some("-m" | "--module")));
    let source = inner
        .first()
        .and_then(Text::get)
        .is_some_and(|word| is_source(word, "py"));
    if module {
        return then(inner);
    }
    if source {
        python(cx, &inner)
    } else {
        then(inner)
    }
}

/// `python -m x` starts x; `python x.py` stays, as `python x.py` without flags in between.
fn python(cx: &Cx<'_>, rest: &[Text]) -> Step {
    let mut at = 0;
    while let Some(word) = rest.get(at).and_then(Text::get) {
        match word {
            "-m" => return then(rest[at + 1..].to_vec()),
            "-X" | "-W" => at += 2,
            "-c" => return Step::Done(Started::Unknown("it runs an inline program".to_owned())),
            word if word.starts_with('-') => at += 1,
            word if is_source(word, "py") => {
                return Step::Done(Started::Lines(vec![Line::new(cx, rest[at..].to_vec())]));
            }
            _ => break,
        }
    }
    Step::Done(Started::Unknown("what Python runs is not plain".to_owned()))
}

/// Whether a word names a source file.
pub(super) fn is_source(word: &str, extension: &str) -> bool {
    path::has_extension(word, &[extension])
}

/// Whether a word is this one.
pub(super) fn is(word: Option<&Text>, wanted: &str) -> bool {
    word.and_then(Text::get) == Some(wanted)
}

/// The words behind the flags; flags in `valued` take the next word with them. `--` ends the flags.
pub(super) fn skip(words: &[Text], valued: &[&str]) -> Vec<Text> {
    let mut at = 0;
    while let Some(word) = words.get(at).and_then(Text::get) {
        if word == "--" {
            at += 1;
            break;
        }
        if !word.starts_with('-') {
            break;
        }
        at += if valued.contains(&word) { 2 } else { 1 };
    }
    words.get(at..).unwrap_or(&[]).to_vec()
}

/// As `skip`, where every long flag has a value.
fn skip_pairs(words: &[Text]) -> Vec<Text> {
    let mut at = 0;
    while let Some(word) = words.get(at).and_then(Text::get) {
        if !word.starts_with("--") {
            break;
        }
        at += if word.contains('=') { 1 } else { 2 };
    }
    words.get(at..).unwrap_or(&[]).to_vec()
}
