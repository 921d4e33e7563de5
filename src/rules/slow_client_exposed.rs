//! rules/slow-client-exposed.md

use std::collections::HashSet;

use crate::model::{Amount, Hop, HopKind, Key, Model, Protocol, Route, Step};
use crate::rules::Ctx;

pub(super) fn check(cx: &mut Ctx) {
    let model: &Model = cx.model;
    let mut seen = HashSet::new();
    for chain in &model.chains {
        let [.., proxy, app] = chain.steps.as_slice() else {
            continue;
        };
        if app.route.is_none()
            && is_one_at_a_time(model.hop(app.hop))
            && chain
                .steps
                .iter()
                .all(|step| passes_on_slowly(model, *step))
            && seen.insert((proxy.hop, app.hop, place(model, *proxy)))
        {
            report(cx, *proxy, *app);
        }
    }
}

/// Whether a worker has nothing else to do until its request is there: gunicorn's sync workers, which alone have a limit for
/// a request, and uWSGI's.
fn is_one_at_a_time(hop: &Hop) -> bool {
    let reads_http = hop
        .listeners
        .iter()
        .any(|listener| listener.protocol.value() == Some(&Protocol::Http));
    match &hop.kind {
        HopKind::App(name) if name == "gunicorn" => {
            let limit = hop.timeouts.get(&Key::Worker);
            limit.is_some_and(|limit| matches!(limit.value(), Some(Amount::Finite(_))))
        }
        HopKind::App(name) => name == "uwsgi" && hop.slots.is_some() && reads_http,
        _ => false,
    }
}

/// Whether a hop surely sends on what it has of a request; an app is none.
fn passes_on_slowly(model: &Model, step: Step) -> bool {
    let route: Option<&Route> = step.route.map(|id| model.route(id));
    route.is_none_or(|route| route.sizes.whole_requests.value() == Some(&false))
}

fn place(model: &Model, proxy: Step) -> Option<crate::source::Span> {
    let route = model.route(proxy.route?);
    Some(route.sizes.whole_requests.span().unwrap_or(route.span))
}

fn report(cx: &mut Ctx, proxy: Step, app: Step) {
    let model = cx.model;
    let Some(place) = place(model, proxy) else {
        return;
    };
    let (front, behind) = (cx.hop_name(proxy.hop), cx.hop_name(app.hop));
    let help = match model.hop(proxy.hop).kind {
        HopKind::HaProxy => {
            "set `option http-buffer-request`, and `timeout http-request` to bound the wait"
                .to_owned()
        }
        _ => "leave request buffering on for this app".to_owned(),
    };
    let message = format!(
        "{front} passes a request on before its body is there, and {behind} gives a whole worker to each"
    );
    let span = model.hop(app.hop).span;
    let finding = cx.report(place, message);
    finding
        .here("bodies are passed on as they come")
        .label(span, "a worker waits for the rest")
        .help(help)
        .because("proxy", &front)
        .because("app", &behind);
}
