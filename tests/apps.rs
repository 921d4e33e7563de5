//! What a container runs: every case of `fixtures/apps`, and the cost of looking a program up.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and reads its fixtures itself"
)]

use std::collections::BTreeMap;
use std::path::Path;

use no502::model::app::{ContainerFiles, Inside, Launch, Process, recognise};
use no502::model::knowledge::Known;
use no502::model::{Address, Amount, Bind, Setting};
use no502::project::compose::Command;
use no502::source::{FileId, Span, Spanned};
use no502::syntax::value::Text;
use serde::Deserialize;

/// One file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// A container, and what is expected of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What is told.
    about: String,
    /// A string is compose's; a list is the exec form.
    command: Option<Written>,
    entrypoint: Option<Written>,
    image: Option<String>,
    #[serde(default)]
    built: bool,
    /// `""` is empty, `"?"` is unknown.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// An env_file is missing.
    #[serde(default)]
    env_open: bool,
    /// Files by absolute path, those of the folder it is built from below `/src`; all others are absent.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Whether all others are unknown.
    #[serde(default)]
    unseen: bool,
    /// `program listeners keepalive=… worker=… grace=…`, one line a process; empty: unknown.
    expect: Vec<String>,
    /// `slots=… backlog=… admits=…` of each process, where a case is about them.
    pool: Option<Vec<String>>,
    /// Mode and owner of each socket in the file system, where a case is about them: `0660 www-data:?`.
    access: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Words(Vec<String>),
    Text(String),
}

#[test]
fn every_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/apps");
    let mut wrong = Vec::new();
    let mut count = 0;
    #[allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let cases: Cases = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in cases.case {
            count += 1;
            let processes = run(&case);
            let got: Vec<String> = processes.iter().map(shown).collect();
            let pools: Vec<String> = processes.iter().map(pool).collect();
            if case.pool.as_ref().is_some_and(|wanted| *wanted != pools) {
                wrong.push(format!("{}: {pools:?}", case.about));
            }
            let sockets: Vec<String> = processes.iter().flat_map(access).collect();
            if case
                .access
                .as_ref()
                .is_some_and(|wanted| *wanted != sockets)
            {
                wrong.push(format!("{}: {sockets:?}", case.about));
            }
            if got != case.expect {
                wrong.push(format!(
                    "{}: {}\n  want {:?}\n  got  {got:?}",
                    path.display(),
                    case.about,
                    case.expect
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} cases\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 50, "only {count} cases were read");
}

fn run(case: &Case) -> Vec<Process> {
    let span = Span::new(FileId(0), 0, 0);
    let text = |raw: &String| match raw.as_str() {
        "?" => Text {
            value: Err("it is unknown".to_owned()),
            assumed: false,
            span,
        },
        raw => Text::known(raw, span),
    };
    let command = |written: &Written| match written {
        Written::Text(raw) => Command::Shell(text(raw)),
        Written::Words(words) => Command::Exec(words.iter().map(text).collect()),
    };
    let launch = Launch {
        entrypoint: case.entrypoint.as_ref().map(command),
        command: case.command.as_ref().map(command),
        environment: case
            .env
            .iter()
            .map(|(name, value)| (Spanned::new(name.clone(), span), Some(text(value))))
            .collect(),
        environment_open: case.env_open.then(|| "an env_file is missing".to_owned()),
        working_dir: "/app".to_owned(),
        image: case.image.as_ref().map(text),
        built: case.built,
        span,
    };
    let mut files = Files {
        list: case
            .files
            .iter()
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect(),
        unseen: case.unseen,
    };
    let (processes, why) = recognise(&launch, &mut files, Known::default());
    assert!(
        !processes.is_empty() || why.is_some(),
        "{}: no reason",
        case.about
    );
    processes
}

struct Files {
    list: Vec<(String, String)>,
    unseen: bool,
}

impl ContainerFiles for Files {
    fn file(&mut self, path: &str) -> Inside {
        match self.list.iter().position(|(known, _)| known == path) {
            Some(at) => Inside::File(FileId(u32::try_from(at + 1).unwrap())),
            None if self.unseen => Inside::Unknown("it is in the image".to_owned()),
            None => Inside::Absent,
        }
    }

    fn source(&mut self, path: &str) -> Inside {
        let full = format!("/src/{path}");
        self.file(&full)
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, String> {
        let folder = format!("{path}/");
        let below = self
            .list
            .iter()
            .filter_map(|(file, _)| file.strip_prefix(&folder));
        let mut names: Vec<String> = below
            .filter_map(|rest| rest.split('/').next())
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn text(&self, id: FileId) -> String {
        self.list[id.0 as usize - 1].1.clone()
    }
}

fn amount(setting: Option<&Setting<Amount>>) -> String {
    match setting.map(Setting::value) {
        None => "-".to_owned(),
        Some(None) => "?".to_owned(),
        Some(Some(amount)) => amount.to_string(),
    }
}

fn access(process: &Process) -> Vec<String> {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".to_owned());
    let listeners = process.listeners.iter();
    let sockets = listeners.filter(|one| matches!(one.address.value(), Some(Address::Unix(_))));
    sockets
        .map(|one| match &one.access {
            Some(access) => format!(
                "{:04o} {}:{}",
                access.mode,
                name(&access.owner),
                name(&access.group)
            ),
            None => "unknown".to_owned(),
        })
        .collect()
}

fn pool(process: &Process) -> String {
    let mut words = vec![format!("slots={}", amount(process.slots.as_ref()))];
    for listener in &process.listeners {
        words.push(format!("backlog={}", amount(listener.backlog.as_ref())));
        words.extend(
            listener
                .admits
                .iter()
                .map(|admits| format!("admits={}", admits.value.join(","))),
        );
    }
    words.join(" ")
}

fn shown(process: &Process) -> String {
    let mut words = vec![process.program.clone()];
    for listener in &process.listeners {
        let protocol = listener
            .protocol
            .value()
            .map_or("?", |protocol| protocol.as_str());
        let sure = if listener
            .address
            .origin()
            .is_some_and(|origin| !origin.is_certain())
        {
            "~"
        } else {
            ""
        };
        words.push(match listener.address.value() {
            None => format!("{protocol}://?"),
            Some(Address::Unix(path)) => format!("{protocol}+unix:{path}"),
            Some(Address::Tcp { bind, port }) => {
                let host = match bind {
                    Bind::Any | Bind::AnyV4 => "*",
                    Bind::Loopback | Bind::LoopbackV4 => "lo",
                    Bind::One(host) => host,
                    Bind::Unknown(_) => "?",
                };
                format!("{sure}{protocol}://{host}:{port}")
            }
        });
    }
    for (key, setting) in &process.timeouts {
        let sure = if setting.origin().is_some_and(|origin| !origin.is_certain()) {
            "~"
        } else {
            ""
        };
        let value = match setting {
            Setting::Known {
                value: Amount::Finite(ms),
                ..
            } => format!("{sure}{ms}"),
            Setting::Known {
                value: Amount::Infinite,
                ..
            } => format!("{sure}inf"),
            Setting::Unknown(_) => "?".to_owned(),
        };
        words.push(format!("{}={value}", key.as_str()));
    }
    if let Some(version) = process.version.value() {
        words.push(format!("v{version}"));
    }
    words.join(" ")
}
