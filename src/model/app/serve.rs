//! Programs that are told by flags and variables alone: the tables say which, and what holds if nothing is written.

use super::Process;
use super::cx::{Cx, Read};
use super::flags::Flags;
use super::properties::Properties;
use super::settle::{self, address, amount, default, duration, listener, port_of, said};
use super::socket;
use crate::model::knowledge::Program;
use crate::model::{Address, Amount, Bind, Key, Listener, Protocol, Setting, Timeouts};
use crate::source::Span;
use crate::syntax::value::{Text, path};

/// A process of this program, everything read by the table.
pub(super) fn process(cx: &mut Cx<'_>, program: &Program, argv: &[Text]) -> Process {
    let words = with_file(cx, program, argv);
    let listeners = listeners(cx, program, &words);
    let timeouts = timeouts(cx, program, &words);
    bare(cx, program, argv, listeners, timeouts)
}

/// The command line with what its config file says in front, as if it were flags: a real flag stands behind and wins.
fn with_file(cx: &mut Cx<'_>, program: &Program, argv: &[Text]) -> Vec<Text> {
    let flags = Flags::new(argv.get(1..).unwrap_or(&[]));
    let config = program.flags("config");
    let (Ok(Some(text)), false) = (flags.get(config), program.file.is_empty()) else {
        return argv.to_vec();
    };
    let mut told = Properties::default();
    let path = text.get().unwrap_or("");
    let readable = ["toml", "yaml", "yml", "properties", "ini"];
    if !path::has_extension(path, &readable) || !told.add(cx, path) {
        return argv.to_vec();
    }
    let mut words = vec![argv[0].clone()];
    for (what, names) in &program.file {
        let found = names.iter().find_map(|name| told.get(cx, name));
        let (Some(Ok(value)), Some(flag)) = (found, program.flags(what).first()) else {
            continue;
        };
        words.push(Text {
            value: Ok(flag.clone()),
            ..value.clone()
        });
        words.push(value);
    }
    let named: Vec<usize> = (1..argv.len())
        .filter(|at| {
            argv[*at]
                .get()
                .is_some_and(|word| config.iter().any(|flag| word.starts_with(flag.as_str())))
        })
        .collect();
    words.extend(
        (1..argv.len())
            .filter(|at| !named.contains(at))
            .map(|at| argv[at].clone()),
    );
    words
}

/// A process with what was read elsewhere.
pub(super) fn bare(
    cx: &Cx<'_>,
    program: &Program,
    argv: &[Text],
    listeners: Vec<Listener>,
    timeouts: Timeouts,
) -> Process {
    Process {
        program: program.name.clone(),
        name: program.label.clone(),
        version: Setting::unknown("no file of the tree pins it"),
        argv: argv.to_vec(),
        listeners_complete: !listeners.is_empty(),
        slots: None,
        stopping: crate::model::Stopping::default(),
        head: None,
        listeners,
        timeouts,
        span: span(cx, argv),
        stays_down: None,
    }
}

/// From the first word to the last, if they stand in one file.
pub(super) fn span(cx: &Cx<'_>, argv: &[Text]) -> Span {
    match (argv.first(), argv.last()) {
        (Some(first), Some(last)) if first.span.file == last.span.file => first.span.to(last.span),
        (Some(first), _) => first.span,
        _ => cx.launch.span,
    }
}

/// Keep-alive, kill limit and grace by the table.
pub(super) fn timeouts(cx: &Cx<'_>, program: &Program, argv: &[Text]) -> Timeouts {
    let mut timeouts = Timeouts::new();
    let flags = Flags::new(argv.get(1..).unwrap_or(&[]));
    let mut put = |key, value: Option<Setting<Amount>>| {
        if let Some(value) = value {
            timeouts.insert(key, value);
        }
    };
    put(Key::KeepaliveIdle, {
        let precise = told(cx, program, &flags, "keepalive_ms")
            .map(|text| limit(text, 1.0, Amount::Finite(0)));
        let plain = || {
            told(cx, program, &flags, "keepalive")
                .map(|text| limit(text, 1000.0, Amount::Finite(0)))
        };
        precise
            .or_else(plain)
            .or_else(|| unread(program, &flags))
            .or_else(|| number(cx, program, "keepalive_idle_s"))
    });
    put(Key::Grace, {
        let told =
            told(cx, program, &flags, "grace").map(|text| limit(text, 1000.0, Amount::Finite(0)));
        told.or_else(|| unread(program, &flags))
            .or_else(|| number(cx, program, "graceful_s"))
    });
    // A limit that the program answers by itself kills no worker.
    if program
        .sees
        .as_deref()
        .is_some_and(|sees| sees.starts_with("eof"))
    {
        let told =
            told(cx, program, &flags, "worker").map(|text| limit(text, 1000.0, Amount::Infinite));
        let limit = told.or_else(|| number(cx, program, "request_timeout_s"));
        // 0 switches the limit off.
        put(
            Key::Worker,
            limit.filter(|limit| limit.value() != Some(&Amount::Infinite)),
        );
    }
    timeouts
}

/// Why a config file that is not read may say it.
fn unread(program: &Program, flags: &Flags<'_>) -> Option<Setting<Amount>> {
    let named = flags.has(program.flags("config"));
    named.then(|| Setting::unknown("its config file may set it"))
}

/// A number of the table as a setting.
pub(super) fn number(cx: &Cx<'_>, program: &Program, key: &str) -> Option<Setting<Amount>> {
    let number = program.number(key)?;
    Some(default(
        amount(number),
        program,
        number.source,
        certain(cx, program),
    ))
}

/// Whether a default of the table surely holds: for every version, in an image that configures nothing by itself; or
/// because the project says so.
pub(super) fn certain(cx: &Cx<'_>, program: &Program) -> bool {
    program.own || program.versions.is_empty() && cx.plain_image()
}

