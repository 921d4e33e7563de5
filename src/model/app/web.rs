//! Web servers whose own config says where they listen: Apache, Tomcat and Caddy. A config of the project replaces what
//! the image would do; without one the image's own holds, as far as it is known.

use super::Process;
use super::cx::{Cx, Read};
use super::flags::Flags;
use super::settle::{self, address, duration, listener, said};
use super::{image, others, serve};
use crate::model::knowledge::Program;
use crate::model::{Amount, Bind, Key, Listener, Protocol, Setting};
use crate::source::{FileId, Span};
use crate::syntax::constant::{self, Tag};
use crate::syntax::value::Text;

/// Files of Apache that say where it listens and for how long it keeps a connection.
const APACHE: [&str; 3] = [
    "/usr/local/apache2/conf/httpd.conf",
    "/etc/apache2/ports.conf",
    "/etc/apache2/apache2.conf",
];

const CADDYFILE: &str = "/etc/caddy/Caddyfile";
const TOMCAT: &str = "/usr/local/tomcat/conf/server.xml";

/// A program that is told by its config alone; `None` if it is none of them.
pub(super) fn configured(cx: &mut Cx<'_>, fitting: &Program, argv: &[Text]) -> Option<Process> {
    if !fitting.is_configured() {
        return None;
    }
    let mut process = match image::process(cx, &[]) {
        Ok(process) if process.program == fitting.name => Process {
            argv: argv.to_vec(),
            span: serve::span(cx, argv),
            ..process
        },
        _ => others::configured(cx, &fitting.name, argv)?,
    };
    told(cx, fitting, &mut process);
    Some(process)
}

/// What the project's own config says, over what the image would do.
pub(super) fn told(cx: &mut Cx<'_>, program: &Program, process: &mut Process) {
    match program.name.as_str() {
        name if name.starts_with("apache-httpd") => apache(cx, program, process),
        "tomcat" => tomcat(cx, program, process),
        "caddy" => caddyfile(cx, program, CADDYFILE, process),
        "jetty" if super::tag(cx, "jetty").is_some() => super::jetty::told(cx, program, process),
        "traefik" => super::traefik::told(cx, program, process),
        _ => {}
    }
}

fn apache(cx: &mut Cx<'_>, program: &Program, process: &mut Process) {
    let mut listeners = Vec::new();
    let (mut seen, mut closes, mut complete) = (false, false, true);
    for path in APACHE {
        let Read::Text(id, text) = cx.read(path) else {
            continue;
        };
        seen = true;
        for entry in constant::settings(&text) {
            let span = Span::new(id, entry.range.start, entry.range.end);
            // plain: a directive's words have no quotes around blanks here
            let mut words = entry.value.split_whitespace();
            let first = words.next().unwrap_or("").trim_matches('"');
            let told = Text::known(first, span);
            match entry.name.to_ascii_lowercase().as_str() {
                // Inside `<IfModule>` nobody knows whether it counts.
                "listen" if entry.indented => complete = false,
                "listen" => {
                    let bound = address(cx, &told, Some(80), &Bind::Any);
                    let secure = words.next() == Some("https")
                        || bound.value().and_then(crate::model::Address::port) == Some(443);
                    let protocol = if secure {
                        Protocol::Https
                    } else {
                        Protocol::Http
                    };
                    listeners.push(listener(bound, protocol, program));
                }
                "include" | "includeoptional" => complete = false,
                "keepalive" => closes = first.eq_ignore_ascii_case("off"),
                "keepalivetimeout" => {
                    let keep = duration(&told, 1000.0, Amount::Finite(0));
                    process.timeouts.insert(Key::KeepaliveIdle, keep);
                }
                _ => {}
            }
            if closes && entry.name.eq_ignore_ascii_case("keepalive") {
                process
                    .timeouts
                    .insert(Key::KeepaliveIdle, said(Amount::Finite(0), &told));
            }
        }
    }
    if !listeners.is_empty() {
        process.listeners = listeners;
        process.listeners_complete = complete;
    } else if seen && matches!(cx.read(APACHE[0]), Read::Text(..)) {
        // The main file is the project's, and what it includes says where Apache listens.
        process.listeners = Vec::new();
        process.listeners_complete = false;
    }
}

fn tomcat(cx: &mut Cx<'_>, program: &Program, process: &mut Process) {
    let Read::Text(id, text) = cx.read(TOMCAT) else {
        return;
    };
    process.listeners = Vec::new();
    process.listeners_complete = true;
    for tag in constant::tags(&text)
        .iter()
        .filter(|tag| tag.name == "Connector")
    {
        let attribute = Attributes { id, tag };
        if attribute
            .get("protocol")
            .is_some_and(|text| text.get().is_some_and(|text| text.contains("AJP")))
        {
            process.listeners_complete = false;
            continue;
        }
        let secure = attribute
            .get("SSLEnabled")
            .is_some_and(|text| text.get() == Some("true"));
        let protocol = if secure {
            Protocol::Https
        } else {
            Protocol::Http
        };
        let port = attribute.get("port").map(Ok);
        let host = attribute.get("address").map(Ok);
        let bound = serve::host_and_port(cx, program, host, port, None);
        process.listeners.push(listener(bound, protocol, program));
        let keep = attribute
            .get("keepAliveTimeout")
            .or(attribute.get("connectionTimeout"));
        let keep = match keep {
            Some(text) => duration(&text, 1.0, Amount::Finite(0)),
            None => {
                let bare = cx.known.program("tomcat-embedded");
                let number = bare.and_then(|bare| serve::number(cx, bare, "keepalive_idle_s"));
                number.unwrap_or_else(|| Setting::unknown("the connector sets no timeout"))
            }
        };
        process.timeouts.insert(Key::KeepaliveIdle, keep);
    }
}

