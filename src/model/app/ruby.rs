//! puma, rails and unicorn: flags beat the config file, and the config file is Ruby, read as far as it is plain.

use super::Process;
use super::constants::Constants;
use super::cx::{Cx, Read};
use super::flags::Flags;
use super::serve;
use super::settle::{self, default, duration, listener, port_of, said};
use super::socket;
use crate::model::knowledge::Program;
use crate::model::{Address, Amount, Bind, Key, Listener, Protocol, Setting};
use crate::source::Span;
use crate::syntax::constant;
use crate::syntax::value::Text;

/// `puma`.
pub(super) fn puma(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let version = locked(cx, "puma");
    let program = row(cx, version.as_ref())?;
    let flags = Flags::new(&argv[1..]);
    let config = match flags.get(program.flags("config")) {
        Ok(told) => Config::read(cx, told.as_ref(), &["config/puma.rb", "puma.rb"]),
        Err(why) => Config::Unknown(why),
    };
    let listeners = binds(cx, program, &flags, &config, version.is_some());
    let timeouts = serve::timeouts(cx, program, &[]);
    let workers = match flags.get(&["-w", "--workers"].map(str::to_owned)) {
        Ok(told) => told.map(|text| duration(&text, 1.0, Amount::Finite(0))),
        Err(why) => Some(Setting::unknown(why)),
    };
    let mut process = serve::bare(cx, program, argv, listeners, timeouts);
    if version.is_none() {
        process.timeouts.insert(Key::KeepaliveIdle, unversioned());
    }
    config.limit(cx, &mut process, "persistent_timeout", Key::KeepaliveIdle);
    cluster(cx, &config, workers, program, &mut process);
    if let Some(version) = version {
        process.version = version;
    }
    Some(process)
}

/// `rails server`, which runs puma and reads its config file as well.
pub(super) fn rails(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("rails-server")?;
    let version = locked(cx, "puma");
    let flags = Flags::new(&argv[1..]);
    let host = serve::told(cx, program, &flags, "host");
    let port = serve::told(cx, program, &flags, "port");
    let mode = match flags.get(&["-e".to_owned(), "--environment".to_owned()]) {
        Ok(Some(text)) => Some(text),
        _ => cx.env("RAILS_ENV").or_else(|| cx.env("RACK_ENV")),
    };
    let config = Config::read(cx, None, &["config/puma.rb"]);
    let mut bound = if port.is_none() && config.sets("port", "bind") {
        binds(cx, program, &flags, &config, false)
            .into_iter()
            .next()?
            .address
    } else {
        serve::host_and_port(cx, program, host.clone(), port, None)
    };
    // Loopback in development, everything elsewhere.
    if host.is_none()
        && let Setting::Known {
            value: Address::Tcp { bind, .. },
            ..
        } = &mut bound
    {
        *bind = match mode.map(|text| text.value) {
            None => Bind::Loopback,
            Some(Ok(mode)) if mode == "development" || mode.is_empty() => Bind::Loopback,
            Some(Ok(_)) => Bind::Any,
            Some(Err(why)) => Bind::Unknown(why),
        };
    }
    let puma = row(cx, version.as_ref())?;
    let mut timeouts = serve::timeouts(cx, puma, &[]);
    if version.is_none() {
        timeouts.insert(Key::KeepaliveIdle, unversioned());
    }
    let mut process = serve::bare(
        cx,
        program,
        argv,
        vec![listener(bound, Protocol::Http, program)],
        timeouts,
    );
    config.limit(cx, &mut process, "persistent_timeout", Key::KeepaliveIdle);
    cluster(cx, &config, None, puma, &mut process);
    if let Some(version) = version {
        process.version = version;
    }
    Some(process)
}

