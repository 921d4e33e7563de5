//! rules/max-conns-without-peer.md

use crate::finding::Confidence;
use crate::model::Target;
use crate::rules::Ctx;
use crate::rules::localhost_dual_stack::is_localhost;
use crate::rules::peers::{Group, groups};
use crate::rules::words::count;

pub(super) fn check(cx: &mut Ctx) {
    for group in groups(cx) {
        let [peer] = group.peers.as_slice() else {
            continue;
        };
        let most = peer
            .parameter("max_conns")
            .and_then(|most| most.parse().ok());
        // `queue` of NGINX Plus lets requests wait.
        let queues = group.place.scope.own("queue").next().is_some();
        if let Some(most) = most.filter(|most| *most > 0 && !queues) {
            report(cx, &group, most);
        }
    }
}

fn report(cx: &mut Ctx, group: &Group, most: usize) {
    let link = group.peers[0].link;
    let shared = group.place.scope.own("zone").next().is_some();
    let each = if shared { "" } else { " of each worker" };
    let several = match &link.target {
        Target::Service { service, .. } => {
            let replicas = cx.project.service(*service).replicas.as_ref();
            replicas.is_some_and(|replicas| replicas.value > 1)
        }
        Target::External | Target::Unknown(_) => {
            link.lookup != crate::model::Lookup::Never || is_localhost(link)
        }
        _ => false,
    };
    let finding = cx.report(
        group.peers[0].server.span,
        format!(
            "beyond {}{each} at a time there is no server to go to, and nginx lets none wait",
            count(most, "request")
        ),
    );
    finding
        .here(format!("{}{each} at most", count(most, "connection")))
        .label(group.routes[0].span, "requests go this way")
        .help("remove `max_conns` and let the app queue, add a server, or answer the rest with `limit_conn` and 429")
        .because("max_conns", most);
    // A name may stand for several servers.
    if several {
        finding.at_most(Confidence::Medium);
    }
}
