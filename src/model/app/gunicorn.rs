//! gunicorn: which worker class runs decides whether `--timeout` limits a request at all. Flags beat
//! `GUNICORN_CMD_ARGS`, which beats the config file, which beats the defaults.

use super::Process;
use super::constants::Constants;
use super::cx::{Cx, Read};
use super::flags::Flags;
use super::python;
use super::serve;
use super::settle::{address, amount, default, duration, listener, said};
use super::socket;
use crate::model::knowledge::Program;
use crate::model::{Access, Address, Amount, Bind, Key, Protocol, ProxyHeader, Setting, Timeouts};
use crate::source::Span;
use crate::syntax::command;
use crate::syntax::value::Text;

/// The process of a gunicorn command line.
pub(super) fn process(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let base = cx.known.program("gunicorn-sync")?;
    let source = Source::new(cx, base, argv);
    let class = source.class(cx);
    let program = class
        .as_deref()
        .ok()
        .and_then(|class| program_of(cx, class))
        .unwrap_or(base);
    let program = of_version(cx, program);
    let listeners = source.binds(cx, base);
    let timeouts = source.timeouts(cx, program, class.as_ref().map(String::as_str));
    let protocol = if source.tls {
        Protocol::Https
    } else {
        Protocol::Http
    };
    let backlog = source.backlog(cx);
    let mode = source.mode(cx, base);
    let proxy_header = source.proxy_header(cx, class.as_deref().ok());
    let listeners = listeners
        .into_iter()
        .map(|address| {
            let made = listener(address, protocol, base);
            crate::model::Listener {
                backlog: backlog.clone().or(made.backlog.clone()),
                access: socket::access(cx, &made.address, mode)
                    .and_then(|access| source.owned(cx, access)),
                proxy_header,
                ..made
            }
        })
        .collect();
    let mut process = serve::bare(cx, program, argv, listeners, timeouts);
    process.slots = source.slots(cx, class.as_deref().ok());
    if class
        .ok()
        .as_deref()
        .and_then(|class| program_of(cx, class))
        .is_none()
    {
        "gunicorn".clone_into(&mut process.program);
    }
    Some(process)
}

/// The row of the version that requirements.txt pins.
fn of_version<'a>(cx: &mut Cx<'a>, program: &'a Program) -> &'a Program {
    let pinned = python::pinned(cx, "gunicorn");
    let version = pinned.as_ref().and_then(Setting::value);
    // plain: numbers with dots between
    let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    let is_old = program.name == "gunicorn-sync" && major.is_some_and(|major| major < 22);
    let old = is_old.then(|| cx.known.program("gunicorn-sync-legacy"));
    old.flatten().unwrap_or(program)
}

/// Everything that may say something, the strongest first.
struct Source {
    flags: Vec<Text>,
    from_env: Vec<Text>,
    file: Constants,
    /// Why a value that no flag gives is unknown.
    open: Option<String>,
    certain: bool,
    tls: bool,
}

/// The words of `GUNICORN_CMD_ARGS`; `Err`: why they are unknown.
fn words(text: Text) -> Result<Vec<Text>, String> {
    let raw = text.value?;
    let words = command::words(&raw);
    let words = words.iter().map(|word| Text {
        value: word.literal().ok_or_else(|| "it is not plain".to_owned()),
        assumed: text.assumed,
        span: text.span,
    });
    Ok(words.collect())
}

impl Source {
    fn new(cx: &mut Cx<'_>, base: &Program, argv: &[Text]) -> Self {
        let flags: Vec<Text> = argv.get(1..).unwrap_or(&[]).to_vec();
        let (from_env, mut open) = match cx.env("GUNICORN_CMD_ARGS").map(words) {
            Some(Ok(words)) => (words, None),
            Some(Err(why)) => (Vec::new(), Some(why)),
            None => (Vec::new(), None),
        };
        let both = [flags.clone(), from_env.clone()].concat();
        let told = Flags::new(&both).get(base.flags("config"));
        let mut certain = cx.plain_image();
        let (path, asked) = match told {
            Ok(Some(Text {
                value: Ok(path), ..
            })) => (path, true),
            Ok(None) => ("gunicorn.conf.py".to_owned(), false),
            Ok(Some(Text {
                value: Err(why), ..
            }))
            | Err(why) => {
                open.get_or_insert(why);
                (String::new(), false)
            }
        };
        let path = path.strip_prefix("file:").unwrap_or(&path).to_owned();
        let mut file = Constants::default();
        if path.starts_with("python:") {
            open.get_or_insert_with(|| format!("{path} is a module"));
        } else if !path.is_empty() {
            match cx.read(&path) {
                Read::Text(id, text) => file = Constants::python(id, &text),
                Read::Unknown(why) if asked => {
                    open.get_or_insert(why);
                }
                Read::Absent if asked => {
                    open.get_or_insert_with(|| format!("{path} is missing"));
                }
                Read::Unknown(_) => certain = false,
                Read::Absent => {}
            }
        }
        let tls =
            Flags::new(&both).has(base.flags("tls")) || file.has("certfile") || file.has("keyfile");
        Self {
            flags,
            from_env,
            file,
            open,
            certain,
            tls,
        }
    }