/// A single puma waits for its requests without a limit; in a cluster the workers have 30 s, and are then cut off.
/// Measured with 5.6.5.
fn cluster(
    cx: &Cx<'_>,
    config: &Config,
    workers: Option<Setting<Amount>>,
    program: &Program,
    process: &mut Process,
) {
    let variable = || {
        Some(duration(
            &cx.env("WEB_CONCURRENCY")?,
            1.0,
            Amount::Finite(0),
        ))
    };
    let workers = workers
        .or_else(|| config.count(cx, "workers"))
        .or_else(variable);
    let Some(workers) = workers else {
        return;
    };
    match workers.value() {
        Some(Amount::Finite(0)) => {}
        Some(_) => {
            let source = "puma's cluster mode: worker_shutdown_timeout, measured with 5.6.5";
            let grace = Setting::default_of(Amount::Finite(30_000), &program.label, "", source);
            process.timeouts.insert(Key::Grace, grace);
            config.limit(cx, process, "worker_shutdown_timeout", Key::Grace);
        }
        None => {
            let why = "whether it runs as a cluster is not plain";
            process.timeouts.insert(Key::Grace, Setting::unknown(why));
        }
    }
}

/// `unicorn`.
pub(super) fn unicorn(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("unicorn")?;
    let flags = Flags::new(&argv[1..]);
    // unicorn reads no config file that it is not told of; `unicorn_rails` neither.
    let config = match flags.get(program.flags("config")) {
        Ok(Some(told)) => Config::read(cx, Some(&told), &[]),
        Ok(None) => Config::None,
        Err(why) => Config::Unknown(why),
    };
    let mut process = serve::process(cx, program, argv);
    process.timeouts = serve::timeouts(cx, program, &[]);
    process.slots = config.count(cx, "worker_processes");
    let told = flags.has(program.flags("bind")) || flags.has(program.flags("port"));
    if !told {
        match config.listeners("listen", cx, program, 8080) {
            Some(listeners) => process.listeners = listeners,
            None if matches!(config, Config::None | Config::Text(..)) => {
                let listen = program.listen.as_ref()?;
                let address = Address::Tcp {
                    bind: Bind::Any,
                    port: 8080,
                };
                let address = default(
                    address,
                    program,
                    &listen.source,
                    serve::certain(cx, program),
                );
                process.listeners = vec![listener(address, Protocol::Http, program)];
            }
            None => {}
        }
        process.listeners_complete = !process.listeners.is_empty();
    }
    config.limit(cx, &mut process, "timeout", Key::Worker);
    Some(process)
}

/// A config file in Ruby.
enum Config {
    None,
    Text(crate::source::FileId, String, Constants),
    Unknown(String),
    /// It was not asked for, and whether it is there cannot be seen.
    Unseen,
}

impl Config {
    fn read(cx: &mut Cx<'_>, told: Option<&Text>, usual: &[&str]) -> Self {
        let paths = match told.map(|text| text.value.clone()) {
            Some(Ok(path)) if path == "-" => return Self::None,
            Some(Ok(path)) => vec![path],
            Some(Err(why)) => return Self::Unknown(why),
            None => usual.iter().map(|path| (*path).to_owned()).collect(),
        };
        let mut unseen = false;
        for path in &paths {
            match cx.read(path) {
                Read::Text(id, text) => {
                    let constants = Constants::python(id, &text);
                    return Self::Text(id, text, constants);
                }
                Read::Unknown(_) => unseen = true,
                Read::Absent => {}
            }
        }
        match (told.is_some(), unseen) {
            (true, _) => Self::Unknown(format!("{} is not in the tree", paths.concat())),
            (false, true) => Self::Unseen,
            (false, false) => Self::None,
        }
    }

    fn sets(&self, one: &str, other: &str) -> bool {
        matches!(self, Self::Text(_, _, constants) if constants.has(one) || constants.has(other))
    }

    /// Every `listen` or `bind`, several if there are several lines.
    fn listeners(
        &self,
        name: &str,
        cx: &Cx<'_>,
        program: &Program,
        port: u16,
    ) -> Option<Vec<Listener>> {
        let Self::Text(id, text, constants) = self else {
            return if let Self::Unknown(why) = self {
                let unknown = Setting::unknown(why.clone());
                Some(vec![listener(unknown, Protocol::Http, program)])
            } else {
                None
            };
        };
        let entries = constant::settings(text);
        let mut listeners = Vec::new();
        for entry in entries.iter().filter(|entry| entry.name == name) {
            let span = Span::new(*id, entry.range.start, entry.range.end);
            // plain: an option begins with its name, and no address holds a comma
            let mut pieces = entry.value.split(',');
            let value = pieces.next().unwrap_or("");
            let expression = if entry.indented {
                None
            } else {
                constant::constant(value)
            };
            let told = constants.text(cx, expression.as_ref(), span, 8);
            let made = socket::bound(cx, program, &told, port);
            listeners.push(socket::with_options(cx, made, pieces, span));
        }
        (!listeners.is_empty()).then_some(listeners)
    }

