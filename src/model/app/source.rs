//! Sources in JavaScript and TypeScript: the one plain call that opens a port, in the file that is started or in one that
//! it takes in, and how long idle connections are kept. Whatever is computed is unknown.

use super::constants::Constants;
use super::cx::{Cx, Read};
use super::settle::{self, port_of, said};
use crate::model::{Address, Amount, Bind, Setting};
use crate::source::{FileId, Span};
use crate::syntax::constant::{self, Call, Expression, Language};
use crate::syntax::value::{Text, env_file, path};

/// So many files are looked at before a program counts as not plain.
const MOST: usize = 24;

/// A longer source (bytes) is a bundle, which nobody wrote: whose port one of its many calls opens is not plain in it.
const LONGEST: usize = 1024 * 1024;

/// What decides how a source is read.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Without a host it stays on loopback.
    pub(super) fastify: bool,
    /// Something puts `.env` into the environment.
    pub(super) dotenv: bool,
}

/// What the sources say.
pub(super) struct Said {
    /// Where they listen.
    pub(super) address: Setting<Address>,
    /// Whether every file that they take in was read.
    pub(super) complete: bool,
    /// For how long they keep an idle connection, if they say so.
    pub(super) keep_alive: Option<Setting<Amount>>,
}

impl Said {
    /// Nothing, and why.
    pub(super) fn unknown(why: String) -> Self {
        Self {
            address: Setting::unknown(why),
            complete: true,
            keep_alive: None,
        }
    }
}

/// One source, with blanks for its comments.
struct Source {
    id: FileId,
    path: String,
    bare: String,
}

/// Reads what is started by a path.
pub(super) fn read(cx: &mut Cx<'_>, file: &str, kind: Kind) -> Said {
    let entry = match open(cx, &candidates(file)) {
        Some(Ok(entry)) => entry,
        Some(Err(why)) => return Said::unknown(why),
        None => return Said::unknown(format!("{file} is not in the tree")),
    };
    let (sources, complete) = with_imports(cx, entry);
    let mut found = sources.iter().flat_map(|source| {
        let calls = calls(&source.bare).into_iter();
        calls.map(move |call| (source, call))
    });
    if kind.dotenv || sources.iter().any(|source| source.bare.contains("dotenv")) {
        load_env(cx, ".env");
    }
    let keep_alive = keep_alive(cx, &sources);
    let address = match (found.next(), found.next()) {
        (Some((source, call)), None) => address(cx, source, &call, kind),
        _ => {
            let path = &sources[0].path;
            Setting::unknown(format!("{path} opens its port in a way that is not plain"))
        }
    };
    Said {
        address,
        complete,
        keep_alive,
    }
}

/// Adds what a file of variables says, where nothing is set yet.
pub(super) fn load_env(cx: &mut Cx<'_>, file: &str) {
    match cx.read(file) {
        Read::Text(id, text) => {
            for line in env_file::env_file(id, &text) {
                let Some(value) = line.value.filter(|_| cx.env(&line.name.value).is_none()) else {
                    continue;
                };
                let text = if value.text.contains('$') {
                    super::cx::unknown(format!("{file} puts it together"), value.span)
                } else {
                    Text::known(value.text, value.span)
                };
                cx.set(&line.name.value, text);
            }
        }
        Read::Unknown(_) => cx.open(&format!("{file} may set it")),
        Read::Absent => {}
    }
}

/// The paths by which Node finds a file, and the source that a usual layout builds it from.
fn candidates(file: &str) -> Vec<String> {
    let mut paths = vec![file.to_owned()];
    let name = path::file_name(file);
    if !name.contains('.') {
        for end in [".js", ".ts", ".mjs", ".cjs", "/index.js", "/index.ts"] {
            paths.push(format!("{file}{end}"));
        }
    }
    for (built, written) in [(".js", ".ts"), (".mjs", ".mts"), (".js", ".tsx")] {
        paths.extend(
            file.strip_suffix(built)
                .map(|stem| format!("{stem}{written}")),
        );
    }
    // plain: a path has no quotes
    for folder in ["dist/", "build/"] {
        // plain: as above
        if let Some((_, name)) = file.trim_start_matches("./").split_once(folder) {
            let stem = name.strip_suffix(".js").unwrap_or(name);
            paths.push(format!("src/{stem}.ts"));
        }
    }
    paths
}

/// The first of some paths that is there; why it is not read, if it is too long.
fn open(cx: &mut Cx<'_>, paths: &[String]) -> Option<Result<Source, String>> {
    paths.iter().find_map(|path| match cx.source(path) {
        Read::Text(_, text) if text.len() > LONGEST => {
            Some(Err(format!("{path} is a bundle, which is not read")))
        }
        Read::Text(id, text) => Some(Ok(Source {
            id,
            path: path.clone(),
            bare: constant::without_comments(Language::Script, &text),
        })),
        _ => None,
    })
}