/// What a flag or else a variable says.
pub(super) fn told(
    cx: &Cx<'_>,
    program: &Program,
    flags: &Flags<'_>,
    what: &str,
) -> Option<Result<Text, String>> {
    match flags.get(program.flags(what)) {
        Err(why) => return Some(Err(why)),
        Ok(Some(text)) => return Some(Ok(text)),
        Ok(None) => {}
    }
    let text = program.env(what).iter().find_map(|name| cx.env(name))?;
    // An empty variable is none to all of these programs.
    (text.get() != Some("")).then_some(Ok(text))
}

fn limit(text: Result<Text, String>, unit: f64, zero: Amount) -> Setting<Amount> {
    match text {
        Ok(text) => duration(&text, unit, zero),
        Err(why) => Setting::unknown(why),
    }
}

fn listeners(cx: &mut Cx<'_>, program: &Program, argv: &[Text]) -> Vec<Listener> {
    let flags = Flags::new(argv.get(1..).unwrap_or(&[]));
    let protocol = if flags.has(program.flags("tls")) {
        Protocol::Https
    } else {
        settle::protocol(&program.protocol).unwrap_or(Protocol::Http)
    };
    addresses(cx, program, &flags)
        .into_iter()
        .map(|address| {
            let made = listener(address, protocol, program);
            socket::told(cx, program, &flags, made)
        })
        .collect()
}

fn addresses(cx: &mut Cx<'_>, program: &Program, flags: &Flags<'_>) -> Vec<Setting<Address>> {
    let bare = Bind::Any;
    let default_port = program.listen.as_ref().and_then(|listen| listen.port);
    match flags.all(program.flags("bind")) {
        Err(why) => return vec![Setting::unknown(why)],
        Ok(binds) if !binds.is_empty() => {
            return binds
                .iter()
                .map(|text| address(cx, text, default_port, &bare))
                .collect();
        }
        Ok(_) => {}
    }
    match told(cx, program, flags, "unix") {
        Some(Ok(text)) => {
            let path = text.value.clone();
            return vec![match path {
                Ok(path) => said(settle::socket(cx, &path), &text),
                Err(why) => Setting::unknown(why),
            }];
        }
        Some(Err(why)) => return vec![Setting::unknown(why)],
        None => {}
    }
    let opaque = [program.flags("opaque"), program.flags("config")].concat();
    let host = told(cx, program, flags, "host");
    let port = told(cx, program, flags, "port");
    if port.is_none() && flags.has(&opaque) {
        return vec![Setting::unknown(
            "it is told by a file or a descriptor that is not read",
        )];
    }
    let moved = if host.is_some() && port.is_some() {
        None
    } else {
        watched(cx, program)
    };
    vec![host_and_port(cx, program, host, port, moved)]
}

/// Why a config file may move the listener; `Some("")` if it only cannot be seen.
fn watched(cx: &mut Cx<'_>, program: &Program) -> Option<String> {
    let watched = program.config.as_ref()?;
    let mut unseen = None;
    for file in &watched.files {
        match cx.read(file) {
            Read::Text(_, text)
                if watched
                    .words
                    .iter()
                    .any(|word| text.contains(word.as_str())) =>
            {
                return Some(format!("{file} may set it"));
            }
            Read::Unknown(_) => unseen = Some(String::new()),
            _ => {}
        }
    }
    unseen
}

/// The address that host and port come to, each told or the default.
pub(super) fn host_and_port(
    cx: &Cx<'_>,
    program: &Program,
    host: Option<Result<Text, String>>,
    port: Option<Result<Text, String>>,
    moved: Option<String>,
) -> Setting<Address> {
    let Some(listen) = &program.listen else {
        if let (Some(Ok(host)), Some(Ok(port))) = (&host, &port) {
            return joined(host, port);
        }
        return Setting::unknown(format!("{} has no port of its own", program.label));
    };
    let certain = certain(cx, program) && moved.is_none();
    let unread = moved.filter(|why| !why.is_empty());
    let bind = match &host {
        Some(Err(why)) => Bind::Unknown(why.clone()),
        Some(Ok(text)) => match &text.value {
            Ok(host) => settle::bind_of(host),
            Err(why) => Bind::Unknown(why.clone()),
        },
        None => match (&unread, &listen.bind) {
            (Some(why), _) => Bind::Unknown(why.clone()),
            (None, Some(bind)) => settle::bind_of(bind),
            (None, None) => Bind::Unknown(format!("it depends on where {} runs", program.label)),
        },
    };
    let number = match &port {
        Some(Err(why)) => return Setting::unknown(why.clone()),
        Some(Ok(text)) => match port_of(text) {
            Ok(port) => port,
            Err(why) => return Setting::unknown(why),
        },
        None => match (unread, listen.port) {
            (Some(why), _) => return Setting::unknown(why),
            (None, Some(port)) => port,
            (None, None) => {
                return Setting::unknown(format!("{} has no port of its own", program.label));
            }
        },
    };
    let address = Address::Tcp { bind, port: number };
    match (host, port) {
        (_, Some(Ok(text))) => said(address, &text),
        // The port is a default, and only the host is written: the place of the host is the best there is.
        (Some(Ok(text)), None) if certain => said(address, &text),
        _ => default(address, program, &listen.source, certain),
    }
}

fn joined(host: &Text, port: &Text) -> Setting<Address> {
    match (&host.value, port_of(port)) {
        (Ok(host), Ok(number)) => said(
            Address::Tcp {
                bind: settle::bind_of(host),
                port: number,
            },
            port,
        ),
        (Err(why), _) => Setting::unknown(why.clone()),
        (_, Err(why)) => Setting::unknown(why),
    }
}
