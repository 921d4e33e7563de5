//! What becomes of a request that takes as long as `--budget` says, in words and as JSON.

use serde_json::{Value, json};

use super::{duration, hop_name};
use crate::analyze::Analysis;
use crate::model::budget::{Budget, Cut, Silence};
use crate::model::{Chain, Model};
use crate::rules::count;

/// One object; `cut_by` indexes the hops of the chain.
pub(super) fn json(budget: &Budget) -> Value {
    let cut = budget.cut.as_ref();
    json!({
        "ms": budget.ms,
        "passes": budget.passes,
        "cut_by": cut.map(|cut| cut.by),
        "status": cut.and_then(|cut| cut.status),
        "after_ms": cut.map(|cut| cut.after_ms),
        "effect": cut.map(|cut| cut.effect().as_str()),
        "executions": budget.cut.as_ref().map_or(1, |cut| cut.executions),
        // Where the app takes no connection at all.
        "deaf": budget.deaf.as_ref().map(|cut| json!({
            "cut_by": cut.by,
            "status": cut.status,
            "after_ms": cut.after_ms,
            "effect": cut.effect().as_str(),
        })),
        "post": budget.post.as_ref().map(|cut| json!({
            "cut_by": cut.by,
            "status": cut.status,
            "after_ms": cut.after_ms,
            "effect": cut.effect().as_str(),
            "executions": cut.executions,
        })),
        "websocket": budget.websocket.as_ref().map(|silence| match silence {
            Silence::Stays => json!({ "passes": true, "cut_by": null, "after_ms": null }),
            Silence::Cut { by, after_ms } => {
                json!({ "passes": false, "cut_by": by, "after_ms": after_ms })
            }
            Silence::Unknown => json!({ "passes": null, "cut_by": null, "after_ms": null }),
        }),
        "unknown": budget.unknown,
    })
}

/// One thing to say of a budget.
pub(super) struct Remark {
    /// What it means for the request.
    pub(super) tone: Tone,
    /// A sentence without a full stop.
    pub(super) text: String,
}

/// What a remark means for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Unsure,
    /// It adds to the one before.
    More,
}

/// Everything that there is to say, the answer first.
pub(super) fn remarks(budget: &Budget, chain: &Chain, analysis: &Analysis) -> Vec<Remark> {
    let ms = format!("a request of {}", duration(budget.ms));
    let name = Names { chain, analysis };
    let remark = |tone, text| Remark { tone, text };
    let mut said = Vec::new();
    match (budget.passes, &budget.cut) {
        (Some(true), _) => said.push(remark(Tone::Good, format!("{ms} gets through"))),
        (_, Some(cut)) => {
            let text = format!("{ms} does not get through: {}", name.end(cut));
            said.push(remark(Tone::Bad, text));
        }
        (Some(false), None) => said.push(remark(Tone::Bad, format!("{ms} does not get through"))),
        (None, None) => {
            let text = format!("whether {ms} gets through is not known");
            said.push(remark(Tone::Unsure, text));
        }
    }
    if let Some(post) = &budget.post {
        said.push(remark(Tone::More, format!("a POST: {}", name.end(post))));
    }
    match &budget.websocket {
        Some(Silence::Cut { by, after_ms }) => {
            let text = format!(
                "a silent websocket: {} closes it after {}",
                name.of(*by),
                duration(*after_ms)
            );
            said.push(remark(Tone::Bad, text));
        }
        Some(Silence::Stays) => {
            let text = "a silent websocket stays open".to_owned();
            said.push(remark(Tone::Good, text));
        }
        Some(Silence::Unknown) | None => {}
    }
    let reasons = budget.unknown.iter();
    said.extend(reasons.map(|why| remark(Tone::More, format!("({why})"))));
    if let Some(deaf) = &budget.deaf {
        let text = format!("an app that takes no connection: {}", name.end(deaf));
        said.push(remark(Tone::More, text));
    }
    said
}

struct Names<'a> {
    chain: &'a Chain,
    analysis: &'a Analysis,
}

impl Names<'_> {
    fn of(&self, at: usize) -> &str {
        let model: &Model = &self.analysis.model;
        let step = self.chain.steps.get(at);
        step.map_or("the last hop", |step| {
            hop_name(model.hop(step.hop), &self.analysis.project)
        })
    }

    /// `edge cuts it after 30s, the client gets 504, and web works on`.
    fn end(&self, cut: &Cut) -> String {
        let gets = match cut.status {
            Some(status) => format!("the client gets {status}"),
            None => "the client's connection is closed without an answer".to_owned(),
        };
        let by = self.of(cut.by);
        let begun = if cut.executions > 1 {
            let times = count(cut.executions, "time");
            format!("; the app was asked {times}")
        } else {
            String::new()
        };
        format!(
            "{by} gives up, {gets} after {}{begun}",
            duration(cut.after_ms)
        )
    }
}
