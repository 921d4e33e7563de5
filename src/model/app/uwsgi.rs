//! uWSGI: any number of sockets, each with a protocol of its own, from flags, `UWSGI_…` variables and an ini file.

use super::Process;
use super::cx::{Cx, Read};
use super::flags::Flags;
use super::launch::is_source;
use super::properties::Properties;
use super::serve;
use super::settle::{address, duration, listener};
use super::socket;
use crate::model::knowledge::Program;
use crate::model::{Access, Amount, Bind, Key, Listener, Protocol, Setting, Timeouts};
use crate::source::Span;
use crate::syntax::constant;
use crate::syntax::value::Text;

/// Options that open a socket, what it speaks, and the row of the tables.
const SOCKETS: [(&[&str], Protocol, &str); 6] = [
    (&["http"], Protocol::Http, "uwsgi-http-router"),
    (&["http-socket"], Protocol::Http, "uwsgi-http-socket"),
    (&["http11-socket"], Protocol::Http, "uwsgi-http11-socket"),
    (
        &["socket", "uwsgi-socket", "s"],
        Protocol::Uwsgi,
        "uwsgi-socket",
    ),
    (&["fastcgi-socket"], Protocol::Fastcgi, "uwsgi-socket"),
    (&["scgi-socket"], Protocol::Scgi, "uwsgi-socket"),
];

/// `uwsgi`.
pub(super) fn process(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let told = Told::new(cx, argv);
    let mut listeners = Vec::new();
    let mut row = "uwsgi-socket";
    for (names, protocol, name) in SOCKETS {
        let texts = match told.all(cx, names) {
            Ok(texts) => texts,
            Err(why) => vec![super::cx::unknown(why, cx.launch.span)],
        };
        if texts.is_empty() {
            continue;
        }
        row = name;
        listeners.extend(
            texts
                .iter()
                .map(|text| made(cx, text, protocol, name))
                .collect::<Option<Vec<_>>>()?,
        );
    }
    let program = cx.known.program(row)?;
    let mut timeouts = Timeouts::new();
    if listeners
        .iter()
        .all(|listener| listener.protocol.value() == Some(&Protocol::Http))
    {
        timeouts = serve::timeouts(cx, program, &[]);
    }
    // The router has clocks of its own, and keeps no connection unless it is told to.
    match row {
        "uwsgi-http-router" => {
            told.limit(cx, &["http-timeout"], Key::Worker, &mut timeouts);
            told.limit(cx, &["http-keepalive"], Key::KeepaliveIdle, &mut timeouts);
        }
        "uwsgi-http11-socket" => {
            told.limit(
                cx,
                &["socket-timeout", "z"],
                Key::KeepaliveIdle,
                &mut timeouts,
            );
        }
        _ => {}
    }
    told.harakiri(cx, &mut timeouts);
    if listeners.is_empty() {
        let why = told
            .open
            .clone()
            .unwrap_or_else(|| "uwsgi is told no socket".to_owned());
        listeners.push(listener(Setting::unknown(why), Protocol::Uwsgi, program));
    }
    let mode = told.mode(cx, program);
    for listener in &mut listeners {
        listener.access = told.owned(cx, socket::access(cx, &listener.address, mode));
    }
    let mut process = serve::bare(cx, program, argv, listeners, timeouts);
    told.pool(cx, &mut process);
    Some(process)
}

fn made(cx: &Cx<'_>, text: &Text, protocol: Protocol, name: &str) -> Option<Listener> {
    let address = address(cx, text, None, &Bind::Any);
    Some(listener(address, protocol, cx.known.program(name)?))
}

fn is_yaml(path: &str) -> bool {
    is_source(path, "yaml") || is_source(path, "yml")
}

/// All that says something: flags, then the ini or the YAML file.
struct Told {
    flags: Vec<Text>,
    ini: Vec<(String, Text)>,
    open: Option<String>,
}

