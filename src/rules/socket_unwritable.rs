//! rules/socket-unwritable.md

use crate::finding::{Confidence, Severity};
use crate::model::chain::reached;
use crate::model::{Dialled, HopId, HopKind, Link, ServiceRef};
use crate::project::image_name::repository;
use crate::rules::{Ctx, grouped};
use crate::source::{Span, Spanned};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, denied) {
        if let Some(denied) = denied(cx, links[0]) {
            report(cx, &links, &denied);
        }
    }
}

/// A socket that its owner keeps to itself, and the user that dials it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Denied {
    hop: HopId,
    listener: usize,
    owner: String,
    user: String,
    user_span: Option<Span>,
    sure: bool,
}

fn denied(cx: &Ctx, link: &Link) -> Option<Denied> {
    let (Dialled::Unix(_), HopKind::Nginx) = (&link.dialled, &cx.model.hop(link.from).kind) else {
        return None;
    };
    let (hop, listener) = reached(&link.target)?;
    let access = cx.model.hop(hop).listeners[listener].access.as_ref()?;
    let (user, group) = worker(cx, link.from)?;
    // The last digit is for all others: 2 of it is the right to write, which is the right to connect.
    if access.mode & 0o002 != 0 || user.value == "root" {
        return None;
    }
    let same_machine = cx.model.hop(link.from).service == cx.model.hop(hop).service;
    let denied = |owner: &str, sure: bool| Denied {
        hop,
        listener,
        owner: owner.to_owned(),
        user: user.value.clone(),
        user_span: user.span,
        sure,
    };
    match (&access.owner, &access.group) {
        (None, None) if starts_as_root(cx, hop) => Some(denied("root", true)),
        // The official image starts HAProxy as a user that it makes for itself, since 2.4.
        (None, None) if cx.model.hop(hop).kind == HopKind::HaProxy => {
            let strangers = is_own_user(&user.value) && !same_machine;
            (strangers && is_untouched(cx, link.from) && is_untouched(cx, hop))
                .then(|| denied("haproxy", false))
        }
        (Some(owner), Some(group)) if owner == "root" && group == "root" => {
            Some(denied(owner, true))
        }
        (Some(owner), named) if !same_machine => {
            let named = named.as_ref().unwrap_or(owner);
            let shares = *owner == user.value || (*named == group && access.mode & 0o020 != 0);
            let strangers = is_own_user(owner) && is_own_user(&user.value);
            (!shares && strangers && is_untouched(cx, link.from) && is_untouched(cx, hop))
                .then(|| denied(owner, false))
        }
        _ => None,
    }
}

/// A user with its place, if it is written.
struct Worker {
    value: String,
    span: Option<Span>,
}

/// The user and the group of nginx's workers: what `user` says, else what the official image is built with.
fn worker(cx: &Ctx, hop: HopId) -> Option<(Worker, String)> {
    let main = cx
        .places
        .iter()
        .find(|place| place.hop == hop && place.context() == "main")?;
    if let Some(directive) = main.scope.own("user").next_back() {
        let user: &Spanned<String> = directive.args.first()?;
        let group = directive.args.get(1).unwrap_or(user).value.clone();
        let worker = Worker {
            value: user.value.clone(),
            span: Some(user.span),
        };
        return Some((worker, group));
    }
    let service = cx.model.hop(hop).service?;
    let image = main.conf.image.as_ref()?.get()?;
    let official = repository(image) == "nginx" && cx.project.service(service).user.is_none();
    let worker = Worker {
        value: "nginx".to_owned(),
        span: None,
    };
    (official && main.is_whole()).then(|| (worker, "nginx".to_owned()))
}

/// Runtimes whose official images start everything as root.
const ROOTLY: [&str; 7] = [
    "php", "python", "ruby", "node", "debian", "ubuntu", "alpine",
];

/// Whether a process starts as root, so that the socket is root's as long as nothing else is written: no Dockerfile of
/// these images has a `USER`.
fn starts_as_root(cx: &Ctx, hop: HopId) -> bool {
    let Some(service) = cx.model.hop(hop).service else {
        return false;
    };
    let named = cx.project.service(service).user.is_some();
    let container = cx.project.container(service);
    let image = container.image.as_ref().and_then(|text| text.get());
    let recipe = container.recipe.as_deref().unwrap_or("");
    let rootly = |image: &str| ROOTLY.contains(&repository(image));
    !named && image.is_some_and(rootly) && !recipe.contains("USER ")
}

/// The users that the official images make for themselves, with ids of their own: 33 or 82, and 101.
fn is_own_user(name: &str) -> bool {
    matches!(name, "www-data" | "nginx")
}

/// Whether an image has the users that the official one has.
fn is_untouched(cx: &Ctx, hop: HopId) -> bool {
    const TOOLS: [&str; 6] = [
        "usermod",
        "groupmod",
        "useradd",
        "adduser",
        "addgroup",
        "/etc/group",
    ];
    let known = |service: ServiceRef| {
        let container = cx.project.container(service);
        let image = container.image.as_ref().and_then(|text| text.get());
        let recipe = container.recipe.as_deref().unwrap_or("");
        image.is_some_and(|image| matches!(repository(image), "php" | "nginx" | "haproxy"))
            && !TOOLS.iter().any(|tool| recipe.contains(tool))
    };
    cx.model.hop(hop).service.is_some_and(known)
}

fn report(cx: &mut Ctx, links: &[&Link], denied: &Denied) {
    let (hop, user, owner) = (cx.model.hop(denied.hop), &denied.user, &denied.owner);
    let listener = &hop.listeners[denied.listener];
    let (Some(access), Some(service)) = (listener.access.clone(), hop.service) else {
        return;
    };
    let place = access.span.or(listener.address.span()).unwrap_or(hop.span);
    let name = cx.service_name(service).to_owned();
    let mode = format!("{:04o}", access.mode);
    let message = format!(
        "nginx runs as {user}, and the socket of {name} belongs to {owner} with mode {mode}: it may not connect"
    );
    let (effect, status) = cx.refused(links[0]);
    let finding = cx.report(links[0].span, message);
    finding.here(format!("dialled as {user}")).repeats(links);
    if let Some(span) = denied.user_span {
        finding.label(span, "the user of the workers");
    }
    finding
        .label(place, format!("{owner}, mode {mode}"))
        .help(format!(
            "{}: the volume keeps others out, and users of two images have different ids",
            how(&hop.kind)
        ))
        .outcome(effect, status)
        .because("user", user)
        .because("owner", owner)
        .because("mode", &mode);
    if !denied.sure {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}

/// How each server is told to let everybody connect.
fn how(app: &HopKind) -> &'static str {
    match app.as_str() {
        "php-fpm" => "set `listen.mode = 0666`",
        "uwsgi" => "add `--chmod-socket=666`, or `chmod-socket = 666` in its ini file",
        "waitress" => "add `--unix-socket-perms=666`",
        "granian" => "add `--uds-permissions 666`",
        "hypercorn" => "add `--umask 0`",
        "gunicorn" | "puma" | "unicorn" => "leave out the umask: without one everybody may connect",
        "haproxy" => "set `mode 666` on the bind line",
        _ => "give the socket mode 0666",
    }
}
