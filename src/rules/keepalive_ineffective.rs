//! rules/keepalive-ineffective.md

use crate::finding::Confidence;
use crate::model::{Reuse, Route};
use crate::rules::Ctx;
use crate::rules::peers::{Group, groups};
use crate::rules::words::first_of;

pub(super) fn check(cx: &mut Ctx) {
    for group in groups(cx) {
        upstream(cx, &group);
    }
}

fn upstream(cx: &mut Ctx, group: &Group) {
    let (routes, scope) = (&group.routes, &group.place.scope);
    let Some(keepalive) = scope.own("keepalive").next_back() else {
        return;
    };
    let off = |route: &&Route| matches!(&route.reuse, Reuse::Off(_)) || depends(route).is_some();
    let wanted = keepalive.args.first().is_some_and(|arg| arg.value != "0");
    if !wanted || !routes.iter().all(off) {
        return;
    }
    let (why, certain) = match (&routes[0].reuse, depends(routes[0])) {
        (Reuse::Off(why), _) => (why.clone(), true),
        (_, Some(why)) => (why.to_owned(), false),
        _ => return,
    };
    let never = if certain { "is never" } else { "may never be" };
    let finding = cx.report(
        keepalive.span,
        format!("this pool of connections {never} used: {why}"),
    );
    finding
        .here("kept for nobody")
        .label(routes[0].span, first_of(routes.len()))
        .help(match why.as_str() {
            why if why.starts_with("fastcgi") => "set `fastcgi_keep_conn on`, or remove `keepalive`",
            why if why.contains("websockets") => {
                "let the map give `\"\"` in place of `close`, or remove `keepalive`"
            }
            _ => "set `proxy_http_version 1.1` and `proxy_set_header Connection \"\"`, or remove `keepalive`",
        })
        .because("why", &why);
    if !certain {
        finding.at_most(Confidence::Medium);
    }
}

/// Why nothing is reused if nginx is not a new one, where its version is all that is unknown.
fn depends(route: &Route) -> Option<&str> {
    match &route.reuse {
        Reuse::Unknown(why) if why.contains("if this nginx is older") => Some(why),
        _ => None,
    }
}
