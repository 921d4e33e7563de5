//! Status and effect of a finding in words: what a client or an operator will see.

use crate::finding::{Effect, Finding, Severity};

/// One sentence without a full stop.
pub(super) fn in_words(finding: &Finding) -> String {
    let seen = seen(finding);
    if finding.log.is_empty() {
        seen
    } else {
        format!("{seen}: {}", finding.log)
    }
}

fn seen(finding: &Finding) -> String {
    let statuses = statuses(&finding.status);
    let effect = match finding.effect {
        Effect::Response => return response(&statuses, finding.severity),
        Effect::NoStart => "the process does not start",
        Effect::Closed => "the connection is closed without an answer",
        Effect::Hang => "the client waits for ever, no error is sent",
        Effect::Cut => "the answer is cut off half-way",
        Effect::Duplicate => "the app may run one request several times",
    };
    if statuses.is_empty() {
        effect.to_owned()
    } else {
        format!("{effect}; clients get {statuses}")
    }
}

/// Help, if there is any, and the outcome: lines that formats without snippets put under the message.
pub(super) fn advice(finding: &Finding) -> Vec<String> {
    let help = (!finding.help.is_empty()).then(|| format!("help: {}", finding.help));
    let effect = format!("effect: {}", in_words(finding));
    help.into_iter().chain([effect]).collect()
}

/// `502`, `502 or 504`, `502, 503 or 504`.
pub(super) fn statuses(status: &[u16]) -> String {
    let words: Vec<String> = status.iter().map(u16::to_string).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn response(statuses: &str, severity: Severity) -> String {
    match (statuses, severity) {
        ("", Severity::Info) => "no status changes".to_owned(),
        // What fails is the copy of a request (`mirror`).
        ("", _) => "no client sees it".to_owned(),
        (_, Severity::Error) => format!("{statuses} for every request that comes this way"),
        (_, Severity::Warning) => format!("{statuses} for some requests"),
        (_, Severity::Info) => format!("a {statuses} may come from here"),
    }
}
