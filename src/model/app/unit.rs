//! systemd units: what `ExecStart` starts on the machine itself, and the socket that a `.socket` unit opens for it.

use std::collections::HashMap;

use super::cx::unknown;
use super::{Command, Launch, Process};
use crate::model::{Access, Address, Amount, Bind, Listener, Protocol, ProxyHeader, Setting};
use crate::source::{FileId, Span, Spanned};
use crate::syntax::command;
use crate::syntax::constant::{self, BindAddress, Entry};
use crate::syntax::value::{Text, env_file};

/// One unit with the drop-ins that are laid over it.
pub struct Unit {
    /// In the order in which systemd reads them, each with its lines joined.
    parts: Vec<(FileId, String)>,
}

impl Unit {
    /// Of the unit's own file and its drop-ins, by name.
    pub fn new(parts: impl IntoIterator<Item = (FileId, String)>) -> Self {
        let parts = parts.into_iter();
        Self {
            parts: parts.map(|(id, text)| (id, joined(&text))).collect(),
        }
    }

    /// The settings of a section.
    fn entries(&self, section: &str) -> impl Iterator<Item = (FileId, Entry<'_>)> {
        let parts = self.parts.iter();
        let all = parts.flat_map(|(id, text)| {
            let entries = constant::settings(text).into_iter();
            entries.map(move |entry| (*id, entry))
        });
        all.filter(move |(_, entry)| entry.section == section)
    }

    /// Where it is said that nothing starts the service again after a crash; without a word, at its command. One that ends
    /// its work is none. Source: systemd.service(5), Restart.
    pub fn stays_down(&self, command: Span) -> Option<Span> {
        if self.value("Service", "Type").as_deref() == Some("oneshot") {
            return None;
        }
        let named = self
            .entries("Service")
            .filter(|(_, entry)| entry.name == "Restart");
        match named.last() {
            None => Some(command),
            Some((id, entry)) => {
                let is_off = matches!(entry.value.trim(), "no" | "" | "on-success");
                is_off.then(|| Span::new(id, entry.range.start, entry.range.end))
            }
        }
    }

    /// The last value of a setting.
    pub fn value(&self, section: &str, name: &str) -> Option<String> {
        let named = self
            .entries(section)
            .filter(|(_, entry)| entry.name == name);
        named.last().map(|(_, entry)| entry.value.trim().to_owned())
    }
}

/// What a `.service` unit starts; `None` if it starts nothing. `read` gives the text of a file of the machine, if the tree
/// has it.
pub fn launch(
    unit: &Unit,
    read: &mut dyn FnMut(&str) -> Option<(FileId, String)>,
) -> Option<Launch> {
    let start = |entry: &Entry<'_>| entry.range.end - entry.value.len();
    let mut variables = Vec::new();
    let mut files: Vec<String> = Vec::new();
    let mut command: Option<(FileId, usize, String)> = None;
    let mut working_dir = "/".to_owned();
    for (id, entry) in unit.entries("Service") {
        match entry.name {
            // An empty value takes back what was said so far.
            "ExecStart" if entry.value.is_empty() => command = None,
            "Environment" if entry.value.is_empty() => variables.clear(),
            "EnvironmentFile" if entry.value.is_empty() => files.clear(),
            "ExecStart" => {
                // `-`, `@`, `:`, `+` and `!` in front say how it is run.
                let bare = entry
                    .value
                    .trim_start_matches(['-', '@', ':', '+', '!', ' ']);
                let at = start(&entry) + entry.value.len() - bare.len();
                command = Some((id, at, bare.trim_end().to_owned()));
            }
            "WorkingDirectory" if !entry.value.contains('%') => {
                let folder = entry.value.trim().trim_start_matches('-');
                folder.clone_into(&mut working_dir);
            }
            "Environment" => variables.extend(environment(id, entry.value, start(&entry))),
            "EnvironmentFile" => {
                files.push(entry.value.trim().trim_start_matches('-').to_owned());
            }
            _ => {}
        }
    }
    let environment_open = add_files(&files, &mut variables, read);
    let (id, at, bare) = command?;
    let words = words(id, &bare, at);
    let words = words
        .into_iter()
        .map(|word| filled(word, &variables, environment_open.as_deref()));
    Some(Launch {
        entrypoint: None,
        command: Some(Command::Exec(words.collect())),
        environment: variables,
        environment_open: environment_open.clone(),
        working_dir,
        image: None,
        // Nothing but this unit configures the program, as far as a tree can tell.
        built: true,
        span: Span::new(id, at, at + bare.len()),
    })
}

/// Adds what files of variables say; the reason if any further one may be set.
fn add_files(
    files: &[String],
    variables: &mut Vec<(Spanned<String>, Option<Text>)>,
    read: &mut dyn FnMut(&str) -> Option<(FileId, String)>,
) -> Option<String> {
    let mut open = None;
    for file in files {
        match read(file) {
            // A file wins over what stands in the unit.
            Some((id, text)) => variables.extend(of_file(id, &text)),
            None => {
                open.get_or_insert_with(|| format!("{file} is on the machine"));
            }
        }
    }
    open
}

