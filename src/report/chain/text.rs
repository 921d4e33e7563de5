//! Chains for a person: one block per way, hop under hop, a value per line with the place it comes from, and each
//! inversion between the two hops it concerns. Fits 80 columns.

use std::io::{self, Write};

use super::{Folded, amount, budget, duration, hop_name, listens, program, route_name, timeouts};
use crate::analyze::Analysis;
use crate::model::{Amount, Chain, Key, Link, Origin, Setting, Step, Target, Verdict};
use crate::report::wrap::{lines, plain};
use crate::report::{Look, plural};

/// Writes a block per folded way, then a line of figures.
pub(super) fn write(
    analysis: &Analysis,
    folded: &[Folded],
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let writer = Text { analysis, look };
    for (at, chain) in folded.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| folded[before].chain);
        writer.chain(chain, before, out)?;
        writeln!(out)?;
    }
    let ways: usize = folded.iter().map(|chain| chain.count).sum();
    let inverted = folded.iter().filter(|one| !one.chain.verdicts.is_empty());
    let faults: usize = inverted.map(|one| one.count).sum();
    let alike = if ways == folded.len() {
        String::new()
    } else {
        format!(" ({} different)", folded.len())
    };
    writeln!(out, "{}{alike}, {faults} inverted", plural(ways, "way"))
}

struct Text<'a> {
    analysis: &'a Analysis,
    look: &'a Look,
}

