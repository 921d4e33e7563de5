//! rules/keepalive-inverted.md

use crate::finding::Severity;
use crate::model::{Amount, Key, Origin, Reuse};
use crate::rules::Ctx;
use crate::rules::inversion::{Inversion, inversions};
use crate::rules::words::{duration, soften, stated};

pub(super) fn check(cx: &mut Ctx) {
    for inversion in inversions(
        cx,
        "keepalive-inverted",
        Key::KeepaliveIdle,
        &[Key::ClientIdle, Key::KeepaliveIdle],
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
    let enabled = inversion
        .outer
        .route
        .and_then(|route| match &cx.model.route(route).reuse {
            Reuse::On(span) => *span,
            _ => None,
        });
    let (route, place) = (inversion.route(cx.model), inversion.inner_place(cx.model));
    let primary = inversion.waits.span().or(enabled).unwrap_or(route);
    let message = if keeps == closes {
        format!(
            "{proxy} keeps idle connections {}, exactly as long as {app}: who closes first is chance",
            duration(keeps)
        )
    } else {
        format!(
            "{proxy} keeps idle connections {}, {app} closes them after {}",
            duration(keeps),
            duration(closes)
        )
    };
    let finding = cx.report(primary, message);
    finding.here(stated(
        &format!("kept {}", duration(keeps)),
        inversion.waits,
    ));
    if primary != route {
        finding.label(route, "requests go this way");
    }
    finding
        .label(
            place,
            stated(
                &format!("closed after {}", duration(closes)),
                inversion.behind,
            ),
        )
        .help(help(&proxy, &app, keeps, closes))
        .because("outer", keeps)
        .because("inner", closes);
    if keeps == closes || !inversion.behind.origin().is_some_and(Origin::is_certain) {
        finding.severity(Severity::Info);
    }
    soften(finding, &[inversion.waits, inversion.behind]);
}

fn help(proxy: &str, app: &str, keeps: Amount, closes: Amount) -> String {
    let longer = format!("let {app} keep them for longer than {}", duration(keeps));
    match closes {
        // The proxy's clock wants a second to spare, and nginx reads whole seconds most easily.
        Amount::Finite(ms) if ms >= 2000 => {
            let below = duration(Amount::Finite((ms - 1) / 1000 * 1000));
            let setting = if proxy == "nginx" {
                "`keepalive_timeout` of the upstream block"
            } else {
                "the proxy's idle time"
            };
            format!("set {setting} to {below} or less, or {longer}")
        }
        _ => longer,
    }
}
