//! php-fpm: every pool of its files listens by itself; the official image's own last file puts `www` on port 9000 of all
//! addresses, Debian's package on a socket.

use super::Process;
use super::cx::{Cx, Read, basename};
use super::serve;
use super::settle::{self, address, default, duration, listener, said};
use crate::model::knowledge::{Program, fits};
use crate::model::{Access, Address, Amount, Bind, Key, Listener, Protocol, Setting};
use crate::source::{Span, Spanned};
use crate::syntax::constant;
use crate::syntax::value::Text;

/// Where the official image reads its pools, and its own last one.
const OFFICIAL: &str = "/usr/local/etc/php-fpm.d";
const LAST: &str = "zz-docker.conf";

/// One pool, with what its files say; the last one wins.
#[derive(Default)]
struct Pool {
    name: String,
    listen: Option<Text>,
    limit: Option<Text>,
    backlog: Option<Text>,
    children: Option<Text>,
    clients: Option<Text>,
    owner: Option<Text>,
    group: Option<Text>,
    mode: Option<Text>,
}

/// `php-fpm`.
pub(super) fn fpm(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("php-fpm")?;
    let official = super::tag(cx, "php").is_some() || image_is_fpm(cx);
    let (pools, open) = pools(cx, argv, official);
    let mut timeouts = serve::timeouts(cx, program, &[]);
    let limits: Vec<Setting<Amount>> = pools.iter().map(Pool::limit).collect();
    // Two pools with different limits are two apps; which one a request meets depends on its listener.
    match &limits[..] {
        [one] if one.value() != Some(&Amount::Infinite) => {
            timeouts.insert(Key::Worker, one.clone());
        }
        [first, rest @ ..] if rest.iter().any(|other| other.value() != first.value()) => {
            timeouts.insert(
                Key::Worker,
                Setting::unknown("its pools have different limits"),
            );
        }
        _ => {}
    }
    let listeners: Vec<Listener> = pools
        .iter()
        .map(|pool| pool.listener(cx, program, open.as_ref()))
        .collect();
    let mut process = serve::bare(cx, program, argv, listeners, timeouts);
    if let [pool] = &pools[..] {
        process.slots = pool
            .children
            .as_ref()
            .map(|text| duration(text, 1.0, Amount::Finite(0)));
    }
    process.listeners_complete = open.is_none();
    Some(process)
}

/// The pools of every file that is seen, in the order of reading; the second value says why there may be others.
fn pools(cx: &mut Cx<'_>, argv: &[Text], official: bool) -> (Vec<Pool>, Option<String>) {
    let mut pools: Vec<Pool> = Vec::new();
    let mut open = None;
    let folders = folders(argv);
    for folder in &folders {
        let names = match cx.list(folder) {
            Ok(names) => names,
            Err(why) => {
                open.get_or_insert(why);
                continue;
            }
        };
        let mut names: Vec<String> = names
            .into_iter()
            .filter(|name| fits("*.conf", name))
            .collect();
        let own = format!("{OFFICIAL}/{LAST}");
        let image_sets = folder == OFFICIAL
            && official
            && (names.is_empty() || !matches!(cx.read(&own), Read::Text(..) | Read::Absent));
        if image_sets {
            names.push(LAST.to_owned());
            names.sort();
            names.dedup();
        }
        for name in names {
            match cx.read(&format!("{folder}/{name}")) {
                Read::Text(id, text) => read(id, &text, &mut pools),
                _ if name == LAST && image_sets => pool(&mut pools, "www").listen = None,
                Read::Unknown(why) => {
                    open.get_or_insert(why);
                }
                Read::Absent => {}
            }
        }
    }
    if pools.is_empty() {
        if official && open.is_none() {
            pool(&mut pools, "www");
        } else {
            let why =
                open.get_or_insert_with(|| "php-fpm's pool file is not in the tree".to_owned());
            let unseen = Some(super::cx::unknown(why.clone(), cx.launch.span));
            pool(&mut pools, "www").listen = unseen;
        }
    }
    (pools, open)
}

/// The official image's folder, and those of the distributions: `php-fpm8.2` is Debian's, `php-fpm82` Alpine's.
fn folders(argv: &[Text]) -> Vec<String> {
    let name = argv.first().and_then(Text::get).map_or("", basename);
    let version = name.strip_prefix("php-fpm").unwrap_or("");
    let mut folders = vec![OFFICIAL.to_owned(), "/etc/php-fpm.d".to_owned()];
    if !version.is_empty() {
        folders.push(format!("/etc/php/{version}/fpm/pool.d"));
        folders.push(format!("/etc/php{version}/php-fpm.d"));
    }
    folders
}

fn pool<'p>(pools: &'p mut Vec<Pool>, name: &str) -> &'p mut Pool {
    let at = pools.iter().position(|pool| pool.name == name);
    let at = at.unwrap_or_else(|| {
        pools.push(Pool {
            name: name.to_owned(),
            ..Pool::default()
        });
        pools.len() - 1
    });
    &mut pools[at]
}