impl Text<'_> {
    /// One block. What a hop shares with the block before is not told again: peers of one upstream differ in their last
    /// line alone.
    fn chain(
        &self,
        folded: &Folded,
        before: Option<&Chain>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let (chain, model) = (folded.chain, &self.analysis.model);
        let name = match route_name(chain, model) {
            "" => "(no route)",
            name => name,
        };
        let title = match folded.count {
            1 => plain(name).into_owned(),
            n => format!("{} + {} more alike", plain(name), n - 1),
        };
        writeln!(out, "{}", self.paint(&title, "1"))?;
        for (at, step) in chain.steps.iter().enumerate() {
            let known = before.and_then(|chain| chain.steps.get(at));
            let known = known.is_some_and(|known| {
                known.hop == step.hop && timeouts(known, model) == timeouts(step, model)
            });
            self.hop(step, known, out)?;
            if let Some(link) = step.link {
                self.link(model.link(link), out)?;
            }
            for verdict in chain.verdicts.iter().filter(|one| one.outer == at) {
                self.verdict(verdict, folded, out)?;
            }
        }
        self.budget(chain, out)
    }

    fn hop(&self, step: &Step, known: bool, out: &mut dyn Write) -> io::Result<()> {
        let (project, model) = (&self.analysis.project, &self.analysis.model);
        let hop = model.hop(step.hop);
        let (name, version) = (hop_name(hop, project), hop.version.value());
        let program = program(hop.kind.as_str(), version.map_or("", String::as_str));
        let who = if name == hop.kind.as_str() {
            program
        } else {
            format!("{name} ({program})")
        };
        let listens = listens(hop, step.route.map(|id| model.route(id)));
        let head = if listens.is_empty() {
            who
        } else {
            format!("{who} on {}", listens.join(", "))
        };
        for (at, line) in lines(&plain(&head), WIDTH - 6).iter().enumerate() {
            writeln!(out, "{}{line}", if at == 0 { "  " } else { "      " })?;
        }
        let timeouts = timeouts(step, model);
        if known && !timeouts.is_empty() {
            return writeln!(out, "    timeouts as above");
        }
        for (key, setting) in &timeouts {
            self.setting(*key, setting, out)?;
        }
        Ok(())
    }

    /// `    read                 60s  nginx/nginx.conf:7`.
    fn setting(&self, key: Key, setting: &Setting<Amount>, out: &mut dyn Write) -> io::Result<()> {
        let value = match setting.value() {
            Some(Amount::Finite(n)) => amount(key, *n),
            Some(Amount::Infinite) => "no limit".to_owned(),
            None => "?".to_owned(),
        };
        let name = key.as_str().replace('_', " ");
        let origin = self.origin(setting);
        for (at, line) in lines(&plain(&origin), WIDTH - ORIGIN).iter().enumerate() {
            if at == 0 {
                writeln!(out, "    {name:18} {value:>8}  {line}")?;
            } else {
                writeln!(out, "{:ORIGIN$}{line}", "")?;
            }
        }
        Ok(())
    }

    fn origin(&self, setting: &Setting<Amount>) -> String {
        let sources = &self.analysis.project.sources;
        match setting {
            Setting::Unknown(why) => format!("unknown: {why}"),
            Setting::Known { origin, .. } => match origin {
                Origin::Written(span) => sources.place(*span),
                Origin::Inherited(span) => format!("inherited from {}", sources.place(*span)),
                Origin::Default {
                    program: name,
                    version,
                    certain,
                    ..
                } => {
                    let kind = if *certain {
                        "default"
                    } else {
                        "assumed default"
                    };
                    format!("{kind} of {}", program(name, version))
                }
            },
        }
    }

    fn link(&self, link: &Link, out: &mut dyn Write) -> io::Result<()> {
        let project = &self.analysis.project;
        let (bar, arrow) = if self.look.unicode {
            ("│", "→")
        } else {
            ("|", "->")
        };
        let end = match &link.target {
            Target::Service { port: 0, .. } | Target::Host { port: 0, .. } => String::new(),
            Target::Service { port, .. } => format!(" {arrow} port {port}"),
            Target::Host { port, .. } => format!(" {arrow} host port {port}"),
            Target::External => format!(" {arrow} outside the project"),
            Target::Nowhere(_) => format!(" {arrow} nowhere"),
            Target::Unknown(why) => format!(" {arrow} unknown: {why}"),
        };
        let place = project.sources.place(link.span);
        let text = format!("{}{end} ({place})", link.written);
        for line in lines(&plain(&text), WIDTH - 6) {
            writeln!(out, "    {bar} {line}")?;
        }
        Ok(())
    }

    fn verdict(&self, verdict: &Verdict, folded: &Folded, out: &mut dyn Write) -> io::Result<()> {
        let model = &self.analysis.model;
        let name = |at: usize| {
            let step = folded.chain.steps.get(at);
            step.map_or("?", |step| {
                hop_name(model.hop(step.hop), &self.analysis.project)
            })
        };
        let outcome = match (verdict.status, verdict.after_ms) {
            (None, _) => String::new(),
            (Some(status), None) => format!(": {status}"),
            (Some(status), Some(ms)) => format!(": {status} after {}", duration(ms)),
        };
        let (outer, inner) = (name(verdict.outer), name(verdict.inner));
        let text = format!("{outer} outlasts {inner}{outcome} [{}]", verdict.rule);
        for (at, line) in lines(&plain(&text), WIDTH - 6).iter().enumerate() {
            let sign = if at == 0 { "!!" } else { "  " };
            writeln!(out, "  {}", self.paint(&format!("{sign} {line}"), "31"))?;
        }
        Ok(())
    }

    fn budget(&self, chain: &Chain, out: &mut dyn Write) -> io::Result<()> {
        let Some(budget) = &chain.budget else {
            return Ok(());
        };
        for (sign, style, text) in budget::sentences(budget, chain, self.analysis) {
            for (at, line) in lines(&plain(&text), WIDTH - 6).iter().enumerate() {
                let sign = if at == 0 { sign } else { "  " };
                writeln!(out, "  {}", self.paint(&format!("{sign} {line}"), style))?;
            }
        }
        Ok(())
    }

    fn paint(&self, text: &str, style: &str) -> String {
        if self.look.color {
            format!("\u{1b}[{style}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Columns of a terminal that nobody widened.
const WIDTH: usize = 80;
/// Column at which origins begin.
const ORIGIN: usize = 33;
