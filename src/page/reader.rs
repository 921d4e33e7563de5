//! The walk over the lines of a page: headings open sections, fences are files. The Markdown of a page is narrow on
//! purpose: whatever is no heading and no fence at the start of a line is prose.

use std::ops::Range;

use super::{Card, ExampleFile, Page};

/// Sections of a page, in the order that they must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Why,
    Bad,
    Output,
    Good,
    NotThis,
    Proof,
    WhenToIgnore,
    References,
}

const SECTIONS: [(&str, Section); 7] = [
    ("Bad", Section::Bad),
    ("Output", Section::Output),
    ("Good", Section::Good),
    ("Not this", Section::NotThis),
    ("Proof", Section::Proof),
    ("When to ignore", Section::WhenToIgnore),
    ("References", Section::References),
];

/// Where the reader stands while it walks the lines of a page.
pub(super) struct Reader<'a> {
    /// The page, as far as it is read.
    pub(super) page: Page<'a>,
    section: Section,
    /// The `###` heading in force; empty if none.
    miss: &'a str,
    /// Bytes of `why`, as far as they are known.
    why: Range<usize>,
}

/// A fence as it opens.
struct Fence<'a> {
    info: &'a str,
    ticks: usize,
    /// Line of the page on which it opens, from 1.
    line: usize,
    /// First byte of its content.
    start: usize,
}

impl<'a> Reader<'a> {
    /// At the first line of a page.
    pub(super) fn new(text: &'a str, card: Card) -> Self {
        Self {
            page: Page {
                id: "",
                card,
                why: "",
                output: None,
                lab: None,
                text,
                files: Vec::new(),
            },
            section: Section::Why,
            miss: "",
            why: 0..0,
        }
    }

    /// Walks the whole page; an error names the line.
    pub(super) fn read(&mut self, id: &str) -> Result<(), String> {
        let mut fence: Option<Fence> = None;
        let mut at = 0;
        let text = self.page.text;
        for (index, raw) in text.split_inclusive('\n').enumerate() {
            let (start, line) = (at, raw.trim_end());
            at += raw.len();
            let ticks = line.bytes().take_while(|byte| *byte == b'`').count();
            match &fence {
                Some(open) if ticks >= open.ticks && ticks == line.len() => {
                    self.close(open, start)
                        .map_err(|why| format!("line {}: {why}", open.line))?;
                    fence = None;
                    let start = if self.why.start == 0 {
                        at
                    } else {
                        self.why.start
                    };
                    if self.section == Section::Why {
                        self.why = start..at;
                    }
                }
                Some(_) => {}
                None if ticks >= 3 => {
                    fence = Some(Fence {
                        info: &line[ticks..],
                        ticks,
                        line: index + 1,
                        start: at,
                    });
                }
                None => {
                    self.heading(id, line, start)
                        .map_err(|why| format!("line {}: {why}", index + 1))?;
                }
            }
        }
        if let Some(open) = fence {
            return Err(format!("line {}: the fence is not closed", open.line));
        }
        if self.page.id.is_empty() {
            return Err(format!("line 1: the page does not begin with `# {id}`"));
        }
        self.page.why = text[self.why.clone()].trim();
        Ok(())
    }

    fn heading(&mut self, id: &str, line: &'a str, start: usize) -> Result<(), String> {
        if let Some(name) = line.strip_prefix("### ") {
            self.miss = name.trim();
        } else if let Some(name) = line.strip_prefix("## ") {
            let known = SECTIONS.iter().find(|(title, _)| *title == name.trim());
            let (_, section) = known.ok_or_else(|| {
                let titles: Vec<&str> = SECTIONS.iter().map(|(title, _)| *title).collect();
                format!("no section is called {name}, but {}", titles.join(", "))
            })?;
            if *section <= self.section {
                return Err(format!("section {name} stands too late or twice"));
            }
            (self.section, self.miss) = (*section, "");
        } else if let Some(title) = line.strip_prefix("# ") {
            if title.trim() != id || start != 0 {
                return Err(format!(
                    "the one first-level heading is `# {id}`, on the first line"
                ));
            }
            self.page.id = title.trim();
        }
        if self.section == Section::Why && self.why.start > 0 {
            self.why.end = start + line.len();
        }
        Ok(())
    }

    fn close(&mut self, fence: &Fence<'a>, end: usize) -> Result<(), String> {
        let content = &self.page.text[fence.start.min(end)..end];
        let mut words = fence.info.split_whitespace();
        let language = words.next().unwrap_or_default();
        let attributes: Vec<&str> = words.collect();
        if language == "toml" && attributes == ["lab"] {
            if self.page.lab.replace(content).is_some() {
                return Err("the second `toml lab` fence".to_owned());
            }
            return Ok(());
        }
        match self.section {
            Section::Bad | Section::Good | Section::NotThis => {
                let file = self.example(fence, content, &attributes)?;
                self.page.files.push(file);
            }
            Section::Output if self.page.output.is_none() => {
                self.page.output = Some(fence.start..end);
            }
            Section::Output => return Err("the second output".to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn example(
        &self,
        fence: &Fence,
        content: &'a str,
        attributes: &[&'a str],
    ) -> Result<ExampleFile<'a>, String> {
        let mut file = ExampleFile {
            section: self.section,
            miss: self.miss,
            path: "",
            text: content,
            line: fence.line,
            shared: false,
        };
        for attribute in attributes {
            match (*attribute, attribute.strip_prefix("file=")) {
                (_, Some(path)) => file.path = path,
                ("shared", _) if self.section == Section::Bad => file.shared = true,
                ("no-eol", _) => file.text = content.strip_suffix('\n').unwrap_or(content),
                _ => {
                    return Err(format!(
                        "a fence here has file=PATH, shared (in Bad) or no-eol, not {attribute}"
                    ));
                }
            }
        }
        if file.path.is_empty() {
            return Err("a fence of an example needs file=PATH".to_owned());
        }
        if self.section == Section::NotThis && self.miss.is_empty() {
            return Err("a near miss begins with `### what it is`".to_owned());
        }
        Ok(file)
    }
}
