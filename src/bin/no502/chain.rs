//! `no502 chain`: which ways are shown.

use std::collections::BTreeSet;

use no502::analyze::Analysis;
use no502::model::{Chain as Way, HopKind, Model, budget};
use no502::report::chain::{self, Format, hop_name, listens};

use crate::args::{Chain, Cli};
use crate::failure::{Failure, did_you_mean};
use crate::run::{Run, Verdict, one_per_place, say, write_to};

/// Shows the ways from an edge to an app. An audit, not a gate: whatever it shows, the answer is success, unless
/// `--fail-on` makes a gate of it.
pub(crate) fn chain(args: &Chain, cli: &Cli) -> Result<Verdict, Failure> {
    let mut run = Run::load(&args.paths, &args.project)?;
    if let Some(from) = &args.from {
        keep(from, "begins", &mut run.analysis, starts)?;
    }
    if let Some(to) = &args.to {
        keep(to, "ends", &mut run.analysis, ends)?;
    }
    if args.only_inverted {
        let chains = &mut run.analysis.model.chains;
        let before = chains.len();
        chains.retain(|way| !way.verdicts.is_empty());
        if chains.is_empty() && before > 0 {
            say(
                "no502: no way is inverted: every hop outlasts the one behind it, as far as is known",
            );
        }
    }
    if let Some(ms) = args.budget {
        spend(ms, &mut run.analysis.model);
    }
    for output in &one_per_place(&args.format, Format::Text)? {
        write_to(output, |out| {
            let look = run.look(cli, output.path.is_none());
            chain::write(output.format, &run.analysis, &look, out)
        })?;
    }
    Ok(run.audited(args.fail_on))
}

/// Sends a request that takes so long through every way.
fn spend(ms: u64, model: &mut Model) {
    let mut chains = std::mem::take(&mut model.chains);
    for way in &mut chains {
        way.budget = Some(budget::walk(model, way, ms));
    }
    model.chains = chains;
}

/// Keeps the ways that begin or end at a place. One at which none does is refused: an empty answer would look like a stack
/// without faults.
fn keep(
    place: &String,
    verb: &str,
    analysis: &mut Analysis,
    places: fn(&Way, &Analysis) -> Vec<String>,
) -> Result<(), Failure> {
    let chains = std::mem::take(&mut analysis.model.chains);
    let mut known = BTreeSet::new();
    let mut kept = Vec::new();
    for way in chains {
        let names = places(&way, analysis);
        if names.contains(place) {
            kept.push(way);
        }
        known.extend(names);
    }
    if !kept.is_empty() {
        analysis.model.chains = kept;
        return Ok(());
    }
    let failure = Failure::new(format!("no way {verb} at `{place}`"));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(match did_you_mean(place, known.iter().copied()) {
        Some(help) => failure.help(help),
        None if known.is_empty() => failure.help("no way was found at all"),
        None => failure.help(format!("known are {}", known.join(", "))),
    })
}

/// The names by which a person may mean where a way begins: the hop, where it listens, the server names; of the edges in
/// front and of the first hop behind them.
fn starts(way: &Way, analysis: &Analysis) -> Vec<String> {
    let model: &Model = &analysis.model;
    let mut names = Vec::new();
    for step in &way.steps {
        let hop = model.hop(step.hop);
        let route = step.route.map(|id| model.route(id));
        names.push(hop_name(hop, &analysis.project).to_owned());
        names.extend(listens(hop, route));
        let hosts = route.into_iter().flat_map(|route| &route.hosts);
        names.extend(hosts.cloned());
        if hop.service.is_some() || !matches!(hop.kind, HopKind::Edge(_)) {
            break;
        }
    }
    names
}

/// The service that a way ends at; what is dialled where no service is known to be.
fn ends(way: &Way, analysis: &Analysis) -> Vec<String> {
    chain::end_name(way, analysis).into_iter().collect()
}