/// The attributes of one tag.
struct Attributes<'a> {
    id: FileId,
    tag: &'a Tag<'a>,
}

impl Attributes<'_> {
    fn get(&self, name: &str) -> Option<Text> {
        let (_, value) = self.tag.attributes.iter().find(|(key, _)| *key == name)?;
        let span = Span::new(self.id, self.tag.range.start, self.tag.range.end);
        Some(if value.contains("${") {
            super::cx::unknown("Tomcat fills it in when it starts", span)
        } else {
            Text::known(*value, span)
        })
    }
}

/// `caddy run --config FILE`, or the image as it is.
pub(super) fn caddy(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("caddy")?;
    let mut process = match image::process(cx, &[]) {
        Ok(process) if process.program == program.name => process,
        _ => others::configured(cx, "caddy", argv)?,
    };
    let flags = Flags::new(argv.get(1..).unwrap_or(&[]));
    match flags.get(&["--config".to_owned(), "-c".to_owned()]) {
        Ok(None) => {
            caddyfile(cx, program, "Caddyfile", &mut process);
            caddyfile(cx, program, CADDYFILE, &mut process);
        }
        Ok(Some(Text {
            value: Ok(path), ..
        })) => caddyfile(cx, program, &path, &mut process),
        Ok(Some(Text { value: Err(_), .. })) | Err(_) => {
            process.listeners = Vec::new();
            process.listeners_complete = false;
        }
    }
    Some(process)
}

/// What a Caddyfile of the project says, if it is there.
fn caddyfile(cx: &mut Cx<'_>, program: &Program, path: &str, process: &mut Process) {
    let Read::Text(id, text) = cx.read(path) else {
        return;
    };
    process.listeners = sites(cx, program, id, &text);
    process.listeners_complete = !process.listeners.is_empty() && !text.contains("import ");
    process.timeouts = serve::timeouts(cx, program, &[]);
    if text.contains("timeouts") {
        let why = format!("{path} sets timeouts");
        process
            .timeouts
            .insert(Key::KeepaliveIdle, Setting::unknown(why));
    }
}

/// The addresses of the sites. A `{` ends its line in a Caddyfile, and a `}` stands alone on one.
fn sites(cx: &Cx<'_>, program: &Program, id: FileId, text: &str) -> Vec<Listener> {
    let mut depth = 0_usize;
    let mut heads: Vec<(usize, &str)> = Vec::new();
    let mut first = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        let at = start + line.len() - line.trim_start().len();
        start += line.len();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        if bare == "}" {
            depth = depth.saturating_sub(1);
        } else if let Some(head) = bare.strip_suffix('{') {
            // A block without a name holds global options, one in parentheses is a snippet.
            if depth == 0 && !head.trim().is_empty() && !head.starts_with('(') {
                heads.push((at, head.trim_end()));
            }
            depth += 1;
        } else if depth == 0 {
            first = first.or(Some((at, bare)));
        }
    }
    // A file of one site needs no braces.
    if heads.is_empty() {
        heads.extend(first);
    }
    let mut listeners: Vec<Listener> = Vec::new();
    let moved = text.contains("auto_https") || text.contains("bind ") || text.contains("http_port");
    for (at, head) in heads {
        let span = Span::new(id, at, at + head.len());
        // plain: addresses of a site have commas or blanks between them, and no quotes
        for site in head.split([',', ' ']).filter(|site| !site.is_empty()) {
            let made = if moved || site.contains("{$") {
                vec![(
                    Setting::unknown("the Caddyfile's options decide it"),
                    Protocol::Http,
                )]
            } else {
                site_ports(cx, site, span)
            };
            for (bound, protocol) in made {
                if listeners
                    .iter()
                    .all(|other| other.address.value() != bound.value() || bound.value().is_none())
                {
                    listeners.push(listener(bound, protocol, program));
                }
            }
        }
    }
    listeners
}

/// What one site address opens: a named site is https, with a redirect on port 80.
fn site_ports(
    cx: &Cx<'_>,
    site: &str,
    span: Span,
) -> Vec<(Setting<crate::model::Address>, Protocol)> {
    let open = |port: u16| {
        let address = crate::model::Address::Tcp {
            bind: Bind::Any,
            port,
        };
        settle::said(address, &Text::known(site, span))
    };
    let (scheme, rest) = match site.strip_prefix("http://") {
        Some(rest) => (Some(Protocol::Http), rest),
        None => match site.strip_prefix("https://") {
            Some(rest) => (Some(Protocol::Https), rest),
            None => (None, site),
        },
    };
    let port = match address(cx, &Text::known(rest, span), Some(0), &Bind::Any) {
        Setting::Known { value, .. } => value.port().filter(|port| *port > 0),
        Setting::Unknown(why) => return vec![(Setting::unknown(why), Protocol::Http)],
    };
    let named = !rest.is_empty() && !rest.starts_with(':');
    match (scheme, port, named) {
        (Some(Protocol::Http), port, _) => vec![(open(port.unwrap_or(80)), Protocol::Http)],
        (Some(_), port, _) => vec![(open(port.unwrap_or(443)), Protocol::Https)],
        (None, Some(443), _) => vec![(open(443), Protocol::Https)],
        (None, Some(80), _) | (None, Some(_), false) => {
            vec![(open(port.unwrap_or(80)), Protocol::Http)]
        }
        (None, Some(port), true) => vec![(open(port), Protocol::Https)],
        (None, None, _) => vec![(open(80), Protocol::Http), (open(443), Protocol::Https)],
    }
}
