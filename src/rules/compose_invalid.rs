//! rules/compose-invalid.md

use crate::finding::Severity;
use crate::project::compose::{Fault, FaultKind};
use crate::rules::Ctx;

pub(super) fn check(cx: &mut Ctx) {
    let project = cx.project;
    for stack in &project.stacks {
        let mut groups: Vec<Vec<&Fault>> = Vec::new();
        for fault in &stack.faults {
            // What an anchor brings to several services is written once.
            let is_known = |group: &Vec<&Fault>| group.iter().any(|other| other.span == fault.span);
            let same = |group: &Vec<&Fault>| fault.about.is_some() && group[0].about == fault.about;
            match groups
                .iter_mut()
                .find(|group| is_known(group) || same(group))
            {
                Some(group) if is_known(group) => {}
                Some(group) => group.push(fault),
                None => groups.push(vec![fault]),
            }
        }
        for faults in groups {
            report(cx, &faults);
        }
    }
}

fn report(cx: &mut Ctx, faults: &[&Fault]) {
    let first = faults[0];
    let help = match first.kind {
        // A gap says so: the machine that deploys it may set the variable.
        FaultKind::Unset => return,
        FaultKind::RepeatedKey => {
            "keep one of them: the older compose takes the last one without a word, and compose 2 refuses the file"
        }
        FaultKind::Invalid if first.about.is_some() => {
            "declare it, or correct the name: compose refuses the whole project, so that nothing of it starts"
        }
        FaultKind::Invalid => "compose refuses the whole project, so that nothing of it starts",
    };
    let finding = cx.report(first.span, first.message.clone());
    finding.here(match first.kind {
        FaultKind::RepeatedKey => "given before",
        _ => "refused",
    });
    finding.again(faults[1..].iter().map(|fault| fault.span));
    finding.help(help).because("fault", &first.message);
    if first.kind == FaultKind::RepeatedKey {
        finding.severity(Severity::Warning);
    }
}
