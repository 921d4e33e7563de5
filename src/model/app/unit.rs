//! systemd units: what `ExecStart` starts on the machine itself, and the socket that a `.socket` unit opens for it.

use std::collections::HashMap;

use super::cx::unknown;
use super::{Command, Launch};
use crate::model::{Access, Address, Amount, Bind, Listener, Protocol, ProxyHeader, Setting};
use crate::source::{FileId, Span, Spanned};
use crate::syntax::command;
use crate::syntax::constant::{self, BindAddress};
use crate::syntax::value::Text;

/// What a `.service` unit starts; `None` if it starts nothing.
pub fn launch(id: FileId, text: &str) -> Option<Launch> {
    let text = joined(text);
    let mut launch = Launch {
        entrypoint: None,
        command: None,
        environment: Vec::new(),
        environment_open: None,
        working_dir: "/".to_owned(),
        image: None,
        // Nothing but this unit configures the program, as far as a tree can tell.
        built: true,
        span: Span::new(id, 0, 0),
    };
    for entry in constant::settings(&text) {
        if entry.section != "Service" {
            continue;
        }
        let start = entry.range.end - entry.value.len();
        match entry.name {
            "ExecStart" => {
                // `-`, `@`, `:`, `+` and `!` in front say how it is run.
                let bare = entry
                    .value
                    .trim_start_matches(['-', '@', ':', '+', '!', ' ']);
                let start = start + entry.value.len() - bare.len();
                launch.span = Span::new(id, start, start + bare.trim_end().len());
                launch.command = Some(Command::Exec(words(id, bare, start)));
            }
            "WorkingDirectory" if !entry.value.contains('%') => {
                entry.value.trim().clone_into(&mut launch.working_dir);
            }
            "Environment" => launch
                .environment
                .extend(environment(id, entry.value, start)),
            "EnvironmentFile" => {
                let why = format!("{} is on the machine", entry.value.trim());
                launch.environment_open.get_or_insert(why);
            }
            _ => {}
        }
    }
    launch.command.is_some().then_some(launch)
}

/// The listeners that a `.socket` unit opens for its service, with the protocol of what takes them.
pub fn sockets(id: FileId, text: &str, protocol: &Setting<Protocol>) -> Vec<Listener> {
    let text = joined(text);
    let mut addresses = Vec::new();
    let (mut backlog, mut mode) = (None, Some((0o666, None)));
    let (mut owner, mut group) = (None, None);
    for entry in constant::settings(&text)
        .iter()
        .filter(|entry| entry.section == "Socket")
    {
        let span = Span::new(id, entry.range.start, entry.range.end);
        let value = entry.value.trim();
        match entry.name {
            "ListenStream" => addresses.push(match constant::bind(value) {
                _ if value.contains('%') => Setting::unknown("systemd fills it in"),
                Some(BindAddress::Socket(path)) => Setting::written(Address::Unix(path), span),
                Some(BindAddress::Tcp(host, Some(port))) => {
                    let bind = host.map_or(Bind::Any, |host| Bind::of(&host));
                    Setting::written(Address::Tcp { bind, port }, span)
                }
                _ => Setting::unknown(format!("{value} is no plain address")),
            }),
            "Backlog" => {
                backlog = value
                    .parse()
                    .ok()
                    .map(|number| Setting::written(Amount::Finite(number), span));
            }
            "SocketMode" => {
                let told = u32::from_str_radix(value, 8).ok();
                mode = told.map(|mode| (mode, Some(span)));
            }
            "SocketUser" => owner = Some(value.to_owned()),
            "SocketGroup" => group = Some(value.to_owned()),
            _ => {}
        }
    }
    let access = |address: &Setting<Address>| {
        let is_file = matches!(address.value(), Some(Address::Unix(_)));
        let (mode, span) = mode.filter(|_| is_file)?;
        // systemd makes it as root. Source: systemd.socket(5), SocketUser.
        let name = |told: &Option<String>| Some(told.clone().unwrap_or("root".to_owned()));
        let (owner, group) = (name(&owner), name(&group));
        Some(Access {
            owner,
            group,
            mode,
            span,
        })
    };
    let made = addresses.into_iter().map(|address| Listener {
        protocol: protocol.clone(),
        proxy_header: ProxyHeader::Unknown,
        backlog: backlog.clone(),
        admits: None,
        access: access(&address),
        tls: None,
        address,
    });
    made.collect()
}

/// Lines that end in a backslash and the next one are one line; blanks keep every byte at its place.
fn joined(text: &str) -> String {
    text.replace("\\\r\n", "   ").replace("\\\n", "  ")
}

fn words(id: FileId, text: &str, start: usize) -> Vec<Text> {
    let words = command::words(text);
    let texts = words.iter().map(|word| {
        let span = Span::new(id, start + word.range.start, start + word.range.end);
        match word.literal() {
            Some(word) if word.contains('%') => unknown("systemd fills it in", span),
            Some(word) => Text::known(word, span),
            None => unknown("systemd fills it in", span),
        }
    });
    texts.collect()
}

/// `Environment="A=b" C=d`.
fn environment(id: FileId, text: &str, start: usize) -> Vec<(Spanned<String>, Option<Text>)> {
    let pairs = words(id, text, start).into_iter().filter_map(|word| {
        let raw = word.value.as_ref().ok()?;
        // plain: the word has lost its quotes already
        let (name, value) = raw.split_once('=')?;
        let text = Text::known(value, word.span);
        Some((Spanned::new(name.to_owned(), word.span), Some(text)))
    });
    // The last one counts, and a name is listed once.
    let mut last: HashMap<String, (Spanned<String>, Option<Text>)> = HashMap::new();
    let mut order = Vec::new();
    for pair in pairs {
        let name = pair.0.value.clone();
        if last.insert(name.clone(), pair).is_none() {
            order.push(name);
        }
    }
    order.iter().filter_map(|name| last.remove(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str =
        "[Service]\nExecStart=-/srv/bin/gunicorn \\\n    --bind 127.0.0.1:%i \\\n    shop:app\n";

    #[test]
    fn a_command_goes_on_behind_a_backslash_and_keeps_its_places() {
        let launch = launch(FileId(0), UNIT).expect("it starts something");
        let Some(Command::Exec(words)) = launch.command else {
            panic!("a list of words");
        };
        let told: Vec<Option<&str>> = words.iter().map(Text::get).collect();
        assert_eq!(
            told,
            [
                Some("/srv/bin/gunicorn"),
                Some("--bind"),
                None,
                Some("shop:app")
            ]
        );
        let last = words[3].span;
        assert_eq!(&UNIT[last.start as usize..last.end as usize], "shop:app");
    }

    #[test]
    fn a_socket_unit_opens_ports_and_paths() {
        let text =
            "[Socket]\nListenStream=8000\nListenStream=/run/shop.sock\nListenStream=/run/%n.sock\n";
        let protocol = Setting::unknown("it is not asked here");
        let opened = sockets(FileId(0), text, &protocol);
        let short = |listener: &Listener| listener.address.value().map(Address::short);
        let opened: Vec<Option<String>> = opened.iter().map(short).collect();
        assert_eq!(
            opened,
            [
                Some(":8000".to_owned()),
                Some("/run/shop.sock".to_owned()),
                None
            ]
        );
    }
}
