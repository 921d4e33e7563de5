//! TLS of HAProxy: the `ssl` words of a server towards it, those of a `bind` towards clients.

use crate::model::haproxy::section::Proxy;
use crate::model::haproxy::server::parameters::Parameters;
use crate::model::haproxy::{CONDITIONAL, is_tcp};
use crate::model::tls::{Client, Terms, Version, Versions};
use crate::model::version::{self, at_least};
use crate::model::{HopId, Setting};
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::{Line, Word};

/// From here on the name that is sent is the Host of the request if no `sni` is written. Source: the manual of 3.3,
/// `sni-auto`; measured.
const SNI_FROM_HOST: &str = "3.3";

/// How a server's TLS is opened; `None` if it is not, neither for requests nor for checks.
pub(super) fn client(
    proxy: &Proxy,
    hop: HopId,
    span: Span,
    parameters: &Parameters,
    version: &Setting<String>,
) -> Option<Client> {
    parameters.flag("ssl")?;
    let sni = sni(proxy, parameters, version);
    let name = match (parameters.value("verifyhost"), &sni) {
        (_, Setting::Known { value: Some(_), .. }) => sni.clone(),
        (Some(host), _) => Setting::written(Some(host.value), host.span),
        (None, other) => other.clone(),
    };
    let file = |name: &str| match parameters.named(name) {
        None if !proxy.conf.complete => Setting::unknown("a file of this HAProxy was not seen"),
        None => Setting::default_of(None, "haproxy", "", name),
        Some(place) => match parameters.value(name) {
            Some(file) => Setting::written(Some(file), place),
            None => Setting::unknown(format!("{name} is known only when HAProxy starts")),
        },
    };
    Some(Client {
        hop,
        span,
        module: None,
        links: Vec::new(),
        verify: verify(proxy, parameters),
        trusted: file("ca-file"),
        follows_host: !is_tcp(proxy)
            && at_least(version, SNI_FROM_HOST) == version::Versions::All
            && !proxy.frame.sets_host
            && parameters.named("sni").is_none()
            && parameters.flag("no-sni-auto").is_none(),
        sni,
        name,
        versions: Setting::unknown("what the library offers if no version is written"),
        certificate: file("crt").map(|file: Option<Spanned<String>>| file.is_some()),
        shown: Vec::new(),
        authorities: None,
    })
}

fn sni(
    proxy: &Proxy,
    parameters: &Parameters,
    version: &Setting<String>,
) -> Setting<Option<String>> {
    if let Some(place) = parameters.named("sni") {
        let plain = parameters.value("sni").and_then(|sni| {
            let name = sni.value.strip_prefix("str(")?.strip_suffix(')')?;
            Some(name.trim_matches('\'').to_owned())
        });
        return match plain {
            Some(name) => Setting::written(Some(name), place),
            None => Setting::unknown("the name that is sent is known only at run time"),
        };
    }
    let by_host = "haproxy sends the Host of the request from 3.3 on";
    match at_least(version, SNI_FROM_HOST) {
        _ if !proxy.conf.complete => Setting::unknown("a file of this HAProxy was not seen"),
        version::Versions::All if parameters.flag("no-sni-auto").is_none() => {
            Setting::unknown(by_host)
        }
        version::Versions::Some => Setting::assumed(None, "haproxy", "<3.3", "sni"),
        _ => Setting::default_of(None, "haproxy", "", "sni"),
    }
}

/// `verify` of the line, else `ssl-server-verify` of `global`, else `required`.
fn verify(proxy: &Proxy, parameters: &Parameters) -> Setting<bool> {
    if let Some(place) = parameters.named("verify") {
        return match parameters.value("verify") {
            Some(word) => Setting::written(word.value != "none", place),
            None => Setting::unknown("verify is known only when HAProxy starts"),
        };
    }
    match &proxy.frame.verify {
        Some(verify) => verify.clone(),
        None if !proxy.conf.complete => Setting::unknown("a file of this HAProxy was not seen"),
        None => Setting::default_of(true, "haproxy", "", "ssl-server-verify"),
    }
}

