//! rules/variable-undefined.md

use std::collections::{HashMap, HashSet};

use crate::finding::Confidence;
use crate::model::HopId;
use crate::model::nginx::Place;
use crate::model::nginx::own::{is_own_directive, own_variable, resembling, since};
use crate::model::nginx::variables::{defined, evaluated, map_values};
use crate::model::version::Versions;
use crate::project::image_name::is_plain_nginx_image;
use crate::project::nginx::NginxConf;
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::source::{Span, Spanned};
use crate::syntax::proxy_value::{Piece, pieces};

pub(super) fn check(cx: &mut Ctx) {
    let mut known: HashMap<HopId, HashSet<String>> = HashMap::new();
    let mut foreign: HashSet<HopId> = HashSet::new();
    for place in cx.places {
        for directive in place.scope.directives() {
            known
                .entry(place.hop)
                .or_default()
                .extend(defined(directive));
            let name = directive.name.value.as_str();
            if !place.holds_entries() && (name == "load_module" || !is_own_directive(name)) {
                foreign.insert(place.hop);
            }
        }
    }
    let mut uses = Alike::new();
    for place in cx
        .places
        .iter()
        .filter(|place| !foreign.contains(&place.hop))
    {
        if !place.is_whole() || !is_judged(cx, place.conf) {
            continue;
        }
        for word in words(place) {
            for name in names(word, place.conf) {
                let own = own_variable(&name, &cx.model.hop(place.hop).version);
                if own != Versions::None || known[&place.hop].contains(&name) {
                    continue;
                }
                uses.add((place.hop, name), word.span, word.span);
            }
        }
    }
    for ((hop, name), spans) in uses.groups() {
        report(cx, hop, &name, &spans);
    }
}

/// Whether this is nginx as its makers build it, and reads the files as they are here: on a host that is likely, and
/// in a container its image says so. A program in the command may put something in place of a name.
fn is_judged(cx: &Ctx, conf: &NginxConf) -> bool {
    let Some(service) = conf.service else {
        return true;
    };
    let plain = conf
        .image
        .as_ref()
        .and_then(|image| image.get())
        .is_some_and(is_plain_nginx_image);
    let rewrites = |word: &String| {
        const PROGRAMS: &[&str] = &[
            "envsubst",
            "sed ",
            "gomplate",
            "dockerize",
            "confd",
            "consul-template",
            "j2",
            "jinja",
        ];
        PROGRAMS.iter().any(|program| word.contains(program))
    };
    plain && !cx.project.container(service).words().iter().any(rewrites)
}

/// The words of a block that nginx evaluates.
fn words<'a>(place: &Place<'a>) -> Vec<&'a Spanned<String>> {
    let directives = place.scope.directives();
    match place.context() {
        "map" => map_values(directives).collect(),
        _ if place.holds_entries() => Vec::new(),
        _ => directives
            .iter()
            .flat_map(|directive| evaluated(&place.scope, directive))
            .collect(),
    }
}

/// The variables of a word that are neither groups of a regular expression (`$1`) nor placeholders of a template: those
/// are written in capitals, and outside a container in braces.
fn names(word: &Spanned<String>, conf: &NginxConf) -> Vec<String> {
    if !word.value.contains('$') {
        return Vec::new();
    }
    let written = |piece| match piece {
        Piece::Variable(name) => Some(name),
        Piece::Literal(_) => None,
    };
    let is_placeholder = |name: &String| {
        let braced = conf.service.is_none() && word.value.contains(&format!("${{{name}}}"));
        braced
            || name.starts_with(|c: char| c.is_ascii_digit())
            || !name.contains(|c: char| c.is_ascii_lowercase())
    };
    pieces(&word.value)
        .into_iter()
        .filter_map(written)
        .filter(|name| !is_placeholder(name))
        .map(|name| name.to_ascii_lowercase())
        .collect()
}

fn report(cx: &mut Ctx, hop: HopId, name: &str, spans: &[Span]) {
    let version = &cx.model.hop(hop).version;
    let (have, image) = (version.value().cloned().unwrap_or_default(), version.span());
    let in_container = cx.model.hop(hop).service.is_some();
    let message = match since(name) {
        Some(first) => format!("${name} came with nginx {first}, and this is nginx {have}"),
        None => format!("nothing defines ${name}"),
    };
    let finding = cx.report(spans[0], message);
    finding.here(format!("unknown \"{name}\" variable"));
    finding.again(spans[1..].iter().copied());
    match (since(name), image) {
        (Some(first), image) => {
            if let Some(image) = image {
                finding.label(image, format!("nginx {have}"));
            }
            finding.help(format!("use nginx {first} or later, or do without it"));
        }
        (None, _) if name == "connection_upgrade" => {
            finding.help("add to `http`: `map $http_upgrade $connection_upgrade { default upgrade; '' ''; }`");
        }
        (None, _) => {
            finding.help(match resembling(name) {
                Some(own) => format!("is ${own} meant? Else define it with `map` or `set`"),
                None => "define it with `map` or `set`, or correct its spelling".to_owned(),
            });
        }
    }
    finding.because("variable", name);
    if !in_container {
        // A package may load modules that define it.
        finding.at_most(Confidence::Medium);
    }
}
