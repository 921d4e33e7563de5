//! Comments that silence findings, put where a person would put them: on a line of their own above what a finding points at,
//! one for all rules of that place. Only where the line above is no place for a comment, in the midst of a text or in a
//! language that has none, is something else proposed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Plan, edited};
use crate::finding::{Edit, Finding};
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::suppress::comment::{self, Comment, Scope};
use crate::suppress::{REASONLESS, UNUSED, holders};
use crate::syntax::{Format, guess, nginx, yaml};

/// What silences some findings.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// The files with their new comments; `fixes` counts the comments.
    pub plan: Plan,
    /// Rule and path of what no comment can silence.
    pub rest: BTreeSet<(&'static str, String)>,
}

/// Silences findings for a reason.
pub fn plan(sources: &Sources, findings: &[Finding], reason: &str) -> Allowed {
    let mut hands = Hands {
        sources,
        holders: holders(sources),
        texts: BTreeMap::new(),
    };
    let mut places: BTreeMap<(FileId, usize), BTreeSet<&'static str>> = BTreeMap::new();
    let mut allowed = Allowed::default();
    for finding in findings {
        if [UNUSED, REASONLESS].contains(&finding.rule) {
            continue;
        }
        let mut labels = finding.labels();
        match labels.find_map(|label| hands.place(label.span)) {
            Some(place) => drop(places.entry(place).or_default().insert(finding.rule)),
            None => {
                let path = &sources.get(finding.primary.span.file).path;
                allowed.rest.insert((finding.rule, path.clone()));
            }
        }
    }
    let mut edits: BTreeMap<FileId, Vec<Edit>> = BTreeMap::new();
    allowed.plan.fixes = places.len();
    for ((file, line), rules) in places {
        let text = hands.text(file);
        edits
            .entry(file)
            .or_default()
            .push(text.edit(line, &rules, reason));
    }
    for (file, edits) in edits {
        let edits = edits.iter().map(|edit| (edit.span.start, edit)).collect();
        let text = edited(&sources.get(file).text, &edits);
        allowed.plan.changes.push(Change { file, text });
    }
    allowed
}

/// What is known of the files while places are looked for.
struct Hands<'a> {
    sources: &'a Sources,
    holders: BTreeMap<FileId, FileId>,
    texts: BTreeMap<FileId, Text<'a>>,
}

impl<'a> Hands<'a> {
    /// The file and the line that a comment can speak of.
    fn place(&mut self, span: Span) -> Option<(FileId, usize)> {
        let line = self.sources.get(span.file).line(span.start);
        let holder = self.holders.get(&span.file).copied();
        let file = holder.unwrap_or(span.file);
        // What a file holds for another program is in that program's language, and may well be within a scalar.
        let is_held = holder.is_some();
        self.text(file).takes(line, is_held).then_some((file, line))
    }

    fn text(&mut self, id: FileId) -> &Text<'a> {
        let file = self.sources.get(id);
        self.texts.entry(id).or_insert_with(|| Text::new(id, file))
    }
}

/// One file: its language, its comments, and where no comment may stand.
struct Text<'a> {
    file: &'a SourceFile,
    id: FileId,
    language: Language,
    comments: Vec<Comment>,
    /// First and last byte of each text that goes over several lines, by the first.
    closed: Vec<(u32, u32)>,
}

/// What a file takes for a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    /// `#` at the end of a line as well as on one of its own.
    Anywhere,
    /// `#` on a line of its own, between the lines of a statement as well.
    OwnLine,
    /// `#` on a line of its own, but not behind a line that goes on.
    OwnStatement,
    /// None that is known.
    None,
}

/// Endings of files with `#` comments that are none of the four languages of `guess`.
const ANYWHERE: &[&str] = &["yaml", "yml", "toml", "py", "rb", "ru"];
const OWN_LINE: &[&str] = &["service", "socket"];
const OWN_STATEMENT: &[&str] = &["env", "sh", "properties", "map"];

impl Language {
    fn of(file: &SourceFile, format: Option<Format>) -> Self {
        if !file.is_writable() {
            return Self::None;
        }
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let ending = name.rsplit('.').next().unwrap_or_default();
        match format {
            Some(Format::Dockerfile) => Self::OwnLine,
            Some(_) if ending == "json" => Self::None,
            Some(_) => Self::Anywhere,
            None if ANYWHERE.contains(&ending) => Self::Anywhere,
            None if OWN_LINE.contains(&ending) || is_drop_in(&file.path) => Self::OwnLine,
            None if OWN_STATEMENT.contains(&ending)
                || name.starts_with(".env")
                || name.starts_with("Procfile") =>
            {
                Self::OwnStatement
            }
            None => Self::None,
        }
    }
}

/// `app.service.d/limits.conf`, which systemd reads as a part of its unit.
fn is_drop_in(path: &str) -> bool {
    path.ends_with(".conf")
        && [".service.d/", ".socket.d/"]
            .iter()
            .any(|dir| path.contains(dir))
}

