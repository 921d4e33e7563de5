//! rules/socket-outside-chroot.md

use crate::host::path;
use crate::model::haproxy::Process;
use crate::model::{DeadEnd, Dialled, Link, Model, Target};
use crate::project::container::Location;
use crate::rules::Ctx;
use crate::source::Spanned;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    for link in &model.links {
        if let Some((chroot, written, why)) = judge(cx, link) {
            report(cx, link, chroot, &written, &why);
        }
    }
}

/// Whether this rule explains why nothing is at the other end of a link.
pub(super) fn is_outside(cx: &Ctx, link: &Link) -> bool {
    judge(cx, link).is_some()
}

/// The chroot, the path as it is written, and why nothing is there.
fn judge<'a>(cx: &Ctx<'a>, link: &Link) -> Option<(&'a Spanned<String>, String, String)> {
    let model: &'a Model = cx.model;
    let Dialled::Unix(dialled) = &link.dialled else {
        return None;
    };
    let process = model.process(link.from)?;
    let chroot = process.chroot.as_ref()?;
    let root = chroot.value.trim_end_matches('/');
    let written = dialled.value.strip_prefix(root)?;
    let why = outside(cx, process, link, root, written).filter(|_| !root.is_empty())?;
    Some((chroot, written.to_owned(), why))
}

/// Why nothing can be at a path below the root, if that is certain: the app binds the path as it is written, or what
/// the container mounts is there and not below the root.
fn outside(cx: &Ctx, process: &Process, link: &Link, root: &str, written: &str) -> Option<String> {
    let bound = |target: &Target| {
        matches!(
            target,
            Target::Service { hop: Some(_), .. } | Target::Host { hop: Some(_), .. }
        )
    };
    if bound(&link.target) {
        return None;
    }
    if path::strip(written, root).is_some() {
        return Some("it already begins with the chroot".to_owned());
    }
    let as_written = Dialled::Unix(Spanned::new(written.to_owned(), link.span));
    if bound(&cx.model.lead(cx.project, process.hop, &as_written)) {
        return Some("the app binds it outside".to_owned());
    }
    let view = &cx.project.container(process.service?).view;
    let mounted = |at: &str| {
        !matches!(
            view.locate(at),
            Location::Image(_) | Location::Foreign(_) | Location::Own(_) | Location::Unknown(_)
        )
    };
    let nowhere = matches!(link.target, Target::Nowhere(DeadEnd::NoSocket(_)));
    (nowhere && mounted(written) && !mounted(&format!("{root}{written}")))
        .then(|| format!("it is mounted outside, and nothing is at {root}{written}"))
}

fn report(cx: &mut Ctx, link: &Link, chroot: &Spanned<String>, written: &str, why: &str) {
    let root = chroot.value.trim_end_matches('/');
    let seen = cx.refused(link);
    let message = format!("HAProxy looks for {written} below chroot {root}: {why}");
    let help = if let Some(inside) = path::strip(written, root) {
        format!(
            "dial /{}: paths of servers begin at the chroot",
            inside.trim_start_matches('/')
        )
    } else {
        format!(
            "let the app bind {root}{written}, or mount the folder of the socket below {root}; `bind` and `stats socket` are not concerned, they are opened before the chroot"
        )
    };
    cx.report(link.span, message)
        .here(format!("means {root}{written}"))
        .label(chroot.span, "from here on, paths of servers begin below it")
        .help(help)
        .seen(seen)
        .because("chroot", root)
        .because("socket", written);
}
