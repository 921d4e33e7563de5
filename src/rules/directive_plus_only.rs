//! rules/directive-plus-only.md

use std::collections::HashSet;

use crate::finding::{Confidence, Severity};
use crate::model::HopId;
use crate::model::nginx::Place;
use crate::model::version::{Versions, at_least};
use crate::project::image_name::is_plain_nginx_image;
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::source::Span;
use crate::syntax::nginx::Directive;

pub(super) fn check(cx: &mut Ctx) {
    // A module that is loaded may have a directive of the same name (`sticky`).
    let loads = |place: &&Place| place.scope.own("load_module").next().is_some();
    let loading: HashSet<HopId> = cx
        .places
        .iter()
        .filter(loads)
        .map(|place| place.hop)
        .collect();
    let mut found = Alike::new();
    for place in cx
        .places
        .iter()
        .filter(|place| !loading.contains(&place.hop))
    {
        for directive in place.scope.directives() {
            if let Some((what, first)) = of_plus(place, directive) {
                found.add((place.hop, what, first), directive.span, directive.span);
            }
        }
    }
    for ((hop, what, first), spans) in found.groups() {
        report(cx, hop, &what, first, &spans);
    }
}

/// Directives of nginx Plus by the block that they stand in, with the first open source version that has them too; empty
/// for none. Sources: the manual's "available as part of our commercial subscription", and CHANGES.
const DIRECTIVES: &[(&[&str], &str, &str)] = &[
    (&["upstream"], "queue", ""),
    (&["upstream"], "ntlm", ""),
    (&["upstream"], "state", ""),
    (&["upstream"], "sticky", "1.29.6"),
    (&["upstream"], "least_time", "1.31.0"),
    (&["location", "server"], "health_check", ""),
    (&["location"], "api", ""),
    (&["location"], "status", ""),
    (&["location"], "upstream_conf", ""),
    (&["location"], "f4f", ""),
    (&["location"], "hls", ""),
    (&["http", "server", "location"], "status_zone", ""),
    (&["http", "server", "location"], "proxy_cache_purge", ""),
    (&["http", "server", "location"], "auth_jwt", ""),
    (&["http", "stream"], "keyval", ""),
    (&["http", "stream"], "keyval_zone", ""),
    (&["http", "stream"], "match", ""),
    (&["server"], "zone_sync", ""),
    (&["main"], "mgmt", ""),
];

/// The same for parameters of `server` in a group.
const PARAMETERS: &[(&str, &str)] = &[
    ("slow_start=", ""),
    ("route=", "1.29.6"),
    ("drain", "1.29.6"),
];

/// What of a directive is nginx Plus's alone, and the first open source version that has it.
fn of_plus(place: &Place, directive: &Directive) -> Option<(String, &'static str)> {
    let (context, name) = (place.context(), directive.name.value.as_str());
    if context == "upstream" && name == "server" {
        let parameters = directive.args.iter().skip(1);
        let mut known = parameters.filter_map(|arg| {
            let is = |(name, _): &&(&str, &str)| {
                arg.value == *name || name.ends_with('=') && arg.value.starts_with(name)
            };
            PARAMETERS.iter().find(is)
        });
        let (name, first) = known.next()?;
        return Some((format!("`server … {name}`"), first));
    }
    let (_, name, first) = DIRECTIVES
        .iter()
        .find(|(contexts, known, _)| *known == name && contexts.contains(&context))?;
    Some((format!("`{name}`"), first))
}

fn report(cx: &mut Ctx, hop: HopId, what: &str, first: &str, spans: &[Span]) {
    let Some(service) = cx.model.hop(hop).service else {
        return;
    };
    let conf = cx.project.nginx.get(hop.0 as usize);
    let Some(image) = conf.and_then(|conf| conf.image.clone()) else {
        return;
    };
    let version = &cx.model.hop(hop).version;
    let lacks = first.is_empty() || at_least(version, first) == Versions::None;
    if !lacks || !image.get().is_some_and(is_plain_nginx_image) {
        return;
    }
    let message = match first {
        "" => format!("{what} is nginx Plus's, and this image is the open source nginx"),
        first => format!(
            "{what} was nginx Plus's until nginx {first}, and this is nginx {}",
            version.value().cloned().unwrap_or_default()
        ),
    };
    let built = cx.project.container(service).built;
    let finding = cx.report(spans[0], message);
    finding.here("unknown, and fatal");
    finding.again(spans[1..].iter().copied());
    finding.label(image.span, "open source nginx");
    let help = match first {
        "" => format!("take {what} out, or use an image of nginx Plus"),
        first => format!("use nginx {first} or later, or take {what} out"),
    };
    finding.help(help).because("directive", what);
    if built {
        // A Dockerfile may put modules of other makers into it.
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}
