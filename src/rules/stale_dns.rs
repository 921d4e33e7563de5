//! rules/stale-dns.md

use std::collections::HashSet;

use crate::finding::{Confidence, Severity};
use crate::model::{Dialled, HopKind, Link, Lookup, ServiceRef, Target};
use crate::rules::host_gateway_missing::is_to_host;
use crate::rules::words::list;
use crate::rules::{Ctx, grouped};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let swarms = cx.swarms();
    for links in grouped(cx, |cx, link| moving(cx, &swarms, link)) {
        if let Some(kind) = moving(cx, &swarms, links[0]) {
            report(cx, &links, &kind);
        }
    }
    if cx.settings.pedantic {
        recreated(cx, &swarms);
    }
}

/// Why a name has another address one day.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Moving {
    /// The host is that of a load balancer or a CDN, with the words for its owner.
    Cloud(String, &'static str),
    /// The service has so many containers.
    Replicas(ServiceRef, u32),
}

/// Ends of names whose addresses their owners change at will. Sources: the manuals of each; an Application Load Balancer's
/// nodes come and go with its load.
const CLOUD: &[(&str, &str)] = &[
    (".elb.amazonaws.com", "an AWS load balancer"),
    (".cloudfront.net", "CloudFront"),
    (".azurewebsites.net", "Azure App Service"),
    (".azurefd.net", "Azure Front Door"),
    (".azureedge.net", "Azure CDN"),
    (".trafficmanager.net", "Azure Traffic Manager"),
    (".herokuapp.com", "Heroku"),
    (".herokudns.com", "Heroku"),
    (".run.app", "Cloud Run"),
    (".appspot.com", "App Engine"),
    (".fly.dev", "Fly"),
    (".onrender.com", "Render"),
    (".vercel.app", "Vercel"),
    (".netlify.app", "Netlify"),
    (".workers.dev", "Cloudflare"),
    (".pages.dev", "Cloudflare"),
    (".cdn.cloudflare.net", "Cloudflare"),
    (".fastly.net", "Fastly"),
    (".akamaiedge.net", "Akamai"),
    (".edgekey.net", "Akamai"),
    (".edgesuite.net", "Akamai"),
    (".ondigitalocean.app", "DigitalOcean App Platform"),
    (".up.railway.app", "Railway"),
];

fn moving(cx: &Ctx, swarms: &[bool], link: &Link) -> Option<Moving> {
    let (Lookup::AtStart, Dialled::Tcp { host, .. }) = (&link.lookup, &link.dialled) else {
        return None;
    };
    match link.target {
        Target::External => {
            cloud(&host.value).map(|owner| Moving::Cloud(host.value.clone(), owner))
        }
        Target::Service { service, .. } if Some(service) != cx.model.hop(link.from).service => {
            // A swarm gives the service one address that stays.
            let replicas = cx.project.service(service).replicas.as_ref()?.value;
            (replicas > 1 && !swarms[service.stack]).then_some(Moving::Replicas(service, replicas))
        }
        _ => None,
    }
}

fn cloud(host: &str) -> Option<&'static str> {
    let regional = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    if regional && (host.contains(".elb.") || host.contains(".execute-api.")) {
        return Some("AWS");
    }
    let mut known = CLOUD.iter().filter(|(end, _)| host.ends_with(end));
    known.next().map(|(_, owner)| *owner)
}

fn report(cx: &mut Ctx, links: &[&Link], kind: &Moving) {
    let from = cx.program(links[0].from);
    let seen = cx.failed(links[0]);
    let help = help(cx, links[0]);
    let place = match kind {
        Moving::Replicas(service, _) => Some(cx.service_span(*service)),
        Moving::Cloud(..) => None,
    };
    let (name, message) = match kind {
        Moving::Cloud(host, owner) => (
            host.clone(),
            format!(
                "{from} looks {host} up once, while it starts, and {owner} moves its addresses"
            ),
        ),
        Moving::Replicas(service, count) => {
            let name = cx.service_name(*service).to_owned();
            let message = format!(
                "{from} looks {name} up once, while it starts, and its {count} containers change with each deploy"
            );
            (name, message)
        }
    };
    let finding = cx.report(links[0].span, message);
    finding.here("looked up while it starts").repeats(links);
    if let Some(place) = place {
        finding.label(place, "several containers");
    }
    finding.help(help).seen(seen).because("name", &name);
}

fn help(cx: &Ctx, link: &Link) -> String {
    let hop = cx.model.hop(link.from);
    let docker = if hop.service.is_some() {
        " 127.0.0.11 valid=10s"
    } else {
        ""
    };
    match hop.kind {
        HopKind::HaProxy => {
            "give the server `resolvers`, so that HAProxy follows the name while it runs".to_owned()
        }
        _ => format!(
            "set `resolver{docker}` and pass to a variable that holds the name, or from nginx 1.27.3 on write `server … resolve` in a group with a `zone`"
        ),
    }
}

/// Any service may get another address when it is made anew: said once for a project.
fn recreated(cx: &mut Ctx, swarms: &[bool]) {
    let fixed = |link: &Link| match link.target {
        // A swarm gives the service one address that stays.
        Target::Service { service, .. } if swarms[service.stack] => true,
        Target::Service { service, .. } => {
            let mut networks = cx.project.service(service).networks.iter();
            networks.any(|membership| !membership.addresses.is_empty())
        }
        _ => true,
    };
    let plain = |link: &&Link| {
        let own = matches!(link.target, Target::Service { service, .. } if Some(service) == cx.model.hop(link.from).service);
        let named = link.lookup == Lookup::AtStart && !is_to_host(link);
        named && !own && !fixed(link) && moving(cx, swarms, link).is_none()
    };
    let mut names: Vec<&str> = Vec::new();
    let mut told = HashSet::new();
    let mut links: Vec<&Link> = Vec::new();
    for link in cx.model.links.iter().filter(plain) {
        if let Dialled::Tcp { host, .. } = &link.dialled
            && told.insert(host.value.as_str())
        {
            names.push(&host.value);
            links.push(link);
        }
    }
    let Some(first) = links.first() else { return };
    let (from, help) = (cx.program(first.from), help(cx, first));
    let seen = cx.failed(first);
    let rest: Vec<Span> = links[1..].iter().map(|link| link.span).collect();
    let message = format!(
        "{from} looks {} up once, while it starts; a container that is made anew may get another address",
        list(&names)
    );
    let names = names.join(", ");
    let finding = cx.report(first.span, message);
    finding.here("looked up while it starts");
    finding.again(rest);
    finding
        .help(help)
        .severity(Severity::Info)
        .at_most(Confidence::Medium)
        .seen(seen)
        .because("names", names);
}