    /// What is said of a setting: by flag, by variable, by file. `Err`: something unknown may say it.
    fn get(&self, cx: &Cx<'_>, flags: &[String], key: &str) -> Result<Option<Text>, String> {
        if let Some(text) = Flags::new(&self.flags).get(flags)? {
            return Ok(Some(text));
        }
        if let Some(text) = Flags::new(&self.from_env).get(flags)? {
            return Ok(Some(text));
        }
        if let Some(why) = &self.open {
            return Err(why.clone());
        }
        Ok(self.file.get(cx, key))
    }

    /// The worker class, normalised; sync with threads is gthread.
    fn class(&self, cx: &Cx<'_>) -> Result<String, String> {
        let told = self.get(cx, &names(&["-k", "--worker-class"]), "worker_class")?;
        let class = told.map_or(Ok("sync".to_owned()), |text| text.value)?;
        if class != "sync" {
            return Ok(class);
        }
        let threads = self.get(cx, &names(&["--threads"]), "threads")?;
        match threads.map(|text| text.value) {
            None => Ok(class),
            Some(Ok(number)) if number.trim() == "1" => Ok(class),
            Some(Ok(_)) => Ok("gthread".to_owned()),
            Some(Err(why)) => Err(why),
        }
    }

    fn binds(&self, cx: &Cx<'_>, base: &Program) -> Vec<Setting<Address>> {
        let flag = base.flags("bind");
        let told = Flags::new(&self.flags).all(flag).and_then(|found| {
            if found.is_empty() {
                Flags::new(&self.from_env).all(flag)
            } else {
                Ok(found)
            }
        });
        let mut binds = match told {
            Ok(binds) => binds,
            Err(why) => return vec![Setting::unknown(why)],
        };
        if binds.is_empty() {
            if let Some(why) = &self.open {
                return vec![Setting::unknown(why.clone())];
            }
            binds = self.file.list(cx, "bind");
        }
        if !binds.is_empty() {
            // A host without a port means 8000, a port without a host is refused; gunicorn binds `:8000` to all.
            return binds
                .iter()
                .map(|text| address(cx, text, Some(8000), &Bind::Any))
                .collect();
        }
        // PORT moves the default from 127.0.0.1:8000 to 0.0.0.0:$PORT.
        match cx.env("PORT") {
            Some(text) if text.get() != Some("") => vec![match super::settle::port_of(&text) {
                Ok(port) => said(
                    Address::Tcp {
                        bind: Bind::Any,
                        port,
                    },
                    &text,
                ),
                Err(why) => Setting::unknown(why),
            }],
            _ => {
                let address = Address::Tcp {
                    bind: Bind::LoopbackV4,
                    port: 8000,
                };
                let source = base
                    .listen
                    .as_ref()
                    .map_or("", |listen| listen.source.as_str());
                vec![self.default(address, base, source)]
            }
        }
    }

    fn backlog(&self, cx: &Cx<'_>) -> Option<Setting<Amount>> {
        match self.get(cx, &names(&["--backlog"]), "backlog") {
            Ok(text) => Some(duration(&text?, 1.0, Amount::Finite(0))),
            Err(why) => Some(Setting::unknown(why)),
        }
    }

    /// A socket is given to `user` and `group`. Measured with 27.0: a user alone leaves the group as it is.
    fn owned(&self, cx: &Cx<'_>, access: Access) -> Option<Access> {
        let name = |flags: &[&str], key: &str| match self.get(cx, &names(flags), key).ok()? {
            Some(text) => text.get().map(|name| Some(name.to_owned())),
            None => Some(None),
        };
        Some(Access {
            owner: name(&["-u", "--user"], "user")?,
            group: name(&["-g", "--group"], "group")?,
            ..access
        })
    }

    /// The mode of its sockets: no umask but its own counts.
    fn mode(&self, cx: &Cx<'_>, base: &Program) -> Option<(u32, Option<Span>)> {
        let told = self.get(cx, &names(&["-m", "--umask"]), "umask").ok()?;
        match told {
            Some(text) => socket::masked(&text),
            None => socket::default(base),
        }
    }

    /// gunicorn's own workers take the header if they are told to, and then from the addresses of `--proxy-allow-from` alone;
    /// those of uvicorn have no such option.
    fn proxy_header(&self, cx: &Cx<'_>, class: Option<&str>) -> ProxyHeader {
        let own = ["sync", "gthread", "gevent", "eventlet"];
        match class {
            Some(class) if class.starts_with("uvicorn") => return ProxyHeader::Refused,
            Some(class) if own.contains(&class) => {}
            _ => return ProxyHeader::Unknown,
        }
        let told = self.get(cx, &names(&["--proxy-protocol"]), "proxy_protocol");
        let on = match told {
            Ok(None) => false,
            Ok(Some(text)) => match text.value {
                Ok(word) => !["off", "false", "False", "None"].contains(&word.as_str()),
                Err(_) => return ProxyHeader::Unknown,
            },
            Err(_) => return ProxyHeader::Unknown,
        };
        let from = self.get(cx, &names(&["--proxy-allow-from"]), "proxy_allow_ips");
        match (on, from) {
            (false, _) => ProxyHeader::Refused,
            (true, Ok(None)) => ProxyHeader::TakenFromLoopback,
            (true, _) => ProxyHeader::Taken,
        }
    }

