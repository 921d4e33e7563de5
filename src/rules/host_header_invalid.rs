//! rules/host-header-invalid.md

use std::collections::BTreeMap;

use crate::finding::{Confidence, Severity};
use crate::model::chain::{is_proxy, reached};
use crate::model::{HopId, HopKind, Link, Target};
use crate::project::image_name::repository;
use crate::rules::Ctx;
use crate::source::Span;
use crate::syntax::proxy_value::{has_variable, upstream_url};

pub(super) fn check(cx: &mut Ctx) {
    let mut hops: BTreeMap<HopId, Vec<Sent>> = BTreeMap::new();
    for pass in cx.passes {
        let (place, directive) = (pass.place, pass.directive);
        let arg = directive.args.first();
        let Some(arg) = arg.filter(|_| directive.name.value == "proxy_pass") else {
            continue;
        };
        let name = upstream_url(&arg.value).and_then(|url| url.host);
        let Some(name) = name.filter(|name| name.contains('_') && !has_variable(name)) else {
            continue;
        };
        let unset = place.is_whole() && place.scope.header("host").is_none();
        let ids = pass.routes.iter().flat_map(|route| &route.links);
        let links: Vec<&Link> = ids.map(|id| cx.model.link(*id)).collect();
        let sent = hops.entry(place.hop).or_default();
        let new = sent.iter().all(|sent| sent.span != directive.span);
        if unset && new && !links.iter().any(|link| takes_any(cx, link)) {
            sent.push(Sent {
                name,
                span: directive.span,
                links,
            });
        }
    }
    for sent in hops.into_values().filter(|sent| !sent.is_empty()) {
        report(cx, &sent);
    }
}

/// A name that is sent as Host.
struct Sent<'a> {
    name: String,
    /// Where requests are passed on.
    span: Span,
    /// To whom.
    links: Vec<&'a Link>,
}

/// Whether what is behind certainly takes any name: nginx, HAProxy and node do.
fn takes_any(cx: &Ctx, link: &Link) -> bool {
    reached(&link.target).is_some_and(|(hop, _)| {
        let kind = &cx.model.hop(hop).kind;
        is_proxy(kind) || *kind == HopKind::App("node".to_owned())
    })
}

/// Who is behind and refuses a name with an underscore: Django, by the name of its module, and Tomcat, by its image.
fn refuses(cx: &Ctx, link: &Link) -> Option<&'static str> {
    let Target::Service { service, .. } = link.target else {
        return None;
    };
    let container = cx.project.container(service);
    let image = container.image.as_ref().and_then(|image| image.get());
    let django =
        |word: &str| word.contains(".wsgi") || word.contains(".asgi") || word.contains("manage.py");
    if container.words().iter().any(|word| django(word)) {
        Some("Django")
    } else if image.is_some_and(|image| repository(image) == "tomcat") {
        Some("Tomcat")
    } else {
        None
    }
}

fn report(cx: &mut Ctx, sent: &[Sent]) {
    let strict = sent.iter().find_map(|sent| {
        let link = sent.links.iter().find(|link| refuses(cx, link).is_some())?;
        Some((sent, *link, refuses(cx, link)?))
    });
    let first = strict.map_or(&sent[0], |(sent, ..)| sent);
    let place = strict.and_then(|(_, link, _)| match link.target {
        Target::Service { service, .. } => Some(cx.service_span(service)),
        _ => None,
    });
    let (name, who) = (&first.name, strict.map_or("the app", |(.., who)| who));
    let finding = cx.report(
        first.span,
        format!("nginx sends the name {name} as Host, and {who} may refuse an underscore in it"),
    );
    finding.here("no Host header is set: the name of the upstream is sent");
    for other in sent.iter().filter(|sent| sent.span != first.span) {
        finding.label(other.span, format!("sends {}", other.name));
    }
    if let Some(place) = place {
        finding.label(place, format!("{who} answers 400 to it"));
    }
    finding
        .help("add `proxy_set_header Host $host;`, which the app needs for its links as well")
        .because("name", name);
    if strict.is_none() {
        finding.severity(Severity::Info).at_most(Confidence::Medium);
    }
}