fn read(id: crate::source::FileId, text: &str, pools: &mut Vec<Pool>) {
    for entry in constant::settings(text) {
        if matches!(entry.section, "" | "global") {
            continue;
        }
        // plain: none of the values that are read holds a `;`
        let value = entry.value.split(';').next().unwrap_or("").trim();
        let told = Text::known(
            value.trim_matches('"'),
            Span::new(id, entry.range.start, entry.range.end),
        );
        let pool = pool(pools, entry.section);
        match entry.name {
            "listen" => pool.listen = Some(told),
            "request_terminate_timeout" => pool.limit = Some(told),
            "listen.backlog" => pool.backlog = Some(told),
            "pm.max_children" => pool.children = Some(told),
            "listen.allowed_clients" => pool.clients = Some(told),
            "listen.owner" => pool.owner = Some(told),
            "listen.group" => pool.group = Some(told),
            "listen.mode" => pool.mode = Some(told),
            _ => {}
        }
    }
}

impl Pool {
    /// When it kills a request; `Infinite` for never.
    fn limit(&self) -> Setting<Amount> {
        match &self.limit {
            None => Setting::default_of(Amount::Infinite, "php-fpm", "", "php-fpm.conf manual"),
            Some(text) => match seconds(text) {
                Setting::Known {
                    value: Amount::Finite(0),
                    origin,
                } => Setting::Known {
                    value: Amount::Infinite,
                    origin,
                },
                other => other,
            },
        }
    }

    fn listener(&self, cx: &Cx<'_>, program: &Program, open: Option<&String>) -> Listener {
        let bound = match &self.listen {
            Some(text) => address(cx, text, Some(9000), &Bind::Any),
            None if self.name == "www" => {
                let image_sets = Address::Tcp {
                    bind: Bind::Any,
                    port: 9000,
                };
                let source = "zz-docker.conf of the official image: listen = 9000";
                default(image_sets, program, source, false)
            }
            None => {
                let why = open.cloned();
                Setting::unknown(
                    why.unwrap_or_else(|| format!("pool {} says no address", self.name)),
                )
            }
        };
        let made = listener(bound, Protocol::Fastcgi, program);
        let backlog = self
            .backlog
            .as_ref()
            .filter(|text| text.get() != Some("-1"));
        Listener {
            backlog: backlog
                .map(|text| duration(text, 1.0, Amount::Finite(0)))
                .or(made.backlog.clone()),
            admits: self.clients.as_ref().and_then(|text| {
                // plain: addresses with commas between
                let list = text.get()?.split(',').map(|one| one.trim().to_owned());
                let list: Vec<String> = list.filter(|one| !one.is_empty()).collect();
                (!list.is_empty()).then(|| Spanned::new(list, text.span))
            }),
            access: self.access(&made.address),
            tls: None,
            ..made
        }
    }

    /// Who may connect to its socket: without `listen.mode` 0660, without an owner the one who starts php-fpm, without a
    /// group that of the owner.
    fn access(&self, address: &Setting<Address>) -> Option<Access> {
        let Some(Address::Unix(_)) = address.value() else {
            return None;
        };
        let mode = match &self.mode {
            Some(text) => u32::from_str_radix(text.get()?, 8).ok()?,
            None => 0o660,
        };
        let name = |text: &Option<Text>| text.as_ref().and_then(Text::get).map(str::to_owned);
        let written = self.mode.as_ref().or(self.owner.as_ref());
        Some(Access {
            owner: name(&self.owner),
            group: name(&self.group).or_else(|| name(&self.owner)),
            mode,
            span: written.or(self.group.as_ref()).map(|text| text.span),
        })
    }
}

fn image_is_fpm(cx: &Cx<'_>) -> bool {
    let image = cx.launch.image.as_ref().and_then(Text::get);
    image
        .and_then(|reference| cx.known.image(reference))
        .is_some_and(|image| image.program.as_deref() == Some("php-fpm"))
}

/// `30`, `30s`, `1m`, `1h`.
fn seconds(text: &Text) -> Setting<Amount> {
    let raw = text.get().unwrap_or("");
    let (number, unit) = match raw.chars().last() {
        Some('s') => (&raw[..raw.len() - 1], 1000),
        Some('m') => (&raw[..raw.len() - 1], 60_000),
        Some('h') => (&raw[..raw.len() - 1], 3_600_000),
        Some('d') => (&raw[..raw.len() - 1], 86_400_000),
        _ => (raw, 1000),
    };
    match number.parse::<u64>() {
        Ok(number) => said(Amount::Finite(number.saturating_mul(unit)), text),
        Err(_) => Setting::unknown(format!("{raw} is no duration")),
    }
}

/// `php -S host:port`.
pub(super) fn builtin(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("php-builtin")?;
    let flags = super::flags::Flags::new(&argv[1..]);
    let bound = match flags.get(&["-S".to_owned()]) {
        Ok(Some(text)) => address(cx, &text, None, &Bind::Loopback),
        Ok(None) => return None,
        Err(why) => Setting::unknown(why),
    };
    let timeouts = serve::timeouts(cx, program, &[]);
    Some(serve::bare(
        cx,
        program,
        argv,
        vec![listener(bound, settle::protocol("http")?, program)],
        timeouts,
    ))
}