/// What an `EnvironmentFile` sets.
fn of_file(id: FileId, text: &str) -> Vec<(Spanned<String>, Option<Text>)> {
    let lines = env_file::env_file(id, text).into_iter();
    let set = lines.filter_map(|line| {
        let value = line.value?;
        let text = if value.text.contains('$') {
            unknown("systemd puts it together", value.span)
        } else {
            Text::known(value.text, value.span)
        };
        Some((line.name, Some(text)))
    });
    set.collect()
}

/// A word with every `${NAME}` replaced; `$NAME` is replaced only where it is the whole word.
/// Source: systemd.service(5), command lines.
fn filled(word: Text, variables: &[(Spanned<String>, Option<Text>)], open: Option<&str>) -> Text {
    let Some(raw) = word.get().filter(|raw| raw.contains('$')) else {
        return word;
    };
    let value = |name: &str| {
        let mut listed = variables.iter().rev();
        match listed.find(|(key, _)| key.value == name) {
            Some((_, Some(text))) => text.value.clone(),
            Some((_, None)) => Err(format!("{name} is not known")),
            None => open.map_or(Ok(String::new()), |why| Err(why.to_owned())),
        }
    };
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut done = String::new();
    let mut rest = raw;
    if let Some(name) = raw.strip_prefix('$').filter(|name| is_name(name)) {
        return match value(name) {
            Ok(one) if !one.is_empty() && !one.contains([' ', '"', '\'']) => Text {
                value: Ok(one),
                ..word
            },
            Ok(_) => unknown("systemd makes several words of it", word.span),
            Err(why) => unknown(why, word.span),
        };
    }
    while let Some(at) = rest.find("${") {
        let behind = &rest[at + 2..];
        let Some(end) = behind.find('}').filter(|end| is_name(&behind[..*end])) else {
            return unknown("systemd fills it in", word.span);
        };
        done.push_str(&rest[..at]);
        match value(&behind[..end]) {
            Ok(value) => done.push_str(&value),
            Err(why) => return unknown(why, word.span),
        }
        rest = &behind[end + 1..];
    }
    done.push_str(rest);
    Text {
        value: Ok(done),
        ..word
    }
}

/// Whether a process takes the sockets that systemd hands to it in the place of its own: gunicorn does so by itself, the
/// others where they are told. Source: gunicorn's arbiter (`LISTEN_FDS`), the manuals of uvicorn, daphne and hypercorn.
pub fn takes_sockets(process: &Process) -> bool {
    let told = |text: &Text| {
        text.get().is_some_and(|word| {
            word.starts_with("--fd") || word.contains("fd://") || word.contains("fd@")
        })
    };
    process.name == "gunicorn" || process.argv.iter().any(told)
}

/// The listeners that a `.socket` unit opens for its service, with the protocol of what takes them.
pub fn sockets(unit: &Unit, protocol: &Setting<Protocol>) -> Vec<Listener> {
    let mut addresses = Vec::new();
    let (mut backlog, mut mode) = (None, Some((0o666, None)));
    let (mut owner, mut group) = (None, None);
    for (id, entry) in unit.entries("Socket") {
        let span = Span::new(id, entry.range.start, entry.range.end);
        let value = entry.value.trim();
        match entry.name {
            "ListenStream" if value.is_empty() => addresses.clear(),
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
        let unit = Unit::new([(FileId(0), UNIT.to_owned())]);
        let launch = launch(&unit, &mut |_| None).expect("it starts something");
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
        let unit = Unit::new([(FileId(0), text.to_owned())]);
        let opened = sockets(&unit, &protocol);
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

    #[test]
    fn drop_ins_take_back_and_files_fill_in() {
        let own = "[Service]\nEnvironment=PORT=1 HOST=0.0.0.0\nExecStart=/bin/a\n";
        let over = "[Service]\nEnvironmentFile=-/etc/shop\nExecStart=\nExecStart=/bin/b ${HOST}:${PORT} $PORT :$PORT\n";
        let unit = Unit::new([(FileId(0), own.to_owned()), (FileId(1), over.to_owned())]);
        let launch = launch(&unit, &mut |_| Some((FileId(2), "PORT=8000\n".to_owned())));
        let Some(Command::Exec(words)) = launch.and_then(|launch| launch.command) else {
            panic!("a list of words");
        };
        let told: Vec<Option<&str>> = words.iter().map(Text::get).collect();
        assert_eq!(
            told,
            [
                Some("/bin/b"),
                Some("0.0.0.0:8000"),
                Some("8000"),
                Some(":$PORT")
            ]
        );
    }
}
