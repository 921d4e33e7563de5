//! rules/include-missing.md

use crate::host::path;
use crate::project::haproxy::HaproxyConf;
use crate::project::nginx::{Missing, NginxConf};
use crate::rules::{Ctx, words};

pub(super) fn check(cx: &mut Ctx) {
    let project = cx.project;
    for conf in &project.haproxy {
        let mut told: Vec<&str> = Vec::new();
        for missing in &conf.missing {
            if !told.contains(&missing.inside.as_str()) {
                told.push(&missing.inside);
                pattern_file(cx, conf, missing);
            }
        }
    }
    for conf in &project.nginx {
        // A folder that was forgotten is one cause, however many of its files are asked for.
        let mut folders: Vec<Vec<&Missing>> = Vec::new();
        for missing in &conf.missing {
            let same = |group: &Vec<&Missing>| {
                path::parent(&group[0].inside) == path::parent(&missing.inside)
            };
            match folders.iter_mut().find(|group| same(group)) {
                Some(group) => group.push(missing),
                None => folders.push(vec![missing]),
            }
        }
        for missing in folders {
            report(cx, conf, &missing);
        }
    }
}

/// HAProxy reads maps and lists of patterns while it reads its config. Measured with 2.6.
fn pattern_file(cx: &mut Ctx, conf: &HaproxyConf, missing: &Missing) {
    let (inside, folder) = (&missing.inside, &missing.folder);
    let message = format!(
        "HAProxy reads {inside}, and there is no such file in {folder}, which is mounted there"
    );
    let place = conf.service.map(|service| {
        (
            cx.service_span(service),
            cx.service_name(service).to_owned(),
        )
    });
    let finding = cx.report(missing.span, message);
    finding.here("HAProxy stops at a file that is not there");
    if let Some((span, name)) = place {
        finding.label(span, format!("{name} reads it"));
    }
    finding
        .help(format!("put the file into {folder}, or correct its name"))
        .because("include", inside);
}

fn report(cx: &mut Ctx, conf: &NginxConf, missing: &[&Missing]) {
    let mut files: Vec<&str> = missing.iter().map(|one| one.inside.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    let (files, folder) = (words::list(&files), &missing[0].folder);
    let image = conf.image.as_ref().and_then(|image| image.get());
    let (message, help) = if image == Some(folder) {
        (
            format!(
                "nginx includes {files}: the image {folder} has no such file, and nothing is mounted there"
            ),
            format!("mount {files}, or write in its place what it says"),
        )
    } else {
        (
            format!(
                "nginx includes {files}, and there is no such file in {folder}, which is mounted there"
            ),
            format!("put the file into {folder}, or correct its name"),
        )
    };
    let place = conf.service.map(|service| {
        (
            cx.service_span(service),
            cx.service_name(service).to_owned(),
        )
    });
    let finding = cx.report(missing[0].span, message);
    finding.here("nginx stops at a file that is not there");
    for (nth, one) in missing.iter().enumerate().skip(1) {
        if missing[..nth].iter().all(|other| other.span != one.span) {
            finding.label(one.span, "and here");
        }
    }
    if let Some((span, name)) = place {
        finding.label(span, format!("{name} reads it"));
    }
    finding.help(help).because("include", &files);
}