impl<'a> Text<'a> {
    fn new(id: FileId, file: &'a SourceFile) -> Self {
        let format = guess(&file.path, &file.text);
        let language = Language::of(file, format);
        let mut closed = Vec::new();
        let is_yaml = [".yml", ".yaml"].iter().any(|end| file.path.ends_with(end));
        match format {
            _ if language == Language::None => {}
            Some(Format::Nginx) => words(&nginx::parse(id, &file.text).directives, &mut closed),
            format if is_yaml || format == Some(Format::Compose) => {
                for node in &yaml::parse(id, &file.text).documents {
                    scalars(node, &mut closed);
                }
            }
            _ => {}
        }
        closed.retain(|(start, end)| file.line(*start) < file.line(*end));
        closed.sort_unstable();
        Self {
            file,
            id,
            language,
            comments: comment::read(id, file),
            closed,
        }
    }

    /// Whether a comment can speak of a line.
    fn takes(&self, line: usize, is_held: bool) -> bool {
        let Some((start, _)) = self.file.line_range(line) else {
            return false;
        };
        // A comment above speaks of the next line that is neither blank nor a comment itself.
        let text = self.file.line_text(line).trim_start();
        if line > self.file.line_count() || text.is_empty() || text.starts_with('#') {
            return false;
        }
        let goes_on = line > 1 && self.file.line_text(line - 1).ends_with('\\');
        match self.language {
            Language::None => false,
            Language::OwnStatement => !goes_on,
            Language::Anywhere | Language::OwnLine => self
                .around(start)
                .is_none_or(|text| is_held && text.starts_with('|')),
        }
    }

    /// The text over several lines that the start of a line lies within.
    fn around(&self, start: usize) -> Option<&str> {
        let at = u32::try_from(start).unwrap_or(u32::MAX);
        let before = self.closed.partition_point(|(from, _)| *from < at);
        let (from, to) = self.closed[before.checked_sub(1)?];
        (at < to).then(|| &self.file.text[from as usize..to as usize])
    }

    /// What silences some rules on a line: one more word in a comment that gives this reason already, else a comment.
    fn edit(&self, line: usize, rules: &BTreeSet<&str>, reason: &str) -> Edit {
        let rules: Vec<&str> = rules.iter().copied().collect();
        let rules = rules.join(", ");
        let spoken = self.comments.iter().find(|comment| {
            comment.scope == Scope::Line(line) && comment.reason(&self.file.text) == reason
        });
        if let Some(last) = spoken.and_then(|comment| comment.rules.last()) {
            return self.insert(last.span.end as usize, format!(", {rules}"));
        }
        let comment = format!("# no502: allow({rules}) {reason}");
        let (start, end) = self.file.line_range(line).unwrap_or_default();
        let text = &self.file.text[start..end];
        let bom = text.len() - text.trim_start_matches('\u{feff}').len();
        let indent = text[bom..].len() - text[bom..].trim_start().len();
        let indent = &text[bom..bom + indent];
        let eol = self.eol(line);
        match self.above(line) {
            // A comment that opens the file would speak of all of it.
            Above::Nothing if self.language == Language::Anywhere => {
                let trimmed = text.trim_end().len();
                self.insert(start + trimmed, format!(" {comment}"))
            }
            Above::Head => self.insert(start + bom, format!("{eol}{indent}{comment}{eol}")),
            Above::Nothing | Above::Body => {
                self.insert(start + bom, format!("{indent}{comment}{eol}"))
            }
        }
    }

    fn insert(&self, at: usize, text: String) -> Edit {
        Edit {
            span: Span::new(self.id, at, at),
            text,
        }
    }

    /// How the lines end about here.
    fn eol(&self, line: usize) -> &'static str {
        let ends = |line: usize| {
            let (_, end) = self.file.line_range(line)?;
            Some(self.file.text[end..].starts_with("\r\n"))
        };
        let is_last = line == self.file.line_count() && !self.file.text.ends_with('\n');
        let told = if is_last { ends(line - 1) } else { ends(line) };
        if told == Some(true) { "\r\n" } else { "\n" }
    }

    fn above(&self, line: usize) -> Above {
        let mut above = Above::Nothing;
        for number in 1..line {
            let text = self.file.line_text(number);
            let text = text.trim_start_matches([' ', '\t', '\u{feff}']);
            let is_blank = comment::is_blank(text);
            above = match above {
                _ if text.starts_with('#') => Above::Head,
                Above::Nothing if is_blank => Above::Nothing,
                _ => return Above::Body,
            };
        }
        above
    }
}

/// What stands above a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    /// Blanks.
    Nothing,
    /// The comments that open the file, which speak of all of it.
    Head,
    /// More than that.
    Body,
}

fn scalars(node: &yaml::Node, closed: &mut Vec<(u32, u32)>) {
    if node.scalar().is_some() {
        closed.push((node.span.start, node.span.end));
    }
    for entry in node.entries().unwrap_or_default() {
        closed.push((entry.key.span.start, entry.key.span.end));
        scalars(&entry.value, closed);
    }
    for item in node.items().unwrap_or_default() {
        scalars(item, closed);
    }
}

fn words(directives: &[nginx::Directive], closed: &mut Vec<(u32, u32)>) {
    for directive in directives {
        closed.extend(
            directive
                .args
                .iter()
                .map(|arg| (arg.span.start, arg.span.end)),
        );
        words(directive.block.as_deref().unwrap_or_default(), closed);
    }
}

#[cfg(test)]
mod tests;
