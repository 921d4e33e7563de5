//! Jetty in its official image: `start.ini`, the files of `start.d` and the properties behind `start.jar`.

use super::Process;
use super::cx::{Cx, Read};
use super::serve;
use super::settle::{duration, listener};
use crate::model::knowledge::Program;
use crate::model::{Amount, Key, Protocol, Setting};
use crate::source::Span;
use crate::syntax::constant;
use crate::syntax::value::{Text, path};

/// Where the image keeps what a project puts in.
const BASE: &str = "/var/lib/jetty";

/// Whether a command line is the one of the image: `java … -jar /usr/local/jetty/start.jar`.
pub(super) fn starts(cx: &Cx<'_>, argv: &[Text]) -> bool {
    let mut words = argv.iter().filter_map(Text::get);
    super::tag(cx, "jetty").is_some() && words.any(|word| path::file_name(word) == "start.jar")
}

/// What files and properties say, over what the image does.
pub(super) fn told(cx: &mut Cx<'_>, program: &Program, process: &mut Process) {
    let base = match cx.env("JETTY_BASE") {
        None => BASE.to_owned(),
        Some(text) => match text.value {
            Ok(base) => base,
            Err(why) => return unknown(process, &why),
        },
    };
    let options = ["JAVA_OPTIONS", "JETTY_ARGS"].iter().find_map(|name| {
        let text = cx.env(name)?;
        text.get()
            .is_none_or(|value| value.contains("jetty."))
            .then_some(*name)
    });
    if let Some(name) = options {
        return unknown(process, &format!("{name} may set it"));
    }
    for file in ["etc/jetty.xml", "etc/jetty-http.xml"] {
        if matches!(cx.read(&format!("{base}/{file}")), Read::Text(..)) {
            return unknown(process, &format!("{file} may set it"));
        }
    }
    let mut properties = Vec::new();
    for file in files(cx, &base) {
        properties.extend(of_file(cx, &file));
    }
    for word in &process.argv {
        let Some(text) = word.get() else {
            return unknown(process, "its arguments are not plain");
        };
        // plain: the word has lost its quotes already
        if let Some((name, value)) = text.trim_start_matches("-D").split_once('=') {
            let value = Text {
                value: Ok(value.to_owned()),
                ..word.clone()
            };
            properties.push((name.to_owned(), value));
        }
    }
    let find = |name: &str| {
        let mut told = properties.iter().rev();
        told.find(|(key, _)| key == name)
            .map(|(_, text)| text.clone())
    };
    let (host, port) = (find("jetty.http.host"), find("jetty.http.port"));
    let host = host.filter(|text| text.get() != Some(""));
    if host.is_some() || port.is_some() {
        let bound = serve::host_and_port(cx, program, host.map(Ok), port.map(Ok), None);
        process.listeners = vec![listener(bound, Protocol::Http, program)];
    }
    if let Some(idle) = find("jetty.http.idleTimeout") {
        let idle = duration(&idle, 1.0, Amount::Infinite);
        process.timeouts.insert(Key::KeepaliveIdle, idle);
    }
    // Another module opens a port of its own.
    process.listeners_complete &= !properties
        .iter()
        .any(|(name, _)| name.starts_with("jetty.ssl."));
}

/// The files of the project that Jetty takes properties from, in its order.
fn files(cx: &mut Cx<'_>, base: &str) -> Vec<String> {
    let folder = format!("{base}/start.d");
    let names = cx.list(&folder).unwrap_or_default();
    let parts = names.into_iter().filter(|name| name.ends_with(".ini"));
    let parts = parts.map(|name| format!("{folder}/{name}"));
    [format!("{base}/start.ini")]
        .into_iter()
        .chain(parts)
        .collect()
}

fn of_file(cx: &mut Cx<'_>, file: &str) -> Vec<(String, Text)> {
    let Read::Text(id, text) = cx.read(file) else {
        return Vec::new();
    };
    let told = constant::settings(&text).into_iter().map(|entry| {
        let span = Span::new(id, entry.range.start, entry.range.end);
        let value = entry.value.trim_start_matches('=').trim();
        (entry.name.to_owned(), Text::known(value, span))
    });
    told.collect()
}

fn unknown(process: &mut Process, why: &str) {
    for listener in &mut process.listeners {
        listener.address = Setting::unknown(why);
    }
    process
        .timeouts
        .insert(Key::KeepaliveIdle, Setting::unknown(why));
}
