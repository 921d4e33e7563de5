//! `ports`: what a service publishes on its host.

use super::partial;
use crate::project::compose::stack::Around;
use crate::project::compose::tree::Tree;
use crate::project::compose::{Port, check};
use crate::syntax::value::port::{Range, port_range, short_port};

/// Reads the ports of a service.
pub(super) fn read(around: &mut Around, service: &str, tree: &Tree) -> Vec<Port> {
    let written = tree.get("ports").map_or(&[][..], Tree::items);
    let mut ports = Vec::with_capacity(written.len());
    for item in written {
        if item.entries().is_empty() {
            ports.extend(short(around, service, item));
        } else {
            ports.push(long(item));
        }
    }
    ports
}

fn short(around: &mut Around, service: &str, item: &Tree) -> Option<Port> {
    let scalar = item.scalar()?;
    if let Some(port) = short_port(partial(scalar)) {
        return Some(Port {
            host_ip: port.host_ip,
            published: port.published,
            target: port.target,
            protocol: port.protocol,
            span: item.span,
        });
    }
    check::form(around, &scalar.text, service, "port mapping");
    // One variable for the whole of it, or a form that is not known: something is published.
    Some(Port {
        host_ip: None,
        published: None,
        target: None,
        protocol: "tcp".to_owned(),
        span: item.span,
    })
}

fn long(item: &Tree) -> Port {
    let text = |key: &str| item.get(key).and_then(Tree::known).map(str::to_owned);
    let range = |key: &str| -> Option<Range> { port_range(item.get(key)?.known()?) };
    Port {
        host_ip: text("host_ip"),
        published: range("published"),
        target: range("target"),
        protocol: text("protocol").unwrap_or_else(|| "tcp".to_owned()),
        span: item.span,
    }
}
