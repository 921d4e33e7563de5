//! Node.js, Bun and Deno: the framework says how long connections are kept, the source where it listens. `PORT` proves
//! nothing by itself: it moves only a program that reads it.

use super::Process;
use super::constants::Constants;
use super::cx::{Cx, Read, basename};
use super::flags::Flags;
use super::launch::{Line, Started, is_source, skip};
use super::package::Package;
use super::serve;
use super::settle::{self, listener, port_of, said};
use crate::model::knowledge::Program;
use crate::model::{Address, Amount, Bind, Key, Protocol, Setting, Timeouts};
use crate::source::{FileId, Span};
use crate::syntax::constant::{self, Expression};
use crate::syntax::value::Text;

/// Whether a program's name is a runner of JavaScript sources.
pub(super) fn runs_sources(name: &str) -> bool {
    matches!(
        name,
        "node" | "nodejs" | "nodemon" | "ts-node" | "ts-node-dev" | "tsx" | "bun" | "deno"
    )
}

/// Flags of the runners that take a value; node and tsx know the first nine.
const VALUED: [&str; 16] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "--env-file",
    "-P",
    "--project",
    "--watch-path",
    "--watch",
    "-w",
    "-e",
    "--ext",
    "-i",
    "--instances",
    "--name",
];

/// The process of `node [flags] file`.
pub(super) fn process(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let runner = basename(argv.first()?.get()?).to_owned();
    let valued = if runner == "node" || runner == "tsx" {
        &VALUED[..9]
    } else {
        &VALUED[..]
    };
    let mut rest = skip(&argv[1..], valued);
    while rest
        .first()
        .and_then(Text::get)
        .is_some_and(|word| matches!(word, "watch" | "start" | "run"))
    {
        rest = skip(&rest[1..], valued);
    }
    let file = rest.first().and_then(|word| word.get().map(str::to_owned));
    let package = Package::here(cx).ok().map(|(_, _, package)| package);
    let program = program(cx, &runner, file.as_deref(), package.as_ref())?;
    if program.listen.is_some() && !program.env.is_empty() {
        return Some(serve::process(cx, program, argv));
    }
    let version = version(cx);
    let found = file
        .as_deref()
        .map(|file| find(cx, file, program.name == "fastify"));
    let address = match found {
        Some(Found::Address(address)) => address,
        Some(Found::Unknown(why)) => Setting::unknown(why),
        None => Setting::unknown(format!("what {runner} runs is not plain")),
    };
    let mut process = serve::bare(
        cx,
        program,
        argv,
        vec![listener(address, Protocol::Http, program)],
        Timeouts::new(),
    );
    process.timeouts = timeouts(cx, program, version.as_ref());
    if let Some(version) = version {
        process.version = version;
    }
    Some(process)
}

/// The row of the tables: the framework that package.json names, else the runtime and its version.
fn program<'a>(
    cx: &Cx<'a>,
    runner: &str,
    file: Option<&str>,
    package: Option<&Package>,
) -> Option<&'a Program> {
    if runner == "bun" {
        return cx.known.program("bun-serve");
    }
    if runner == "deno" {
        return cx.known.program("deno-serve");
    }
    let file = file.map(|file| file.trim_start_matches("./"));
    let needs = |name: &str| package.is_some_and(|package| package.needs(name));
    let name = match file {
        Some(".output/server/index.mjs") => "nuxt-nitro",
        Some("dist/server/entry.mjs") => "astro-node",
        Some("build" | "build/index.js")
            if package.is_some_and(|p| p.dev.contains_key("@sveltejs/adapter-node")) =>
        {
            "sveltekit-node"
        }
        Some("server.js" | ".next/standalone/server.js") if needs("next") => "next-standalone",
        _ if needs("@nestjs/core") => "nestjs",
        _ if needs("fastify") => "fastify",
        _ if needs("express") => "express",
        _ if needs("hono") => "hono-node-server",
        _ => match major(cx) {
            Some(..20) => "node-http",
            Some(27..) => "node-http-27",
            _ => "node-http-20",
        },
    };
    cx.known.program(name)
}

/// Node's major version by the image that runs or is built on.
fn major(cx: &Cx<'_>) -> Option<u32> {
    let tag = super::tag(cx, "node")?;
    // plain: a tag is letters, digits, `.`, `_` and `-`
    tag.split(['.', '-']).next()?.parse().ok()
}

fn version(cx: &Cx<'_>) -> Option<Setting<String>> {
    let major = major(cx)?;
    let image = cx.launch.image.as_ref()?;
    Some(said(major.to_string(), image))
}

