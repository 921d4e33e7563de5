//! rules/memory-limit-tight.md

use crate::model::ServiceRef;
use crate::model::heap::{Heap, heap};
use crate::rules::Ctx;

pub(super) fn check(cx: &mut Ctx) {
    let services: Vec<ServiceRef> = cx.project.services().map(|(at, _)| at).collect();
    for at in services {
        let limit = cx.project.service(at).memory_limit.clone();
        if let (Some(limit), Some(heap)) = (limit, heap(cx.project.container(at)))
            && heap.bytes >= limit.value
        {
            let (bytes, span) = (limit.value, limit.span);
            report(cx, at, bytes, span, &heap);
        }
    }
}

fn report(cx: &mut Ctx, at: ServiceRef, limit: u64, span: crate::source::Span, heap: &Heap) {
    let name = cx.service_name(at).to_owned();
    let (limit, wanted) = (size(limit), size(heap.bytes));
    let message = format!(
        "{name} may use {limit}, and {} lets its heap grow to {wanted}: the kernel kills it before it cleans up",
        heap.written
    );
    cx.report(span, message)
        .here(format!("at {limit} the process is killed"))
        .label(heap.span, format!("up to {wanted} for the heap alone"))
        .help("keep the heap to about three quarters of the limit: threads, buffers and code come on top of it")
        .because("service", &name)
        .because("limit", &limit)
        .because("heap", &wanted);
}

/// `512 MiB`, `1 GiB`.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    let gib = 1024 * MIB;
    if bytes.is_multiple_of(gib) {
        format!("{} GiB", bytes / gib)
    } else {
        format!("{} MiB", bytes / MIB)
    }
}
