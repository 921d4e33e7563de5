//! rules/final-newline-missing.md

use crate::finding::{Edit, Fix, Safety};
use crate::rules::Ctx;
use crate::source::{FileId, Span};

pub(super) fn check(cx: &mut Ctx) {
    for file in &cx.project.unfinished {
        // Whatever fills a template in decides about its last line.
        let path = &cx.project.sources.get(*file).path;
        if ![".j2", ".tmpl", ".tpl", ".erb", ".template"]
            .iter()
            .any(|ending| path.ends_with(ending))
        {
            report(cx, *file);
        }
    }
}

fn report(cx: &mut Ctx, file: FileId) {
    let source = cx.project.sources.get(file);
    let end = source.text.len();
    let start = source
        .line_range(source.line_count())
        .map_or(end, |(start, _)| start);
    let reads = |conf: &&crate::project::haproxy::HaproxyConf| {
        conf.sections
            .iter()
            .any(|section| section.kind.span.file == file)
    };
    let service = cx
        .project
        .haproxy
        .iter()
        .find(reads)
        .and_then(|conf| conf.service);
    let key = service.map(|service| cx.service_span(service));
    let message = "the last line has no line feed, and HAProxy refuses to start";
    let finding = cx.report(Span::new(file, start, end), message);
    finding
        .here("missing LF on last line")
        .help("end the file with a line feed");
    if let Some(key) = key {
        finding.label(key, "this service does not start");
    }
    finding.fix = Some(Fix {
        title: "end the last line".to_owned(),
        safety: Safety::Safe,
        edits: vec![Edit {
            span: Span::new(file, end, end),
            text: "\n".to_owned(),
        }],
    });
}
