//! `check --add-allow REASON`: comments into the files, and what no comment can say into `no502.toml`.

use std::path::PathBuf;

use no502::fix::allow::{self, Allowed};
use no502::report;
use no502::rules::count;

use crate::args::Cli;
use crate::config::NAME;
use crate::disk;
use crate::failure::Failure;
use crate::run::{Run, say, to_stdout};

/// Shows what would be written, and writes nothing.
pub(crate) fn show(run: &Run, reason: &str, cli: &Cli) -> Result<(), Failure> {
    let (allowed, settings) = planned(run, reason)?;
    let look = run.look(cli, true);
    to_stdout(|out| {
        report::diff::write(&run.analysis, &allowed.plan, &look, out)?;
        match &settings {
            Some(new) => {
                let path = place(run).1;
                report::diff::write_one(&path, run.config.text(), new, out)
            }
            None => Ok(()),
        }
    })
    .map(drop)
}

/// Writes it; says how much.
pub(crate) fn write(run: &Run, reason: &str) -> Result<(), Failure> {
    let (allowed, settings) = planned(run, reason)?;
    for change in &allowed.plan.changes {
        let file = run.analysis.project.sources.get(change.file);
        run.disk.replace(&file.path, &file.text, &change.text)?;
    }
    if allowed.plan.fixes > 0 {
        let comments = count(allowed.plan.fixes, "suppression");
        let files = count(allowed.plan.changes.len(), "file");
        say(format_args!("no502: {comments} in {files}"));
    }
    if let Some(new) = settings {
        let (real, shown) = place(run);
        disk::replace(&real, &shown, run.config.text(), &new)?;
        let entries = count(allowed.rest.len(), "allow");
        say(format_args!(
            "no502: {entries} in `{shown}`, for what no comment can speak of"
        ));
    }
    Ok(())
}

/// The comments, and the new text of `no502.toml` if it needs one.
fn planned(run: &Run, reason: &str) -> Result<(Allowed, Option<String>), Failure> {
    let analysis = &run.analysis;
    let allowed = allow::plan(&analysis.project.sources, &analysis.findings, reason);
    if allowed.rest.is_empty() {
        return Ok((allowed, None));
    }
    let rest = allowed.rest.iter();
    let rest = rest.map(|(rule, path)| (*rule, path.as_str()));
    let settings = run.config.with_allows(&run.roots.root, rest, reason)?;
    Ok((allowed, Some(settings)))
}

/// Where `no502.toml` is or will be, and what it is called.
fn place(run: &Run) -> (PathBuf, String) {
    let real = run.config.path.clone();
    let real = real.unwrap_or_else(|| run.roots.root.join(NAME));
    let shown = if real.parent() == Some(&run.roots.root) {
        format!("{}{NAME}", run.roots.prefix())
    } else {
        real.display().to_string()
    };
    (real, shown)
}
