//! What must hold of every analysis.

use no502::analyze::{Analysis, analyze};
use no502::finding::{Finding, Safety};
use no502::fix;
use no502::host::FakeHost;
use no502::project::Project;
use no502::report::{self, Format, Look, chain};
use no502::settings::Settings;
use no502::source::{Sources, Span};

/// Judges a world, and the worlds that its fixes make of it.
pub(crate) fn check(host: &FakeHost) -> Result<(), String> {
    let analysis = judged(host);
    spans(&analysis)?;
    let once = written(&analysis);
    for (other, again) in once.iter().zip(written(&judged(host))) {
        if *other != again {
            return Err(format!(
                "it says one thing, then another:\n{other}\n{again}"
            ));
        }
    }
    fixes(host, analysis)
}

/// Fixes that go on for longer undo each other.
const MOST_ROUNDS: usize = 10;

/// Whether the fixes come to an end, and bring no syntax error into a project that has none. A comment is left alone: one
/// that damage has put into the middle of a value may hold it together.
fn fixes(host: &FakeHost, first: Analysis) -> Result<(), String> {
    let clean = first.project.errors.is_empty();
    let (mut host, mut analysis) = (host.clone(), first);
    for _ in 0..MOST_ROUNDS {
        let sources = &analysis.project.sources;
        let mut findings = analysis.findings.clone();
        findings.retain(|finding| finding.rule != "suppression-unused");
        let plan = fix::plan(sources, &findings, Safety::Unsafe);
        if plan.fixes == 0 {
            return Ok(());
        }
        for change in plan.changes {
            let path = sources.get(change.file).path.clone();
            if !host.files.contains_key(&path) {
                return Err(format!("a fix of {path}, which is not there"));
            }
            host.files.insert(path, change.text.into_bytes());
        }
        analysis = judged(&host);
        if clean && !analysis.project.errors.is_empty() {
            return Err("a fix leaves a syntax error".to_owned());
        }
    }
    Err("the fixes never end".to_owned())
}

fn judged(host: &FakeHost) -> Analysis {
    let settings = Settings {
        pedantic: true,
        ..Settings::default()
    };
    analyze(host, Project::load(host, &settings), &settings)
}

/// Every report, each a text.
fn written(analysis: &Analysis) -> Vec<String> {
    let look = Look::default();
    let mut all = Vec::new();
    for format in Format::ALL {
        let mut out = Vec::new();
        report::write(format, analysis, &look, &mut out).unwrap();
        all.push(String::from_utf8(out).unwrap());
    }
    for format in CHAINS {
        let mut out = Vec::new();
        chain::write(format, analysis, &look, &mut out).unwrap();
        all.push(String::from_utf8(out).unwrap());
    }
    all
}

const CHAINS: [chain::Format; 6] = [
    chain::Format::Text,
    chain::Format::Json,
    chain::Format::Mermaid,
    chain::Format::Dot,
    chain::Format::Svg,
    chain::Format::Html,
];

/// Whether all that an analysis points at lies in a file, on the borders of characters.
fn spans(analysis: &Analysis) -> Result<(), String> {
    let sources = &analysis.project.sources;
    for finding in analysis.findings.iter().chain(&analysis.silenced) {
        let labels = finding.labels();
        for label in labels.chain(&finding.flow) {
            lies(sources, label.span).map_err(|why| format!("{}: {why}", finding.rule))?;
        }
        edits(sources, finding).map_err(|why| format!("the fix of {}: {why}", finding.rule))?;
    }
    for error in &analysis.project.errors {
        lies(sources, error.span).map_err(|why| format!("{}: {why}", error.message))?;
    }
    let model = &analysis.model;
    let hops = model.hops.iter().map(|hop| hop.span);
    let links = model.links.iter().map(|link| link.span);
    let routes = model.routes.iter().map(|route| route.span);
    for span in hops.chain(links).chain(routes) {
        lies(sources, span)?;
    }
    Ok(())
}

fn edits(sources: &Sources, finding: &Finding) -> Result<(), String> {
    let mut done: Vec<Span> = Vec::new();
    for edit in finding.fix.iter().flat_map(|fix| &fix.edits) {
        lies(sources, edit.span)?;
        let meets = |other: &Span| {
            other.file == edit.span.file
                && other.start < edit.span.end
                && edit.span.start < other.end
        };
        if done.iter().any(meets) {
            return Err("two edits of one place".to_owned());
        }
        done.push(edit.span);
    }
    Ok(())
}

fn lies(sources: &Sources, span: Span) -> Result<(), String> {
    let file = sources.get(span.file);
    let (start, end) = (span.start as usize, span.end as usize);
    if start <= end && file.text.get(start..end).is_some() {
        Ok(())
    } else {
        Err(format!(
            "{}: {start}..{end} is no part of its {} bytes",
            file.path,
            file.text.len()
        ))
    }
}
