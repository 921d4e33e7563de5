//! php-fpm: the pool file says where it listens and whether a request is ever killed; the official image listens on
//! all addresses, Debian's package on a socket.

use super::Process;
use super::cx::{Cx, Read};
use super::serve;
use super::settle::{self, address, default, listener, said};
use crate::model::knowledge::Program;
use crate::model::{Address, Amount, Bind, Key, Protocol, Setting};
use crate::source::Span;
use crate::syntax::constant;
use crate::syntax::value::Text;

/// Pool files of the official image, the last one read wins.
const POOLS: [&str; 4] = [
    "/usr/local/etc/php-fpm.conf",
    "/usr/local/etc/php-fpm.d/www.conf",
    "/usr/local/etc/php-fpm.d/docker.conf",
    "/usr/local/etc/php-fpm.d/zz-docker.conf",
];

/// `php-fpm`.
pub(super) fn fpm(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("php-fpm")?;
    let official = super::tag(cx, "php").is_some() || image_is_fpm(cx);
    let mut listen = None;
    let mut limit = None;
    let mut unseen = false;
    for path in POOLS.iter().chain(&[
        "/usr/local/etc/php-fpm.d/zzz.conf",
        "/usr/local/etc/php-fpm.d/zz-app.conf",
        "/usr/local/etc/php-fpm.d/custom.conf",
    ]) {
        let Read::Text(id, text) = cx.read(path) else {
            unseen = true;
            continue;
        };
        for entry in constant::settings(&text) {
            let value = entry
                .value
                // plain: the two values that are read, an address and a duration, hold no `;`
                .split(';')
                .next()
                .unwrap_or("")
                .trim()
                .trim_matches('"');
            let told = Text::known(value, Span::new(id, entry.range.start, entry.range.end));
            match entry.name {
                "listen" => listen = Some(told),
                "request_terminate_timeout" => limit = Some(told),
                _ => {}
            }
        }
    }
    let bound = bound(cx, program, listen.as_ref(), official, unseen);
    let mut timeouts = serve::timeouts(cx, program, &[]);
    if let Some(text) = limit {
        let killed = seconds(&text);
        if killed.value() != Some(&Amount::Finite(0)) {
            timeouts.insert(Key::Worker, killed);
        }
    }
    Some(serve::bare(
        cx,
        program,
        argv,
        vec![listener(bound, Protocol::Fastcgi, program)],
        timeouts,
    ))
}

/// Where the pool listens: what its last file says, unless the official image's own file says it again.
fn bound(
    cx: &mut Cx<'_>,
    program: &Program,
    listen: Option<&Text>,
    official: bool,
    unseen: bool,
) -> Setting<Address> {
    let image_sets = Address::Tcp {
        bind: Bind::Any,
        port: 9000,
    };
    match listen {
        // The image's zz-docker.conf sets `listen = 9000` behind www.conf.
        Some(text) if official && !overrides(text, cx) => default(
            image_sets,
            program,
            "zz-docker.conf of the official image: listen = 9000",
            false,
        ),
        Some(text) => address(cx, text, Some(9000), &Bind::Any),
        None if official => {
            let source = "zz-docker.conf of the official image: listen = 9000";
            default(image_sets, program, source, !unseen)
        }
        None => Setting::unknown("php-fpm's pool file is not in the tree"),
    }
}

/// Whether a pool file is read behind the image's own `zz-docker.conf`.
fn overrides(text: &Text, cx: &mut Cx<'_>) -> bool {
    [
        "/usr/local/etc/php-fpm.d/zz-docker.conf",
        "/usr/local/etc/php-fpm.d/zzz.conf",
        "/usr/local/etc/php-fpm.d/zz-app.conf",
    ]
    .iter()
    .any(|path| matches!(cx.read(path), Read::Text(id, _) if id == text.span.file))
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
