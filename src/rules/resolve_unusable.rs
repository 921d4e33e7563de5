//! rules/resolve-unusable.md

use crate::model::nginx::{Place, is_address};
use crate::model::version::{Versions, at_least};
use crate::rules::Ctx;
use crate::source::{Span, Spanned};
use crate::syntax::proxy_value::upstream_url;

/// The first open source nginx that knows the parameter. Source: CHANGES.
const FIRST: &str = "1.27.3";

pub(super) fn check(cx: &mut Ctx) {
    for place in cx.places {
        if place.context() == "upstream" {
            upstream(cx, place);
        }
    }
}

/// A `server` with `resolve`: its address, and the parameter.
type Server<'a> = (&'a Spanned<String>, &'a Spanned<String>);

fn upstream(cx: &mut Ctx, place: &Place) {
    let Some(name) = place.opener.and_then(|opener| opener.args.first()) else {
        return;
    };
    let servers: Vec<Server> = place
        .scope
        .own("server")
        .filter_map(|server| {
            let resolve = server.args.iter().find(|arg| arg.value == "resolve")?;
            Some((server.args.first()?, resolve))
        })
        .collect();
    let version = &cx.model.hop(place.hop).version;
    if at_least(version, FIRST) == Versions::None {
        let (version, image) = (version.value().cloned().unwrap_or_default(), version.span());
        too_old(cx, &servers, &version, image);
        return;
    }
    // An address needs neither.
    let named: Vec<Server> = servers
        .into_iter()
        .filter(|(address, _)| is_name(&address.value))
        .collect();
    let Some((address, _)) = named.first() else {
        return;
    };
    let zone = !place.conf.complete || place.scope.own("zone").next().is_some();
    let resolver = !place.is_whole() || place.scope.find("resolver").is_some();
    let (lacks, here, help) = match (zone, resolver) {
        (true, true) => return,
        (false, true) => (
            format!("upstream {} has no `zone`", name.value),
            "no shared memory to keep the addresses in",
            format!("add `zone {} 64k;`", name.value),
        ),
        (true, false) => (
            "no `resolver` is set".to_owned(),
            "nobody to ask",
            resolver_help(cx, place),
        ),
        (false, false) => (
            format!("upstream {} has no `zone` and no `resolver`", name.value),
            "nobody to ask, and no shared memory to keep the answer in",
            format!(
                "add `zone {} 64k;`, and {}",
                name.value,
                resolver_help(cx, place)
            ),
        ),
    };
    let message = format!(
        "nginx is to look {} up while it runs, and {lacks}",
        address.value
    );
    report(cx, &named, message)
        .here(here)
        .label(name.span, "the group")
        .help(help)
        .because("upstream", &name.value);
}

fn too_old(cx: &mut Ctx, servers: &[Server], version: &str, image: Option<Span>) {
    if servers.is_empty() {
        return;
    }
    let message = format!("`resolve` came with nginx {FIRST}, and this is nginx {version}");
    let finding = report(cx, servers, message);
    finding.here("an unknown parameter");
    if let Some(image) = image {
        finding.label(image, format!("nginx {version}"));
    }
    finding
        .help(format!(
            "use nginx {FIRST} or later, or `set` a variable, pass to that, and set a `resolver`"
        ))
        .because("version", version);
}

fn report<'a>(
    cx: &'a mut Ctx,
    servers: &[Server],
    message: String,
) -> &'a mut crate::finding::Finding {
    let finding = cx.report(servers[0].1.span, message);
    finding.again(servers[1..].iter().map(|(_, resolve)| resolve.span))
}

fn resolver_help(cx: &Ctx, place: &Place) -> String {
    match cx.model.hop(place.hop).service {
        Some(_) => {
            "set `resolver 127.0.0.11 valid=10s;` (Docker's own) in it or in `http`".to_owned()
        }
        None => "set a `resolver` in it or in `http`".to_owned(),
    }
}

fn is_name(address: &str) -> bool {
    let host = upstream_url(address).and_then(|raw| raw.host);
    host.is_some_and(|host| !is_address(&host))
}