    /// A sync worker has one request at a time, and gthread one a thread; the others take what comes.
    fn slots(&self, cx: &Cx<'_>, class: Option<&str>) -> Option<Setting<Amount>> {
        let count = |flags: &[&str], key: &str| match self.get(cx, &names(flags), key) {
            Ok(text) => text.map(|text| duration(&text, 1.0, Amount::Finite(0))),
            Err(why) => Some(Setting::unknown(why)),
        };
        let workers = count(&["-w", "--workers"], "workers")
            .or_else(|| {
                Some(duration(
                    &cx.env("WEB_CONCURRENCY")?,
                    1.0,
                    Amount::Finite(0),
                ))
            })
            .unwrap_or_else(|| {
                let source = "gunicorn's settings: workers";
                Setting::default_of(Amount::Finite(1), "gunicorn", "", source)
            });
        match class {
            Some("sync") => Some(workers),
            Some("gthread") => {
                let threads = count(&["--threads"], "threads")?;
                Some(match (workers, threads.value()) {
                    (
                        Setting::Known {
                            value: Amount::Finite(workers),
                            origin,
                        },
                        Some(Amount::Finite(threads)),
                    ) => Setting::Known {
                        value: Amount::Finite(workers.saturating_mul(*threads)),
                        origin,
                    },
                    _ => Setting::unknown("its workers or threads are not plain"),
                })
            }
            _ => None,
        }
    }

    fn timeouts(&self, cx: &Cx<'_>, program: &Program, class: Result<&str, &String>) -> Timeouts {
        let mut timeouts = Timeouts::new();
        let grace = self.get(cx, &names(&["--graceful-timeout"]), "graceful_timeout");
        timeouts.insert(Key::Grace, self.limit(grace, program, "graceful_s"));
        let known = match class {
            Ok(class) => {
                program_of(cx, class).ok_or_else(|| format!("worker class {class} is not known"))
            }
            Err(why) => Err(why.clone()),
        };
        if let Err(why) = known {
            timeouts.insert(Key::Worker, Setting::unknown(why.clone()));
            timeouts.insert(Key::KeepaliveIdle, Setting::unknown(why));
            return timeouts;
        }
        if class == Ok("sync") {
            let told = self.get(cx, &names(&["-t", "--timeout"]), "timeout");
            let limit = self.limit(told, program, "request_timeout_s");
            // 0 switches the limit off.
            if limit.value() != Some(&Amount::Infinite) {
                timeouts.insert(Key::Worker, limit);
            }
            // --keep-alive is ignored: every answer closes its connection.
            let closes = self.default(Amount::Finite(0), program, &program.source);
            timeouts.insert(Key::KeepaliveIdle, closes);
        } else {
            let told = self.get(cx, &names(&["--keep-alive"]), "keepalive");
            let keep = match &told {
                Ok(Some(text)) => duration(text, 1000.0, Amount::Finite(0)),
                _ => self.limit(told, program, "keepalive_idle_s"),
            };
            timeouts.insert(Key::KeepaliveIdle, keep);
        }
        timeouts
    }

    fn limit(
        &self,
        told: Result<Option<Text>, String>,
        program: &Program,
        key: &str,
    ) -> Setting<Amount> {
        match told {
            Err(why) => Setting::unknown(why),
            Ok(Some(text)) => duration(&text, 1000.0, Amount::Infinite),
            Ok(None) => match program.number(key) {
                Some(number) => self.default(amount(number), program, number.source),
                None => Setting::unknown("its default is not known"),
            },
        }
    }

    /// The defaults are the same in every version since 20.1.
    fn default<T>(&self, value: T, program: &Program, source: &str) -> Setting<T> {
        default(value, program, source, self.certain)
    }
}

/// The variant of the tables that a worker class is.
fn program_of<'a>(cx: &Cx<'a>, class: &str) -> Option<&'a Program> {
    let name = match class {
        "sync" => "gunicorn-sync",
        "gthread" => "gunicorn-gthread",
        "gevent"
        | "eventlet"
        | "gevent_pywsgi"
        | "gevent_wsgi"
        | "gunicorn.workers.ggevent.GeventWorker" => "gunicorn-gevent",
        "asgi" => "gunicorn-asgi",
        class if class.starts_with("uvicorn.workers.") || class.starts_with("uvicorn_worker.") => {
            "gunicorn-uvicorn-worker"
        }
        _ => return None,
    };
    cx.known.program(name)
}

fn names(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|flag| (*flag).to_owned()).collect()
}
