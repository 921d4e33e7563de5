//! rules/keepalive-inverted.md

use crate::finding::{Confidence, Label, Severity};
use crate::model::{Amount, HopKind, Key, Origin, Reuse};
use crate::rules::Ctx;
use crate::rules::inversion::{Inversion, Mended, inversions};
use crate::rules::keepalive_race_hidden::keeping;
use crate::rules::next_upstream_off::forbidden;
use crate::rules::waits::below;
use crate::rules::words::{duration, soften};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    for inversion in inversions(
        cx,
        Key::KeepaliveIdle,
        &[Key::ClientIdle, Key::KeepaliveIdle],
        Mended::Between,
    ) {
        report(cx, &inversion);
    }
}

fn report(cx: &mut Ctx, inversion: &Inversion) {
    let Some((keeps, closes)) = inversion.values() else {
        return;
    };
    let (proxy, app) = (
        cx.program(inversion.outer.hop),
        cx.hop_name(inversion.inner.hop),
    );
    let reuse = inversion
        .outer
        .route
        .map(|route| &cx.model.route(route).reuse);
    let enabled = match reuse {
        Some(Reuse::On(span)) => *span,
        _ => None,
    };
    let if_recent = reuse == Some(&Reuse::IfRecent);
    let route = inversion.route(cx.model);
    let [(mut primary, here), (other, there)] = inversion.ends(
        cx.model,
        &format!("kept {}", duration(keeps)),
        &format!("closed after {}", duration(closes)),
    );
    let at_edge = inversion.is_at_edge(cx.model);
    // Where nothing says for how long, what makes it keep them at all.
    if inversion.waits.span().is_none() && !at_edge {
        primary = enabled.unwrap_or(primary);
    }
    let mut message = message(cx, (&proxy, keeps), (&app, closes));
    if if_recent {
        message += ", if this nginx is 1.29.7 or newer, as a fresh pull of its tag is";
    }
    let off = next_upstream_off(cx, inversion);
    let flow = flow(cx, inversion, keeps, closes);
    let help = help(cx, inversion, keeps, closes);
    let finding = cx.report(primary, message);
    finding.flow = flow;
    finding.here(here);
    if ![primary, other].contains(&route) && !at_edge {
        finding.label(route, "requests go this way");
    }
    if let Some(off) = off {
        finding.label(off, "and not even a GET is sent again");
    }
    finding
        .label(other, there)
        .help(help)
        .because("outer", keeps)
        .because("inner", closes);
    if if_recent {
        finding.severity(Severity::Info).at_most(Confidence::Medium);
    }
    if keeps == closes || !inversion.behind.origin().is_some_and(Origin::is_certain) {
        finding.severity(Severity::Info);
    }
    soften(finding, &[inversion.waits, inversion.behind]);
}

fn flow(cx: &Ctx, inversion: &Inversion, keeps: Amount, closes: Amount) -> Vec<Label> {
    let keeps = format!("keeps idle connections {}", duration(keeps));
    let closes = format!("closes them after {}", duration(closes));
    inversion.flow(cx, &keeps, &closes)
}

fn message(cx: &Ctx, (proxy, keeps): (&str, Amount), (app, closes): (&str, Amount)) -> String {
    let (long, short) = (duration(keeps), duration(closes));
    if keeps == closes {
        return format!(
            "{proxy} keeps idle connections {long}, exactly as long as {app}: who closes first is chance"
        );
    }
    let apart = cx.apart(keeps, closes, ["earlier", "later"]);
    format!("{proxy} keeps idle connections {long}, {app} closes them after {short}{apart}")
}

/// Whether the inner hop is an nginx that follows the CIS benchmark (`keepalive_timeout` of ten seconds or less, not 0).
fn is_hardened(cx: &Ctx, inversion: &Inversion) -> bool {
    let short = matches!(inversion.behind.value(), Some(Amount::Finite(1..=10_000)));
    let is_nginx = cx.model.hop(inversion.inner.hop).kind == HopKind::Nginx;
    short && is_nginx && inversion.behind.span().is_some()
}

/// Where it is written that a failed request must not be repeated: then the race costs more than POSTs.
fn next_upstream_off(cx: &Ctx, inversion: &Inversion) -> Option<Span> {
    let route = cx.model.route(inversion.outer.route?);
    let mut found = forbidden(cx).into_iter();
    found
        .find(|(_, other)| other.hop == route.hop && other.links == route.links)
        .map(|(span, _)| span)
}

/// The proxy's clock is lowered where it can be, or the one behind is raised.
fn help(cx: &Ctx, inversion: &Inversion, keeps: Amount, closes: Amount) -> String {
    let mut ways = Vec::new();
    match closes {
        // nginx reads whole seconds most easily.
        Amount::Finite(ms) if ms >= 2000 && !inversion.is_at_edge(cx.model) => {
            let below = duration(Amount::Finite(below(ms, cx.margin())));
            ways.push(format!(
                "set `keepalive_timeout` of the upstream block to {below} or less"
            ));
        }
        _ => {}
    }
    if let Amount::Finite(ms) = keeps {
        ways.push(keeping(cx, inversion.inner.hop, ms));
    } else {
        let (proxy, closes) = (cx.program(inversion.outer.hop), duration(closes));
        ways.push(format!("let {proxy} keep them for less than {closes}"));
    }
    let mut help = ways.join(", or ");
    if is_hardened(cx, inversion) {
        help += ": the 10 s that the CIS benchmark asks for are meant for clients, and here the client is a proxy";
    }
    help
}
