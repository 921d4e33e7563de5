//! rules/envsubst-eats-variables.md

use crate::model::nginx::eaten::{Eaten, eaten};
use crate::rules::Ctx;

/// So many lines are shown; the command is the cause, and they all go alike.
const SHOWN: usize = 4;

pub(super) fn check(cx: &mut Ctx) {
    for Eaten { command, words } in eaten(cx.project, &cx.model.hops) {
        let mut names: Vec<&str> = words.iter().map(|word| word.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let listed = names.join(", ");
        let message = format!("envsubst without a list replaces nginx's own {listed} by nothing");
        let finding = cx.report(command, message);
        finding.here("replaces every variable");
        for word in words.iter().take(SHOWN) {
            finding.label(word.span, format!("becomes `{} ;`", word.rest));
        }
        finding
            .help("name the variables that it is to replace: `envsubst '$SHOP_HOST $SHOP_PORT'`")
            .because("variables", listed);
    }
}
