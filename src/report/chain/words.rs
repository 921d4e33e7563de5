//! Where a value comes from, and why nothing is known of what a link leads to, in words.

use super::names::Names;
use super::{listens, program};
use crate::analyze::Analysis;
use crate::model::{Amount, Link, Origin, ServiceRef, Setting, Target};
use crate::source::Sources;

/// How a value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::report) enum Mark {
    Written,
    Inherited,
    Default,
    Assumed,
    Unknown,
}

/// `nginx.conf:7`, `inherited from nginx.conf:7`, `default of nginx 1.28`, `unknown: …`.
pub(in crate::report) fn origin(setting: &Setting<Amount>, sources: &Sources) -> (Mark, String) {
    let origin = match setting {
        Setting::Unknown(why) => return (Mark::Unknown, format!("unknown: {why}")),
        Setting::Known { origin, .. } => origin,
    };
    match origin {
        Origin::Written(span) => (Mark::Written, sources.place(*span)),
        Origin::Inherited(span) => {
            let text = format!("inherited from {}", sources.place(*span));
            (Mark::Inherited, text)
        }
        Origin::Default {
            program: name,
            version,
            certain,
            ..
        } => {
            let whose = program(name, version);
            if *certain {
                (Mark::Default, format!("default of {whose}"))
            } else {
                (Mark::Assumed, format!("assumed default of {whose}"))
            }
        }
    }
}

/// Why nothing is known of what a link leads to.
pub(in crate::report) fn end(link: &Link, analysis: &Analysis) -> String {
    match &link.target {
        Target::Service { service, port, .. } => {
            format!("timeouts unknown: {}", unheard(*service, *port, analysis))
        }
        Target::Host { .. } => "what listens there is not in the project".to_owned(),
        Target::External => "outside the project".to_owned(),
        Target::Nowhere(dead) => format!("leads nowhere: {}", dead.why()),
        Target::Unknown(why) => format!("unknown: {why}"),
    }
}

/// Why nobody is known who takes connections on a port of a service.
fn unheard(service: ServiceRef, port: u16, analysis: &Analysis) -> String {
    let model = &analysis.model;
    if let Some(why) = model.opaque.get(&service) {
        return why.clone();
    }
    let mut heard = Names::default();
    for (_, hop) in model.hops_of(service) {
        let known = hop
            .listeners
            .iter()
            .all(|one| one.address.value().is_some());
        if !hop.listeners_complete || !known {
            return format!("on which ports {} listens is not known", hop.kind.as_str());
        }
        let on = listens(hop, None).join(", ");
        heard.add(format!("{} listens on {on}", hop.kind.as_str()));
    }
    if heard.list.is_empty() {
        return "nothing tells what listens there".to_owned();
    }
    format!("nothing listens on {port}, {}", heard.list.join(", "))
}