/// A file that opens a port itself; if it does not, what it takes in as well. Whether all of that was read.
fn with_imports(cx: &mut Cx<'_>, entry: Source) -> (Vec<Source>, bool) {
    let mut sources = vec![entry];
    let mut complete = true;
    if !calls(&sources[0].bare).is_empty() {
        return (sources, complete);
    }
    let mut at = 0;
    while at < sources.len() {
        let folder = path::folder(&sources[at].path).to_owned();
        let imports = constant::imports(&sources[at].bare).into_iter();
        let own = imports.filter(|name| name.starts_with("./") || name.starts_with("../"));
        for name in own.collect::<Vec<_>>() {
            if name.ends_with(".json") || name.ends_with(".css") {
                continue;
            }
            let joined = beside(&folder, &name);
            if sources
                .iter()
                .any(|source| candidates(&joined).contains(&source.path))
            {
                continue;
            }
            match open(cx, &candidates(&joined)) {
                Some(Ok(source)) if sources.len() < MOST => sources.push(source),
                _ => complete = false,
            }
        }
        at += 1;
    }
    (sources, complete)
}

/// A path from a folder on, relative where the folder is.
fn beside(folder: &str, name: &str) -> String {
    let whole = path::absolute(&format!("/{folder}/{name}"));
    if folder.starts_with('/') {
        whole
    } else {
        whole.trim_start_matches('/').to_owned()
    }
}

fn calls(text: &str) -> Vec<Call> {
    let openers = [".listen(", "Bun.serve(", "Deno.serve("];
    let mut calls = constant::calls(text);
    calls.retain(|call| openers.contains(&call.opener.as_str()));
    calls
}

fn address(cx: &Cx<'_>, source: &Source, call: &Call, kind: Kind) -> Setting<Address> {
    let constants = Constants::source(source.id, &source.bare, Language::Script);
    let span = Span::new(source.id, call.range.start, call.range.end);
    let by_name = |name: &str| {
        let mut named = call.arguments.iter();
        named
            .find(|(key, _)| key.as_deref() == Some(name))
            .map(|(_, value)| value)
    };
    let by_place = |at: usize| {
        let (key, value) = call.arguments.get(at)?;
        key.is_none().then_some(value)
    };
    let path = &source.path;
    // `{ port }` is short for `{ port: port }`.
    let Some(port) = by_name("port").or_else(|| by_name("path")).or(by_place(0)) else {
        return Setting::unknown(format!("the port in {path} is not plain"));
    };
    let of_function = |value: &Expression| {
        let Expression::Name(name, _) = value else {
            return false;
        };
        constant::is_parameter(&source.bare, name)
    };
    if of_function(port) {
        return Setting::unknown(format!("the port in {path} is what a function is given"));
    }
    let port = constants.text(cx, Some(port), span, 8);
    if let Some(socket) = port.get().filter(|text| text.starts_with('/')) {
        return said(settle::socket(cx, socket), &port);
    }
    let number = match port_of(&port) {
        Ok(number) => number,
        Err(why) => return Setting::unknown(why),
    };
    let host = by_name("host").or_else(|| by_name("hostname"));
    let host = host.or_else(|| by_place(1).filter(|value| is_host(value, &source.bare)));
    let bind = match host {
        Some(host) if of_function(host) => {
            Bind::Unknown(format!("the host in {path} is what a function is given"))
        }
        Some(host) => match constants.text(cx, Some(host), span, 8).value {
            Ok(host) => settle::bind_of(&host),
            Err(why) => Bind::Unknown(why),
        },
        None if hides_host(call, &source.bare) => Bind::Unknown("the host is not plain".to_owned()),
        // Without a host Node, Bun and Deno listen on all addresses; fastify alone stays on loopback.
        None if kind.fastify => Bind::Loopback,
        None => Bind::Any,
    };
    said(Address::Tcp { bind, port: number }, &port)
}

/// Whether a second argument is a host: a number is a queue's length, and a function is called back.
fn is_host(value: &Expression, text: &str) -> bool {
    match value {
        Expression::Number(_) | Expression::List(_) => false,
        Expression::Name(name, _) => !text.contains(&format!("function {name}")),
        _ => true,
    }
}

/// Whether a host may stand in the part of a call that is not plain.
fn hides_host(call: &Call, text: &str) -> bool {
    if call.complete {
        return false;
    }
    let braced = text[call.range.start + call.opener.len()..]
        .trim_start()
        .starts_with('{');
    if braced || call.opener != ".listen(" {
        return text.contains("host");
    }
    let rest = text[call.range.end..].trim_start();
    let Some(rest) = rest.strip_prefix(',').map(str::trim_start) else {
        return true;
    };
    let name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let called_back = ["(", "async", "function"]
        .iter()
        .any(|start| rest.starts_with(start))
        || name.trim_start().starts_with("=>");
    !called_back || call.arguments.len() != 1
}

/// `server.keepAliveTimeout`, if the sources set it in one way.
fn keep_alive(cx: &Cx<'_>, sources: &[Source]) -> Option<Setting<Amount>> {
    let mut found: Option<Setting<Amount>> = None;
    for source in sources {
        let constants = Constants::source(source.id, &source.bare, Language::Script);
        for (value, range) in constant::keep_alives(&source.bare) {
            let span = Span::new(source.id, range.start, range.end);
            // A client's pool has an option of the same name.
            let of_client = source.bare.contains("Agent(") || source.bare.contains("Pool(");
            let next = if of_client {
                Setting::unknown(format!("{} sets several keepAliveTimeout", source.path))
            } else {
                let text = constants.text(cx, value.as_ref(), span, 8);
                settle::duration(&text, 1.0, Amount::Infinite)
            };
            found = Some(match found {
                Some(before) if before.value() != next.value() => {
                    Setting::unknown(format!("{} sets several keepAliveTimeout", source.path))
                }
                _ => next,
            });
        }
    }
    found
}
