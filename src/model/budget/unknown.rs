//! What is not known along a chain and would matter to a request.

use crate::model::verdict::{answers_when_killed, timeout};
use crate::model::version::Versions;
use crate::model::{Chain, Key, Model, Setting, Target};

use super::patience_key;

/// Something that is not known.
pub(super) struct Unknown {
    pub(super) what: String,
    /// Whether the answer hangs on it.
    pub(super) decides: bool,
}

/// All of it along a chain; `killed` is whether the app ends the request.
pub(super) fn unknowns(model: &Model, chain: &Chain, passes: bool, killed: bool) -> Vec<Unknown> {
    let mut found = Vec::new();
    let mut add = |what: String, decides: bool| found.push(Unknown { what, decides });
    for step in &chain.steps {
        let name = model.hop(step.hop).kind.as_str();
        let mut keys = match step.route {
            None => vec![Key::Worker],
            Some(_) => vec![patience_key(model, *step)],
        };
        if !passes {
            keys.extend([Key::Tries, Key::Retries]);
        }
        for key in keys {
            if let Some(Setting::Unknown(why)) = timeout(model, *step, key) {
                add(
                    format!("{} of {name} is not known: {why}", key.as_str()),
                    true,
                );
            }
        }
        let route = step.route.map(|id| model.route(id));
        if let Some(Setting::Unknown(why)) = route.map(|route| &route.retry).filter(|_| !passes) {
            add(format!("what {name} repeats is not known: {why}"), true);
        }
    }
    let last = chain.steps.last().filter(|step| step.route.is_some());
    if let Some(link) = last.and_then(|step| step.link).map(|id| model.link(id)) {
        let why = match &link.target {
            Target::Nowhere(_) => "leads nowhere",
            Target::External => "is outside the project",
            _ => "has limits that are not known",
        };
        let nowhere = matches!(link.target, Target::Nowhere(_));
        add(format!("{} {why}", link.written), nowhere);
    }
    if let Some(step) = chain.steps.last().filter(|_| killed)
        && answers_when_killed(model.hop(step.hop)) == Versions::Some
    {
        add(
            "gunicorn before 22 closes the connection, later ones answer 500 first".to_owned(),
            false,
        );
    }
    found
}