/// `ssl-server-verify` of `global`.
pub(super) fn server_verify(line: &Line) -> Setting<bool> {
    match line.words.get(1) {
        _ if line.conditional => Setting::unknown(CONDITIONAL),
        Some(word) if !word.has_env => Setting::inherited(word.text != "none", line.span),
        _ => Setting::unknown("ssl-server-verify is known only when HAProxy starts"),
    }
}

/// What a `bind` line asks of its clients.
pub(super) fn terms(proxy: &Proxy, line: &Line) -> Option<Terms> {
    let flag = |name: &str| line.words.iter().any(|word| word.text == name);
    if !flag("ssl") {
        return None;
    }
    let stated = |on: bool, name: &str| {
        if on {
            Setting::written(true, line.span)
        } else {
            Setting::default_of(false, "haproxy", "", name)
        }
    };
    Some(Terms {
        versions: versions(proxy, line),
        demands: stated(after(&line.words, "verify") == Some("required"), "verify"),
        wants_name: stated(flag("strict-sni"), "strict-sni"),
        certificate: certificate(proxy, line),
    })
}

/// The file behind the one `crt` of a line; a folder of several shows when it is opened.
fn certificate(proxy: &Proxy, line: &Line) -> Setting<Option<Spanned<String>>> {
    let named: Vec<usize> = (0..line.words.len())
        .filter(|at| ["crt", "crt-list"].contains(&line.words[*at].text.as_str()))
        .collect();
    let file = match named.as_slice() {
        [at] if line.words[*at].text == "crt" => line.words.get(at + 1),
        _ => None,
    };
    match file.and_then(|word| Some(Spanned::new(proxy.word(word).ok()?, word.span))) {
        Some(file) => Setting::written(Some(file), line.span),
        None => Setting::unknown("one of several certificates is shown"),
    }
}

/// From `ssl-min-ver` to `ssl-max-ver`, of the line or of `ssl-default-bind-options`; from TLS 1.2 on by default, which
/// the manual has since 2.2. The older `no-tlsv12` and `force-tlsv12` are not followed.
fn versions(proxy: &Proxy, line: &Line) -> Setting<Versions> {
    let shared = proxy.frame.bind_options.iter().copied();
    let lines: Vec<&Line> = shared.chain([line]).collect();
    let mut words = lines.iter().flat_map(|line| &line.words);
    let old = |word: &Word| {
        let text = word.text.as_str();
        let about = |prefix: &str| {
            text.strip_prefix(prefix)
                .is_some_and(|v| v.starts_with("tls"))
        };
        about("no-") || about("force-")
    };
    if words.any(|word| word.has_env || old(word)) {
        return Setting::unknown("the versions are chosen in another way");
    }
    let bound = |name: &str| {
        lines
            .iter()
            .rev()
            .find_map(|line| after(&line.words, name).map(|text| (Version::of(text), line.span)))
    };
    let (low, high) = (bound("ssl-min-ver"), bound("ssl-max-ver"));
    let place = low.or(high).map(|(_, span)| span);
    let low = low.map_or(Some(Version::V1_2), |(version, _)| version);
    let high = high.map_or(Some(Version::V1_3), |(version, _)| version);
    let (Some(low), Some(high)) = (low, high) else {
        return Setting::unknown("a version that is no TLS");
    };
    let known = Version::ALL
        .into_iter()
        .filter(|v| (low..=high).contains(v))
        .collect();
    match place {
        Some(place) => Setting::written(known, place),
        None => Setting::default_of(known, "haproxy", "", "ssl-min-ver"),
    }
}

/// The word behind another.
fn after<'w>(words: &'w [Word], name: &str) -> Option<&'w str> {
    let at = words.iter().position(|word| word.text == name)?;
    words.get(at + 1).map(|word| word.text.as_str())
}
