//! Sizes of HAProxy: what fits into a buffer, and whether a request is read as a whole.

use crate::model::haproxy::section::Proxy;
use crate::model::sizes::Sizes;
use crate::model::{Amount, Setting};

/// `tune.bufsize` and `tune.maxrewrite`, if nothing is written. Measured with 2.4 to 3.4.
const BUFFER: u64 = 16_384;
const REWRITE: u64 = 1024;

/// What holds on the way from a frontend through a backend.
pub(super) fn sizes(front: &Proxy, back: &Proxy) -> Sizes {
    let frame = back.frame;
    let rewrite = frame.rewrite.as_ref().map_or(REWRITE, |bytes| bytes.value);
    let response_head = match &frame.buffer {
        Some(bytes) => {
            let head = bytes.value.saturating_sub(rewrite);
            Setting::written(Amount::Finite(head), bytes.span)
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
