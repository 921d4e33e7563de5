//! Node.js, Bun and Deno: the framework says how long connections are kept, the source where it listens. `PORT` proves
//! nothing by itself: it moves only a program that reads it.

use super::Process;
use super::cx::{Cx, basename};
use super::flags::Flags;
use super::launch::{Line, Started, is_source, skip};
use super::package::Package;
use super::serve;
use super::settle::{listener, said};
use super::source::{self, Kind};
use crate::model::knowledge::Program;
use crate::model::{Amount, Key, Protocol, Setting, Timeouts};
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
    let package = Package::here(cx).ok().map(|(_, _, package)| package);
    let file = rest.first().and_then(|word| word.get().map(str::to_owned));
    let file = file.map(|file| match (file.as_str(), &package) {
        (
            "." | "./",
            Some(Package {
                main: Some(main), ..
            }),
        ) => main.clone(),
        ("." | "./", _) => "index.js".to_owned(),
        _ => file,
    });
    load_files(cx, argv);
    let program = program(cx, &runner, file.as_deref(), package.as_ref())?;
    if program.listen.is_some() && !program.env.is_empty() {
        return Some(serve::process(cx, program, argv));
    }
    let version = version(cx);
    let needs = |name: &str| package.as_ref().is_some_and(|package| package.needs(name));
    let kind = Kind {
        fastify: program.name == "fastify" || needs("@nestjs/platform-fastify"),
        dotenv: runner == "bun" || needs("dotenv") || needs("@nestjs/config"),
    };
    let said = match &file {
        Some(file) => source::read(cx, file, kind),
        None => source::Said::unknown(format!("what {runner} runs is not plain")),
    };
    let mut process = serve::bare(
        cx,
        program,
        argv,
        vec![listener(said.address, Protocol::Http, program)],
        Timeouts::new(),
    );
    process.listeners_complete = said.complete;
    process.timeouts = timeouts(cx, program, version.as_ref());
    if let Some(keep) = said.keep_alive {
        process.timeouts.insert(Key::KeepaliveIdle, keep);
    }
    if let Some(version) = version {
        process.version = version;
    }
    Some(process)
}

/// Variables of the files that the runner is told to read, the last one first: it wins.
fn load_files(cx: &mut Cx<'_>, argv: &[Text]) {
    let names = ["--env-file", "--env-file-if-exists"].map(str::to_owned);
    match Flags::new(&argv[1..]).all(&names) {
        Ok(files) => {
            for file in files.iter().rev() {
                match file.get() {
                    Some(path) => source::load_env(cx, path),
                    None => cx.open("a file of variables may set it"),
                }
            }
        }
        Err(why) => cx.open(&why),
    }
    if argv.iter().any(|word| word.get() == Some("dotenv/config")) {
        source::load_env(cx, ".env");
    }
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
    // The build of Next.js makes the server that it starts.
    let built = file.and_then(|file| cx.files.taken_from(&cx.absolute(file)));
    let is_next = built.is_some_and(|path| path.contains("/.next/standalone/"));
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
        _ if is_next => "next-standalone",
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
    let kind = Kind {
        fastify: false,
        dotenv: false,
    };
    let address = source::read(cx, &file, kind).address;
    let timeouts = serve::timeouts(cx, program, &[]);
    Some(serve::bare(
        cx,
        program,
        argv,
        vec![listener(address, Protocol::Http, program)],
        timeouts,
    ))
}
