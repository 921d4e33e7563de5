//! rules/error-log-blind.md

use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::source::Span;
use crate::syntax::nginx::Directive;

pub(super) fn check(cx: &mut Ctx) {
    nginx(cx);
    haproxy(cx);
}

fn nginx(cx: &mut Ctx) {
    let mut alike = Alike::new();
    for pass in cx.passes {
        let logs = pass.place.scope.all("error_log");
        if let Some(last) = logs.last().copied()
            && logs.iter().all(|log| loses(log).is_some())
        {
            alike.add((pass.place.hop, last.span), pass.directive.span, last);
        }
    }
    for (_, logs) in alike.groups() {
        let Some(why) = loses(logs[0]) else { continue };
        let written: Vec<&str> = logs[0].args.iter().map(|arg| arg.value.as_str()).collect();
        let message = format!(
            "`error_log {}` keeps no word of a 502 or 504",
            written.join(" ")
        );
        cx.report(logs[0].span, message)
            .here(why)
            .help("log at `warn` or `error`, to `/dev/stderr` in a container")
            .because("ways", logs.len());
    }
}

/// Why what nginx says of a request that failed is lost, if it is: it says so at `error`, seldom at `crit`.
fn loses(log: &Directive) -> Option<String> {
    let place = log.args.first()?;
    let level = log
        .args
        .get(1)
        .map_or("error", |level| level.value.as_str());
    if place.value == "/dev/null" {
        Some("whatever is said here is lost".to_owned())
    } else if matches!(level, "crit" | "alert" | "emerg") {
        Some(format!(
            "failed upstreams are logged at error, this takes {level} and worse"
        ))
    } else {
        None
    }
}

fn haproxy(cx: &mut Ctx) {
    let blind: Vec<Span> = cx
        .model
        .processes
        .iter()
        .filter(|process| process.complete && !process.fragment && !process.logs)
        .filter_map(|process| {
            let mut sections = cx.model.sections.iter();
            let front =
                sections.find(|section| section.hop == process.hop && section.kind != "backend")?;
            Some(front.span)
        })
        .collect();
    for span in blind {
        cx.report(span, "HAProxy has no log, and nothing will tell why it answered 503")
            .here("no `log` is set here, in `defaults` or in `global`")
            .help("add `log stdout format raw local0` to `global`, `log global` and `option httplog` to `defaults`");
    }
}
