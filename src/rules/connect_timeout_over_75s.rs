//! rules/connect-timeout-over-75s.md

use std::collections::BTreeMap;

use crate::model::{Amount, HopId, HopKind, Key, Protocol, Route};
use crate::rules::Ctx;
use crate::rules::timeout_unit_suspect::{meant_as_ms, written};
use crate::rules::words::{duration, first_of};
use crate::source::Span;

/// What the manual of nginx calls the usual limit (milliseconds).
const MOST: u64 = 75_000;

pub(super) fn check(cx: &mut Ctx) {
    let texts = written(cx);
    let mut causes: BTreeMap<(HopId, Span), (u64, Vec<&Route>)> = BTreeMap::new();
    for route in &cx.model.routes {
        let http =
            cx.model.hop(route.hop).kind == HopKind::Nginx && route.protocol != Protocol::Tcp;
        let Some(setting) = route.timeouts.get(&Key::Connect).filter(|_| http) else {
            continue;
        };
        let (Some(Amount::Finite(ms)), Some(span)) = (setting.value(), setting.span()) else {
            continue;
        };
        // A number that was meant as milliseconds is another mistake.
        let slip = texts
            .get(&span)
            .is_some_and(|text| meant_as_ms(text).is_some());
        if *ms > MOST && !slip {
            let cause = causes.entry((route.hop, span)).or_insert((*ms, Vec::new()));
            cause.1.push(route);
        }
    }
    // Whoever writes it once writes it everywhere: one finding for each nginx.
    let mut hops: BTreeMap<HopId, Vec<Cause>> = BTreeMap::new();
    for ((hop, span), (ms, routes)) in causes {
        hops.entry(hop).or_default().push((span, ms, routes));
    }
    for causes in hops.into_values() {
        report(cx, &causes);
    }
}

/// Where it is written, what (milliseconds), and the ways that have it.
type Cause<'a> = (Span, u64, Vec<&'a Route>);

fn report(cx: &mut Ctx, causes: &[Cause]) {
    let (span, ms, routes) = &causes[0];
    let waits = duration(Amount::Finite(*ms));
    let finding = cx.report(
        *span,
        format!("nginx waits {waits} for a connection, and its manual promises 75s at most"),
    );
    finding
        .here(format!("{waits} until the next server is tried or 504 is sent"))
        .label(routes[0].span, first_of(routes.len()))
        .help("write a few seconds: a host that is there answers at once, and a slow answer is `proxy_read_timeout`'s affair")
        .because("connect", ms);
    for (span, ms, _) in &causes[1..] {
        finding.label(*span, format!("and {} here", duration(Amount::Finite(*ms))));
    }
}
