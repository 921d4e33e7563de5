//! The JVM: Spring Boot and Quarkus, told by flags, `-D` properties, variables and the settings files that a build packs
//! into the jar.

use super::Process;
use super::cx::{Cx, Read};
use super::flags::Flags;
use super::properties::Properties;
use super::serve;
use super::settle::{duration, listener};
use crate::model::knowledge::Program;
use crate::model::{Amount, Key, Protocol, Setting, Timeouts};
use crate::syntax::value::Text;

/// Where settings lie in a source tree and beside a jar, the strongest last.
const FOLDERS: [&str; 3] = ["src/main/resources/", "", "config/"];

/// `java … -jar app.jar`, if the tree says what runs in it.
pub(super) fn process(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let told = settings(cx);
    let quarkus = cx.known.program("quarkus")?;
    if super::fits(quarkus, argv) {
        return Some(quarkus_of(cx, quarkus, argv, &told));
    }
    let builds = dependencies(cx);
    let needs = |word: &str| builds.iter().any(|text| text.contains(word));
    if needs("quarkus") || told.has("quarkus.") {
        return Some(quarkus_of(cx, quarkus, argv, &told));
    }
    let spring = needs("spring-boot")
        || needs("springframework.boot")
        || told.has("spring.")
        || told.has("server.");
    if !spring {
        return None;
    }
    let tomcat = !["undertow", "starter-jetty", "webflux"]
        .iter()
        .any(|word| needs(word));
    let graceful = builds
        .iter()
        .find_map(|text| boot_version(text))
        .map(|version| version >= (3, 4));
    let program = cx.known.program(match graceful {
        Some(false) => "spring-boot-tomcat-legacy",
        _ => "spring-boot-tomcat",
    })?;
    let bound = address(cx, program, argv, &told, ["server.address", "server.port"]);
    let secure = told
        .get(cx, "server.ssl.key-store")
        .or(told.get(cx, "server.ssl.bundle"));
    let protocol = if secure.is_some() {
        Protocol::Https
    } else {
        Protocol::Http
    };
    let mut timeouts = Timeouts::new();
    if tomcat {
        timeouts = tomcat_limits(cx, program, &told, graceful == Some(true));
    }
    Some(serve::bare(
        cx,
        program,
        argv,
        vec![listener(bound, protocol, program)],
        timeouts,
    ))
}

fn quarkus_of(cx: &mut Cx<'_>, program: &Program, argv: &[Text], told: &Properties) -> Process {
    let names = ["quarkus.http.host", "quarkus.http.port"];
    let bound = address(cx, program, argv, told, names);
    let mut timeouts = serve::timeouts(cx, program, argv);
    if let Some(text) = told.get(cx, "quarkus.http.idle-timeout") {
        timeouts.insert(Key::KeepaliveIdle, spring_duration(text));
    }
    serve::bare(
        cx,
        program,
        argv,
        vec![listener(bound, Protocol::Http, program)],
        timeouts,
    )
}

fn settings(cx: &mut Cx<'_>) -> Properties {
    let mut told = Properties::default();
    let profile = cx.env("SPRING_PROFILES_ACTIVE");
    let profile = profile.map(|text| text.value.unwrap_or_default());
    for folder in FOLDERS {
        for kind in ["yml", "yaml", "properties"] {
            told.add(cx, &format!("{folder}application.{kind}"));
        }
        // plain: profiles are names with commas between
        for profile in profile.iter().flat_map(|list| list.split(',')) {
            for kind in ["yml", "yaml", "properties"] {
                told.add(
                    cx,
                    &format!("{folder}application-{}.{kind}", profile.trim()),
                );
            }
        }
    }
    told
}

/// The texts that name the libraries of a build.
fn dependencies(cx: &mut Cx<'_>) -> Vec<String> {
    let files = ["pom.xml", "build.gradle", "build.gradle.kts"];
    let texts = files.iter().filter_map(|path| match cx.source(path) {
        Read::Text(_, text) => Some(text),
        _ => None,
    });
    texts.collect()
}

