//! rules/socket-unwritable.md

use crate::finding::{Confidence, Severity};
use crate::model::chain::reached;
use crate::model::{Access, Dialled, HopId, HopKind, Link};
use crate::rules::users::{UNKNOWN, User};
use crate::rules::{Ctx, grouped};

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
    user: User,
    /// Whether the numbers of both are certain.
    sure: bool,
}

fn denied(cx: &Ctx, link: &Link) -> Option<Denied> {
    let Dialled::Unix(_) = &link.dialled else {
        return None;
    };
    let (hop, listener) = reached(&link.target)?;
    let access = cx.model.hop(hop).listeners[listener].access.as_ref()?;
    let user = cx.dialler(link.from)?;
    // The last digit is for all others: 2 of it is the right to write, which is the right to connect. root needs none.
    if access.mode & 0o002 != 0 || user.is_root() {
        return None;
    }
    let (owner, group) = owner(cx, hop, access)?;
    let (from, to) = (cx.model.hop(link.from).service, cx.model.hop(hop).service);
    let same = |ours: &str, theirs: &str| {
        if [ours, theirs].contains(&UNKNOWN) {
            return None;
        }
        if from == to {
            return Some(ours == theirs);
        }
        Some(cx.id(from, ours)? == cx.id(to, theirs)?)
    };
    if same(&user.name, &owner)? {
        return None;
    }
    let by_group = access.mode & 0o020 != 0;
    if by_group && same(&user.group, &group)? {
        return None;
    }
    if by_group && cx.may_have_groups(from) {
        return None;
    }
    // What an image calls a user it may give another number one day; root and what is written stay.
    let sure = owner == "root" || from == to || owner.parse::<u32>().is_ok();
    Some(Denied {
        hop,
        listener,
        owner,
        user,
        sure,
    })
}

/// User and group of a socket: those that are said, else those of the process that makes it.
fn owner(cx: &Ctx, hop: HopId, access: &Access) -> Option<(String, String)> {
    let service = cx.model.hop(hop).service;
    if let (Some(owner), Some(group)) = (&access.owner, &access.group) {
        return Some((owner.clone(), group.clone()));
    }
    let started = match service {
        Some(service) => cx.starter(service)?,
        // On the machine itself its unit starts it, as root or as anybody, in a group that nobody sees here.
        None => return Some((access.owner.clone()?, UNKNOWN.to_owned())),
    };
    let owner = access.owner.clone().unwrap_or(started.name);
    let group = access.group.clone().unwrap_or(started.group);
    Some((owner, group))
}

fn report(cx: &mut Ctx, links: &[&Link], denied: &Denied) {
    let (hop, owner) = (cx.model.hop(denied.hop), &denied.owner);
    let user = &denied.user.name;
    let listener = &hop.listeners[denied.listener];
    let Some(access) = listener.access.clone() else {
        return;
    };
    let place = access.span.or(listener.address.span()).unwrap_or(hop.span);
    let (from, name) = (cx.program(links[0].from), cx.hop_name(denied.hop));
    let mode = format!("{:04o}", access.mode);
    let message = format!(
        "{from} runs as {user}, and the socket of {name} belongs to {owner} with mode {mode}: it may not connect"
    );
    let seen = cx.refused(links[0]);
    let finding = cx.report(links[0].span, message);
    finding.here(format!("dialled as {user}")).repeats(links);
    if let Some(span) = denied.user.span {
        finding.label(span, format!("{from} runs as {user}"));
    }
    finding
        .label(place, format!("{owner}, mode {mode}"))
        .help(format!(
            "{}: the volume keeps others out, and users of two images have different ids",
            how(&hop.kind)
        ))
        .seen(seen)
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