    fn count(&self, cx: &Cx<'_>, name: &str) -> Option<Setting<Amount>> {
        match self {
            Self::Text(_, _, constants) => {
                Some(duration(&constants.get(cx, name)?, 1.0, Amount::Finite(0)))
            }
            Self::Unknown(why) => Some(Setting::unknown(why.clone())),
            Self::None | Self::Unseen => None,
        }
    }

    fn limit(&self, cx: &Cx<'_>, process: &mut Process, name: &str, key: Key) {
        match self {
            Self::Text(_, _, constants) => {
                if let Some(text) = constants.get(cx, name) {
                    process
                        .timeouts
                        .insert(key, duration(&text, 1000.0, Amount::Finite(0)));
                }
            }
            Self::Unknown(why) => {
                process.timeouts.insert(key, Setting::unknown(why.clone()));
            }
            Self::None | Self::Unseen => {}
        }
    }
}

fn binds(
    cx: &Cx<'_>,
    program: &Program,
    flags: &Flags<'_>,
    config: &Config,
    certain: bool,
) -> Vec<Listener> {
    let make = |address| listener(address, Protocol::Http, program);
    let told = match flags.all(program.flags("bind")) {
        Ok(told) => told,
        Err(why) => return vec![make(Setting::unknown(why))],
    };
    if program.name != "rails-server" && !told.is_empty() {
        return told
            .iter()
            .map(|text| socket::bound(cx, program, text, 9292))
            .collect();
    }
    let port = match flags.get(program.flags("port")) {
        Err(why) => return vec![make(Setting::unknown(why))],
        Ok(Some(text)) => Some(text),
        Ok(None) => None,
    };
    let port = match (port, config) {
        (Some(text), _) => Some(text),
        (None, Config::Unknown(why)) => return vec![make(Setting::unknown(why.clone()))],
        (None, Config::Text(_, _, constants)) => {
            if let Some(listeners) = config.listeners("bind", cx, program, 9292) {
                return listeners;
            }
            constants.get(cx, "port")
        }
        (None, _) => None,
    };
    if let Some(text) = port {
        let address = match port_of(&text) {
            Ok(port) => said(
                Address::Tcp {
                    bind: Bind::Any,
                    port,
                },
                &text,
            ),
            Err(why) => Setting::unknown(why),
        };
        return vec![make(address)];
    }
    let Some(listen) = &program.listen else {
        return Vec::new();
    };
    let bind = listen.bind.as_deref().map_or(Bind::Any, settle::bind_of);
    let address = Address::Tcp {
        bind,
        port: listen.port.unwrap_or(9292),
    };
    let certain = certain && cx.plain_image() && !matches!(config, Config::Unseen);
    vec![make(default(address, program, &listen.source, certain))]
}

/// The row for a version of puma; the newest if it is unknown.
fn row<'a>(cx: &Cx<'a>, version: Option<&Setting<String>>) -> Option<&'a Program> {
    let major = version
        .and_then(Setting::value)
        // plain: numbers with dots between
        .and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    cx.known.program(match major {
        Some(..7) => "puma",
        Some(7) => "puma-7",
        _ => "puma-8",
    })
}

/// 7 is where the default changes.
fn unversioned() -> Setting<Amount> {
    Setting::unknown(
        "puma keeps connections for 20 s before 7 and for 65 s since, and nothing pins its version",
    )
}

/// The version of a gem in Gemfile.lock: `    puma (6.4.2)`.
fn locked(cx: &mut Cx<'_>, gem: &str) -> Option<Setting<String>> {
    let Read::Text(id, text) = cx.source("Gemfile.lock") else {
        return None;
    };
    let entries = constant::settings(&text);
    let entry = entries.iter().find(|entry| {
        entry.name == gem
            && entry.value.starts_with('(')
            && entry
                .value
                .as_bytes()
                .get(1)
                .is_some_and(u8::is_ascii_digit)
    })?;
    let version = entry.value.trim_matches(['(', ')']).to_owned();
    Some(Setting::written(
        version,
        Span::new(id, entry.range.start, entry.range.end),
    ))
}
