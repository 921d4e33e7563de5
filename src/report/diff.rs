//! What fixes would change, as a unified diff that `git apply` and `patch -p1` take.

use std::io::{self, Write};

use similar::TextDiff;

use super::Look;
use crate::analyze::Analysis;
use crate::fix::Plan;

/// One diff for each file of a plan; nothing if nothing changes.
pub fn write(analysis: &Analysis, plan: &Plan, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    for change in &plan.changes {
        let file = analysis.project.sources.get(change.file);
        let path = format!("{}{}", look.prefix, file.path);
        let diff = TextDiff::from_lines(&file.text, &change.text);
        let mut diff = diff.unified_diff();
        diff.header(&format!("a/{path}"), &format!("b/{path}"));
        diff.missing_newline_hint(true).to_writer(&mut *out)?;
    }
    Ok(())
}