/// Major and minor of Spring Boot, as `pom.xml` names its parent or Gradle its plugin.
fn boot_version(build: &str) -> Option<(u32, u32)> {
    // plain: the tags of a pom have no attributes here
    let version = match build.split_once("<artifactId>spring-boot-starter-parent</artifactId>") {
        // plain: the tags of a pom have no attributes here
        Some((_, rest)) => rest.split_once("</parent>")?.0.split_once("<version>")?.1,
        None => {
            // plain: a plugin and its version stand on one line, each in quotes
            let (_, rest) = build.split_once("org.springframework.boot")?;
            // plain: a plugin and its version stand on one line, each in quotes
            let mut words = rest.lines().next()?.split(['"', '\'']);
            words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?
        }
    };
    // plain: numbers with dots between
    let mut numbers = version.trim().split(['.', '<', '-']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Flags and `-D` before variables before files.
fn address(
    cx: &mut Cx<'_>,
    program: &Program,
    argv: &[Text],
    told: &Properties,
    [host, port]: [&str; 2],
) -> Setting<crate::model::Address> {
    let flags = Flags::new(&argv[1..]);
    let host = serve::told(cx, program, &flags, "host").or_else(|| told.get(cx, host));
    let written = serve::told(cx, program, &flags, "port");
    let by_flag = flags.has(program.flags("port"));
    let options = ["JAVA_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"];
    let hidden = options.iter().any(|name| {
        let text = cx.env(name);
        text.is_some_and(|text| text.get().is_none_or(|text| text.contains(port)))
    });
    if hidden && !by_flag {
        return Setting::unknown("the JVM's options may set the port");
    }
    let number = written.or_else(|| told.get(cx, port));
    serve::host_and_port(cx, program, host, number, Some(String::new()))
}

fn tomcat_limits(cx: &Cx<'_>, program: &Program, told: &Properties, by_default: bool) -> Timeouts {
    let mut timeouts = Timeouts::new();
    let variables = [
        "SERVER_TOMCAT_KEEPALIVETIMEOUT",
        "SERVER_TOMCAT_KEEP_ALIVE_TIMEOUT",
    ];
    let set = variables.iter().find_map(|name| cx.env(name)).map(Ok);
    let keep = set
        .or_else(|| told.get(cx, "server.tomcat.keep-alive-timeout"))
        .or_else(|| told.get(cx, "server.tomcat.connection-timeout"))
        .map(spring_duration);
    let assumed = || {
        let number = program.number("keepalive_idle_s")?;
        let amount = super::settle::amount(number);
        Some(Setting::assumed(amount, &program.label, "", number.source))
    };
    if let Some(keep) = keep.or_else(assumed) {
        timeouts.insert(Key::KeepaliveIdle, keep);
    }
    let shutdown = cx.env("SERVER_SHUTDOWN").map(Ok);
    let shutdown = shutdown.or_else(|| told.get(cx, "server.shutdown"));
    let graceful = match shutdown {
        Some(text) => text.is_ok_and(|text| text.get() == Some("graceful")),
        None => by_default,
    };
    if graceful {
        let phase = told.get(cx, "spring.lifecycle.timeout-per-shutdown-phase");
        let assumed = || {
            let source = "LifecycleProperties of Spring Boot: 30 s per phase";
            Setting::assumed(Amount::Finite(30_000), &program.label, "", source)
        };
        let grace = phase.map_or_else(assumed, spring_duration);
        timeouts.insert(Key::Grace, grace);
    }
    timeouts
}

/// `75s`, `PT75S`, or milliseconds.
fn spring_duration(text: Result<Text, String>) -> Setting<Amount> {
    let text = match text {
        Ok(text) => text,
        Err(why) => return Setting::unknown(why),
    };
    let raw = text.get().unwrap_or("").to_ascii_lowercase();
    if raw.starts_with(|c: char| c.is_ascii_digit())
        && let Some(ms) = crate::syntax::value::quantity::duration_ms(raw.trim_start_matches("pt"))
        && raw.ends_with(|c: char| c.is_ascii_alphabetic())
    {
        return super::settle::said(Amount::Finite(ms), &text);
    }
    if let Some(ms) = raw
        .strip_prefix("pt")
        .and_then(crate::syntax::value::quantity::duration_ms)
    {
        return super::settle::said(Amount::Finite(ms), &text);
    }
    duration(&text, 1.0, Amount::Infinite)
}
