//! rules/resolve-unusable.md

use std::collections::BTreeMap;

use crate::model::HopId;
use crate::model::nginx::{Place, is_address};
use crate::model::version::{Versions, at_least};
use crate::rules::Ctx;
use crate::source::{Span, Spanned};
use crate::syntax::proxy_value::upstream_url;

/// The first open source nginx that knows the parameter. Source: CHANGES.
const FIRST: &str = "1.27.3";

pub(super) fn check(cx: &mut Ctx) {
    // One `resolver` in `http` heals all groups that lack nothing else.
    let mut unanswered: BTreeMap<HopId, Vec<(&Place, Server)>> = BTreeMap::new();
    for place in cx.places {
        if place.context() == "upstream" {
            let servers = upstream(cx, place);
            let servers = servers.into_iter().map(|server| (place, server));
            unanswered.entry(place.hop).or_default().extend(servers);
        }
    }
    for servers in unanswered
        .into_values()
        .filter(|servers| !servers.is_empty())
    {
        without_resolver(cx, &servers);
    }
}

/// A `server` with `resolve`: its address, and the parameter.
type Server<'a> = (&'a Spanned<String>, &'a Spanned<String>);

/// Reports what is wrong with a group of its own, and returns the servers that lack a resolver alone.
fn upstream<'a>(cx: &mut Ctx, place: &'a Place) -> Vec<Server<'a>> {
    let Some(name) = place.opener.and_then(|opener| opener.args.first()) else {
        return Vec::new();
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
        return Vec::new();
    }
    // An address needs neither.
    let named: Vec<Server> = servers
        .into_iter()
        .filter(|(address, _)| is_name(&address.value))
        .collect();
    let Some((address, _)) = named.first() else {
        return named;
    };
    let zone = !place.conf.complete || place.scope.own("zone").next().is_some();
    let resolver = !place.is_whole() || place.scope.find("resolver").is_some();
    let (lacks, here, help) = match (zone, resolver) {
        (true, true) => return Vec::new(),
        (true, false) => return named,
        (false, true) => (
            format!("upstream {} has no `zone`", name.value),
            "no shared memory to keep the addresses in",
            format!("add `zone {} 64k;`", name.value),
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
    Vec::new()
}

fn without_resolver(cx: &mut Ctx, servers: &[(&Place, Server)]) {
    let (place, (address, _)) = servers[0];
    let mut groups: Vec<(Span, &str)> = Vec::new();
    for (place, _) in servers {
        let name = place.opener.and_then(|opener| opener.args.first());
        if let Some(name) = name.filter(|name| groups.iter().all(|(span, _)| *span != name.span)) {
            groups.push((name.span, name.value.as_str()));
        }
    }
    let named: Vec<Server> = servers.iter().map(|(_, server)| *server).collect();
    let help = resolver_help(cx, place);
    let message = format!(
        "nginx is to look {} up while it runs, and no `resolver` is set",
        address.value
    );
    let finding = report(cx, &named, message);
    finding.here("nobody to ask");
    for (span, _) in &groups {
        finding.label(*span, "the group");
    }
    let names: Vec<&str> = groups.iter().map(|(_, name)| *name).collect();
    finding.help(help).because("upstream", names.join(" "));
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
