//! Sizes of HAProxy: what fits into a buffer, and whether a request is read as a whole.

use crate::model::haproxy::section::Proxy;
use crate::model::sizes::Sizes;
use crate::model::{Amount, Setting};
use crate::source::Span;

/// `tune.bufsize` and `tune.maxrewrite`, if nothing is written. Measured with 2.4 to 3.4.
const BUFFER: u64 = 16_384;
const REWRITE: u64 = 1024;

/// What holds on the way from a frontend through a backend.
pub(super) fn sizes(front: &Proxy, back: &Proxy) -> Sizes {
    let buffer = tuned(back, "tune.bufsize");
    let rewrite = tuned(back, "tune.maxrewrite").map_or(REWRITE, |(bytes, _)| bytes);
    let response_head = match buffer {
        Some((bytes, span)) => {
            Setting::written(Amount::Finite(bytes.saturating_sub(rewrite)), span)
        }
        None if back.conf.complete => Setting::default_of(
            Amount::Finite(BUFFER - rewrite.min(BUFFER)),
            "haproxy",
            "",
            "configuration manual 3.4, tune.bufsize and tune.maxrewrite",
        ),
        None => Setting::unknown("a file of this HAProxy was not seen"),
    };
    let option = [back, front]
        .into_iter()
        .find_map(|proxy| proxy.option("http-buffer-request"));
    let whole_requests = match option {
        Some(span) => Setting::inherited(true, span),
        None if back.conf.complete => Setting::default_of(
            false,
            "haproxy",
            "",
            "configuration manual 3.4, http-buffer-request",
        ),
        None => Setting::unknown("a file of this HAProxy was not seen"),
    };
    Sizes {
        response_head,
        body: Setting::default_of(Amount::Infinite, "haproxy", "", "HAProxy limits no body"),
        whole_requests,
        kept: None,
    }
}

/// A number of `global`, with its line.
fn tuned(proxy: &Proxy, name: &str) -> Option<(u64, Span)> {
    let sections = proxy.conf.sections.iter();
    let global = sections.filter(|section| section.kind.value == "global");
    let mut lines = global.flat_map(|section| &section.lines);
    let line = lines.rfind(|line| line.words[0].text == name)?;
    Some((line.words.get(1)?.text.parse().ok()?, line.span))
}