impl Told {
    fn new(cx: &mut Cx<'_>, argv: &[Text]) -> Self {
        let flags = argv[1..].to_vec();
        let mut told = Self {
            flags,
            ini: Vec::new(),
            open: None,
        };
        let kinds = ["--ini", "--yaml", "--yml", "-y"].map(str::to_owned);
        let named = Flags::new(&told.flags).get(&kinds);
        let bare = told.flags.iter().find(|word| {
            let is = |word: &str, kind| is_source(word, kind);
            word.get()
                .is_some_and(|word| ["ini", "yaml", "yml"].iter().any(|kind| is(word, kind)))
        });
        let path = match (named, bare) {
            (Err(why), _) => {
                told.open = Some(why);
                None
            }
            (Ok(Some(text)), _) => Some(text),
            (Ok(None), bare) => bare.cloned().or_else(|| cx.env("UWSGI_INI")),
        };
        let other = [".xml", ".json"];
        if told
            .flags
            .iter()
            .filter_map(Text::get)
            .any(|word| other.iter().any(|end| word.ends_with(end)))
        {
            told.open = Some("its config is no ini file".to_owned());
        }
        match path.map(|text| text.value) {
            Some(Ok(path)) => told.read(cx, &path),
            Some(Err(why)) => told.open = Some(why),
            None => {}
        }
        told
    }

    fn read(&mut self, cx: &mut Cx<'_>, path: &str) {
        // plain: `file:section`, and only the file is wanted
        let path = path.split(':').next().unwrap_or(path);
        match cx.read(path) {
            Read::Text(..) if !is_source(path, "ini") && is_yaml(path) => {
                let mut told = Properties::default();
                told.add(cx, path);
                self.open = told.open.take();
                self.ini.extend(told.below("uwsgi."));
            }
            Read::Text(id, text) => {
                for entry in constant::settings(&text) {
                    if entry.section != "uwsgi" {
                        continue;
                    }
                    if matches!(entry.name, "ini" | "include" | "inherit") {
                        self.open = Some("its ini file includes another".to_owned());
                    }
                    let span = Span::new(id, entry.range.start, entry.range.end);
                    // plain: no value that is read here holds a blank and a `#`
                    let value = entry.value.split(" #").next().unwrap_or("").trim();
                    // `$(VAR)` and `%n` are filled in by uwsgi.
                    let text = if value.contains("$(") || value.contains('%') {
                        super::cx::unknown("uwsgi fills it in when it starts", span)
                    } else {
                        Text::known(value, span)
                    };
                    self.ini.push((entry.name.to_owned(), text));
                }
            }
            Read::Absent => self.open = Some(format!("{path} is missing")),
            Read::Unknown(why) => self.open = Some(why),
        }
    }

    /// A time that an option says, in seconds.
    fn limit(&self, cx: &Cx<'_>, names: &[&str], key: Key, timeouts: &mut Timeouts) {
        let told = match self.all(cx, names) {
            Ok(texts) => texts
                .last()
                .map(|text| duration(text, 1000.0, Amount::Finite(0))),
            Err(why) => Some(Setting::unknown(why)),
        };
        timeouts.extend(told.map(|told| (key, told)));
    }

    /// The limit on a request; with the router's own, the shorter of the two. 0 is none.
    fn harakiri(&self, cx: &Cx<'_>, timeouts: &mut Timeouts) {
        let mut own = Timeouts::new();
        self.limit(cx, &["harakiri", "t"], Key::Worker, &mut own);
        let Some(mut limit) = own.remove(&Key::Worker) else {
            return;
        };
        // Another request of the same process winds the clock up again. Measured with 2.0.31: with 4 threads and a limit
        // of 5 s, a request of 25 s was answered.
        if self.last(cx, &["threads", "gevent", "asyncio"]).is_some() {
            limit = Setting::unknown("with threads other requests put it off");
        }
        let router = timeouts.get(&Key::Worker).and_then(Setting::value);
        let counts = match (limit.value(), router) {
            (Some(Amount::Finite(0)), _) => false,
            (Some(own), Some(router)) => own < router,
            _ => true,
        };
        if counts {
            timeouts.insert(Key::Worker, limit);
        }
    }

