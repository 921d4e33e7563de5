//! rules/syntax-error.md

use crate::rules::Ctx;

pub(super) fn check(cx: &mut Ctx) {
    for error in &cx.project.errors {
        let finding = cx.report(error.span, error.message.clone());
        if !error.expected.is_empty() {
            finding
                .here(format!("expected {}", error.expected))
                .help(format!("expected here: {}", error.expected));
        }
        finding.because("error", &error.message);
    }
}
