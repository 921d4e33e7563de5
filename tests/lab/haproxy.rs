//! HAProxy on loopback: line by line, the words that name addresses, paths and durations are replaced. The end of the
//! text stays as the page has it, since a last line without its line feed is an error of its own.

use std::net::SocketAddr;

use super::address::View;

/// The text of a `haproxy.cfg`, rewritten, and the addresses that it listens on.
pub(crate) fn rewrite(view: View, text: &str) -> (String, Vec<SocketAddr>) {
    let mut listens = Vec::new();
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| rewrite_line(view, line, &mut listens))
        .collect();
    (lines.join("\n"), listens)
}

/// Keywords of `global` that need rights, or another machine.
const DROPPED: [&str; 8] = [
    "user",
    "group",
    "chroot",
    "daemon",
    "pidfile",
    "uid",
    "gid",
    "master-worker",
];

/// What a section is given, so that the lab hears how its sessions end. In tcp mode HAProxy makes `tcplog` of it.
const LOGS: &str = "\n    log stdout format raw daemon\n    option httplog";

/// Options that are followed by a path in the container.
const PATHS: [&str; 5] = ["ca-file", "crt", "crl-file", "ca-base", "crt-base"];

fn rewrite_line(view: View, line: &str, listens: &mut Vec<SocketAddr>) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let first = words.first().cloned().unwrap_or_default();
    if first.is_empty() || first.starts_with('#') {
        return line.to_owned();
    }
    if DROPPED.contains(&first.as_str()) {
        return format!("{indent}# {first} of the page");
    }
    match first.as_str() {
        "bind" => rewrite_word(&mut words, 1, |word| bind(view, word, listens)),
        "server" => rewrite_word(&mut words, 2, |word| server(view, word)),
        "dispatch" => rewrite_word(&mut words, 1, |word| view.dialled(word, None)),
        "nameserver" => rewrite_word(&mut words, 2, |_| view.stack.dns.to_string()),
        "errorfile" => rewrite_word(&mut words, 2, |word| {
            view.service.path(word).display().to_string()
        }),
        "stats" if words.get(1).is_some_and(|word| word == "socket") => {
            rewrite_word(&mut words, 2, |word| {
                view.service.path(word).display().to_string()
            });
        }
        "use_backend" => rewrite_word(&mut words, 1, |word| map(view, word)),
        "timeout" | "hold" => duration(view, &mut words, 2),
        _ => {}
    }
    for at in 1..words.len() {
        let option = words[at - 1].as_str();
        if PATHS.contains(&option) {
            words[at] = view.service.path(&words[at]).display().to_string();
        } else if [
            "inter",
            "fastinter",
            "downinter",
            "slowstart",
            "pool-purge-delay",
        ]
        .contains(&option)
        {
            duration(view, &mut words, at);
        } else if option == "port" && first != "http-check" {
            rewrite_word(&mut words, at, |port| {
                port.parse()
                    .map_or(port.to_owned(), |port| super::stack::lift(port).to_string())
            });
        }
    }
    let line = format!("{indent}{}", words.join(" "));
    match first.as_str() {
        "frontend" | "listen" => line + LOGS,
        _ => line,
    }
}

fn rewrite_word(words: &mut [String], at: usize, new: impl FnOnce(&str) -> String) {
    if let Some(word) = words.get_mut(at) {
        *word = new(word);
    }
}

/// The path in `%[…,map(path)]`.
fn map(view: View, written: &str) -> String {
    let path = written.find("map").and_then(|at| {
        let open = at + written[at..].find('(')? + 1;
        let close = open + written[open..].find([',', ')'])?;
        Some((open, close))
    });
    match path {
        Some((open, close)) => {
            let outside = view.service.path(&written[open..close]);
            format!(
                "{}{}{}",
                &written[..open],
                outside.display(),
                &written[close..]
            )
        }
        None => written.to_owned(),
    }
}

fn bind(view: View, written: &str, listens: &mut Vec<SocketAddr>) -> String {
    let one = |part: &str, listens: &mut Vec<SocketAddr>| {
        if let Some(path) = socket_path(part) {
            return format!("unix@{}", view.service.path(path).display());
        }
        match view.listens(part) {
            Some(address) => {
                listens.push(address);
                address.to_string()
            }
            None => part.to_owned(),
        }
    };
    let parts: Vec<String> = written.split(',').map(|part| one(part, listens)).collect();
    parts.join(",")
}

fn server(view: View, written: &str) -> String {
    let filled = filled(view, written);
    match socket_path(&filled) {
        Some(path) => format!("unix@{}", view.service.path(path).display()),
        None if filled.contains('$') => written.to_owned(),
        None => view.dialled(&filled, None),
    }
}

/// An address with the variables that the environment has: a name must be known before it can become an address.
fn filled(view: View, written: &str) -> String {
    let env = view.service.env.iter();
    env.fold(written.to_owned(), |text, (key, value)| {
        text.replace(&format!("${{{key}}}"), value)
            .replace(&format!("${key}"), value)
    })
}

fn socket_path(written: &str) -> Option<&str> {
    written
        .strip_prefix("unix@")
        .or_else(|| written.starts_with('/').then_some(written))
}

/// Milliseconds unless there is a unit. 0 stays 0: it is no short time but none at all.
fn duration(view: View, words: &mut [String], at: usize) {
    if view.scale < 1.0
        && let Some(word) = words.get_mut(at)
        && let Some(ms) = view.scaled_ms(word, 1.0)
    {
        *word = if ms == 0.0 {
            "0".to_owned()
        } else {
            format!("{:.0}ms", ms.max(1.0))
        };
    }
}