/// Any code can set `keepAliveTimeout`, so a default is never certain; below Node 20 it is a second less.
fn timeouts(cx: &Cx<'_>, program: &Program, version: Option<&Setting<String>>) -> Timeouts {
    let mut timeouts = serve::timeouts(cx, program, &[]);
    if program.own {
        return timeouts;
    }
    let framework = matches!(
        program.name.as_str(),
        "express" | "hono-node-server" | "nestjs"
    );
    let old = version
        .and_then(Setting::value)
        .and_then(|major| major.parse().ok())
        .is_some_and(|major: u32| major < 20);
    let keep = timeouts
        .get(&Key::KeepaliveIdle)
        .and_then(Setting::value)
        .copied();
    if let Some(keep) = keep {
        let keep = if framework && old {
            Amount::Finite(5000)
        } else {
            keep
        };
        let runtime = version
            .and_then(Setting::value)
            .cloned()
            .unwrap_or_default();
        let setting = Setting::assumed(keep, &program.label, &runtime, &program.source);
        timeouts.insert(Key::KeepaliveIdle, setting);
    }
    if let Some(worker) = timeouts.get(&Key::Worker).and_then(Setting::value).copied() {
        let setting = Setting::assumed(worker, &program.label, "", &program.source);
        timeouts.insert(Key::Worker, setting);
    }
    timeouts
}

/// What a source says of its port.
enum Found {
    Address(Setting<Address>),
    Unknown(String),
}

/// Looks for the one plain call in the source that opens a port.
fn find(cx: &mut Cx<'_>, file: &str, fastify: bool) -> Found {
    let mut paths = vec![file.to_owned()];
    if !file.contains('.') {
        paths.extend([format!("{file}.js"), format!("{file}/index.js")]);
    }
    // What is built from TypeScript by the usual layout.
    // plain: a path has no quotes
    if let Some((_, name)) = file.trim_start_matches("./").split_once("dist/") {
        let stem = name.strip_suffix(".js").unwrap_or(name);
        paths.push(format!("src/{stem}.ts"));
    }
    for path in paths {
        if let Read::Text(id, text) = cx.source(&path) {
            return call(cx, id, &text, &path, fastify);
        }
    }
    Found::Unknown(format!("{file} is not in the tree"))
}

fn call(cx: &Cx<'_>, id: FileId, text: &str, path: &str, fastify: bool) -> Found {
    let constants = Constants::python(id, text);
    let calls: Vec<_> = constant::calls(text)
        .into_iter()
        .filter(|call| {
            matches!(
                call.opener.as_str(),
                ".listen(" | "Bun.serve(" | "Deno.serve("
            )
        })
        .collect();
    let [call] = &calls[..] else {
        return Found::Unknown(format!("{path} opens its port in a way that is not plain"));
    };
    let span = Span::new(id, call.range.start, call.range.end);
    let by_name = |name: &str| {
        call.arguments
            .iter()
            .find(|(key, _)| key.as_deref() == Some(name))
            .map(|(_, value)| value)
    };
    let named = by_name("port");
    let first = call
        .arguments
        .first()
        .filter(|(key, _)| key.is_none())
        .map(|(_, value)| value);
    // `{ port }` is short for `{ port: port }`.
    let Some(port) = named.or(first) else {
        return Found::Unknown(format!("the port in {path} is not plain"));
    };
    let port = constants.text(cx, Some(port), span, 8);
    let number = match port_of(&port) {
        Ok(number) => number,
        Err(why) => return Found::Unknown(why),
    };
    let second = call
        .arguments
        .get(1)
        .filter(|(key, value)| key.is_none() && matches!(value, Expression::Text(_)))
        .map(|(_, value)| value);
    let host = by_name("host")
        .or_else(|| by_name("hostname"))
        .or(if named.is_none() { second } else { None });
    let bind = match host {
        Some(host) => match constants.text(cx, Some(host), span, 8).value {
            Ok(host) => settle::bind_of(&host),
            Err(why) => Bind::Unknown(why),
        },
        // Without a host Node listens on all addresses; fastify alone stays on loopback.
        None if fastify && named.is_some() && call.complete => Bind::Loopback,
        None if call.opener == ".listen(" && !fastify => Bind::Any,
        None => Bind::Unknown("the host is not plain".to_owned()),
    };
    Found::Address(said(Address::Tcp { bind, port: number }, &port))
}

/// A runner of sources, kept as it is.
pub(super) fn kept(cx: &Cx<'_>, argv: Vec<Text>) -> Started {
    Started::Lines(vec![Line::new(cx, argv)])
}

/// Whether a word is a JavaScript or TypeScript source.
pub(super) fn is_script(word: &str) -> bool {
    ["js", "mjs", "cjs", "ts"]
        .iter()
        .any(|end| is_source(word, end))
}

/// Whether flags hold a port at all.
pub(super) fn deno(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("deno-serve")?;
    if argv.get(1).and_then(Text::get) == Some("serve") {
        return Some(serve::process(cx, program, argv));
    }
    let flags = Flags::new(&argv[1..]);
    let file = flags
        .positional()
        .filter_map(Text::get)
        .find(|word| is_script(word))?
        .to_owned();
    let address = match find(cx, &file, false) {
        Found::Address(address) => address,
        Found::Unknown(why) => Setting::unknown(why),
    };
    let timeouts = serve::timeouts(cx, program, &[]);
    Some(serve::bare(
        cx,
        program,
        argv,
        vec![listener(address, Protocol::Http, program)],
        timeouts,
    ))
}
