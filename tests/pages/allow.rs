//! What `--add-allow` writes into an example: after it there is nothing to report, no suppression too many, and not one
//! byte of what was there is another.

use no502::analyze::{Analysis, analyze};
use no502::finding::Finding;
use no502::fix::allow::{self, Allowed};
use no502::host::FakeHost;
use no502::project;
use no502::settings::{Allow, Settings};

use crate::pages::{NOW, Project};

const REASON: &str = "it is meant to be so, says the owner's page (c. 2)";

/// Says what is wrong with the suppressions of a project.
pub(crate) fn judge(files: &[(String, String)], pedantic: bool) -> Result<(), String> {
    let mut settings = Settings {
        pedantic,
        ..Settings::default()
    };
    let before = analyzed(files, &settings);
    if before.findings.is_empty() || before.findings.iter().any(is_complaint) {
        return Err("there is nothing to allow, or a suppression is stale".to_owned());
    }
    let allowed = allow::plan(&before.project.sources, &before.findings, REASON);
    let written = with(files, &before, &allowed)?;
    settings
        .allow
        .extend(allowed.rest.iter().map(|(rule, path)| Allow {
            rule: (*rule).to_owned(),
            path: Some(path.clone()),
            reason: REASON.to_owned(),
            span: None,
        }));
    let after = analyzed(&written, &settings);
    let sources = &after.project.sources;
    let shown = |files: &[(String, String)]| {
        Project {
            files: files.to_vec(),
        }
        .to_string()
    };
    if let Some(left) = after.findings.first() {
        let place = sources.place(left.primary.span);
        let text = shown(&written);
        return Err(format!(
            "left at {place}: {}: {}\n{text}",
            left.rule, left.message
        ));
    }
    if after.silenced.len() != before.findings.len() + before.silenced.len() {
        let (one, other) = (
            before.findings.len() + before.silenced.len(),
            after.silenced.len(),
        );
        return Err(format!(
            "{one} findings, {other} silenced\n{}",
            shown(&written)
        ));
    }
    if after.gaps.len() != before.gaps.len() {
        return Err(format!("other gaps: {:?}\n{}", after.gaps, shown(&written)));
    }
    Ok(())
}

fn is_complaint(finding: &Finding) -> bool {
    finding.rule.starts_with("suppression-")
}

fn analyzed(files: &[(String, String)], settings: &Settings) -> Analysis {
    let host = FakeHost {
        now: NOW,
        ..FakeHost::new(files.to_vec())
    };
    analyze(&host, project::Project::load(&host, settings), settings)
}

/// The files as they are written; an error if a byte is lost.
fn with(
    files: &[(String, String)],
    analysis: &Analysis,
    allowed: &Allowed,
) -> Result<Vec<(String, String)>, String> {
    let mut written = files.to_vec();
    for change in &allowed.plan.changes {
        let path = &analysis.project.sources.get(change.file).path;
        let file = written.iter_mut().find(|(known, _)| known == path);
        let Some((path, text)) = file else {
            return Err(format!("{path} is no file of the project"));
        };
        if !is_within(text, &change.text) {
            return Err(format!("{path} loses something:\n{}", change.text));
        }
        let (old, new) = (
            text.matches("\r\n").count(),
            change.text.matches("\r\n").count(),
        );
        if old > 0 && new != change.text.matches('\n').count() {
            return Err(format!("{path} has other line ends"));
        }
        text.clone_from(&change.text);
    }
    Ok(written)
}

/// Whether a text is another one with insertions.
fn is_within(old: &str, new: &str) -> bool {
    let mut rest = new.chars();
    old.chars().all(|wanted| rest.any(|char| char == wanted))
}