    /// `chown-socket` gives its sockets away, else `uid` and `gid` make them. Measured with 2.0.21: a user alone leaves
    /// the group as it is.
    fn owned(&self, cx: &Cx<'_>, access: Option<Access>) -> Option<Access> {
        let access = access?;
        let last = |names: &[&str]| match self.all(cx, names).ok()?.last() {
            Some(text) => text.get().map(|name| Some(name.to_owned())),
            None => Some(None),
        };
        let (owner, group) = match last(&["chown-socket", "chown"])? {
            Some(given) => {
                // plain: `user:group`, of which neither holds a colon
                let mut names = given.splitn(2, ':').map(str::to_owned);
                (names.next(), names.next())
            }
            None => (last(&["uid"])?, last(&["gid"])?),
        };
        Some(Access {
            owner,
            group,
            ..access
        })
    }

    /// The mode of its sockets.
    fn mode(&self, cx: &Cx<'_>, program: &Program) -> Option<(u32, Option<Span>)> {
        let owner = ["umask", "emperor"];
        let own = self.all(cx, &owner).is_ok_and(|texts| texts.is_empty());
        let told = self.all(cx, &["chmod-socket", "C"]).ok()?;
        let Some(text) = told.last() else {
            return socket::default(program).filter(|_| own);
        };
        // Without a value it lets everybody in. Source: uWSGI options, chmod-socket.
        let mode = match text.get() {
            Some("" | "true") => 0o666,
            _ => socket::octal(text)?,
        };
        (own || mode & 0o002 != 0).then_some((mode, Some(text.span)))
    }

    /// Longer heads are dropped with the connection: "invalid request block size". Measured with 2.0.31.
    fn head(&self, cx: &Cx<'_>) -> Setting<Amount> {
        let told = self.last(cx, &["buffer-size", "b"]);
        told.unwrap_or_else(|| match &self.open {
            Some(why) => Setting::unknown(why.clone()),
            None => Setting::default_of(
                Amount::Finite(4096),
                "uwsgi",
                "",
                "uWSGI options, buffer-size",
            ),
        })
    }

    /// How many wait, and how many are served at a time.
    fn pool(&self, cx: &Cx<'_>, process: &mut Process) {
        if let Some(backlog) = self.last(cx, &["listen", "l"]) {
            for listener in &mut process.listeners {
                listener.backlog = Some(backlog.clone());
            }
        }
        process.head = Some(self.head(cx));
        // Threads and the asynchronous modes make more of a process than one request.
        let more = ["threads", "enable-threads", "gevent", "asyncio"];
        if self.last(cx, &more).is_none() {
            process.slots = self.last(cx, &["processes", "workers", "p"]);
        }
    }

    /// The last number that is said, if one is.
    fn last(&self, cx: &Cx<'_>, names: &[&str]) -> Option<Setting<Amount>> {
        match self.all(cx, names) {
            Ok(texts) => texts
                .last()
                .map(|text| duration(text, 1.0, Amount::Finite(0))),
            Err(why) => Some(Setting::unknown(why)),
        }
    }

    fn all(&self, cx: &Cx<'_>, names: &[&str]) -> Result<Vec<Text>, String> {
        let flags: Vec<String> = names
            .iter()
            .map(|name| {
                if name.len() == 1 {
                    format!("-{name}")
                } else {
                    format!("--{name}")
                }
            })
            .collect();
        let mut texts = Flags::new(&self.flags).all(&flags)?;
        let from_ini = self
            .ini
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()));
        texts.extend(from_ini.map(|(_, text)| text.clone()));
        let variables = names
            .iter()
            .filter(|name| name.len() > 1)
            .map(|name| format!("UWSGI_{}", name.replace('-', "_").to_ascii_uppercase()));
        texts.extend(variables.filter_map(|name| cx.env(&name)));
        if let (true, Some(why)) = (texts.is_empty(), &self.open) {
            return Err(why.clone());
        }
        Ok(texts)
    }
}
