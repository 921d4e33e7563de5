//! A rule's page: card, prose, examples. The card is the rule's metadata and nothing else is; the examples are its
//! tests, and the page is what `explain` prints. Reading a page borrows from its text, and a run reads only the cards.

use std::ops::Range;

use serde::Deserialize;

use crate::finding::{Confidence, Effect, Severity};
use crate::syntax::value::quantity::duration_ms;
use reader::{Reader, Section};

mod reader;

/// The first `toml` fence of a page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// One line, no full stop.
    pub title: String,
    /// Statuses that a client may get; empty if none.
    #[serde(default)]
    pub status: Vec<u16>,
    /// What a client or an operator sees.
    pub effect: Effect,
    /// The highest severity that it reports.
    pub severity: Severity,
    /// The highest confidence that it reports.
    pub confidence: Confidence,
    /// Group of the catalogue: reach, names, timeouts, keep-alive, health, headers, tls, limits, load, built-in.
    pub category: String,
    /// `nginx`, `haproxy`, `compose`, `app`.
    pub formats: Vec<String>,
    /// Version of no502 that had it first.
    pub since: String,
    /// Off unless asked for.
    #[serde(default)]
    pub pedantic: bool,
    /// `none`, `safe` or `unsafe`.
    #[serde(default = "no_fix")]
    pub fix: String,
    /// Parts of log lines that it explains.
    #[serde(default)]
    pub symptoms: Vec<String>,
    /// Versions of programs that it holds for, for people.
    #[serde(default)]
    pub versions: Option<String>,
    /// By how much two times should differ at least, `5s`: what the help proposes. Settings may ask for another one.
    #[serde(default)]
    pub margin: Option<String>,
    /// Former ids.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// `lab`, or `not on loopback: reason`.
    pub proven: String,
    /// Rules that may speak on Good all the same, because healing them would hide what the page shows.
    #[serde(default)]
    pub good_allows: Vec<String>,
}

impl Card {
    /// The card of a page, without a look at the rest of it: this is all that a run needs.
    pub fn of(page: &str) -> Result<Card, String> {
        let missing = || "the page has no ```toml fence for its card".to_owned();
        let start = page.find("```toml\n").ok_or_else(missing)? + "```toml\n".len();
        let end = page[start..].find("\n```").ok_or_else(missing)? + start;
        let card: Card = toml::from_str(&page[start..=end])
            .map_err(|error| format!("card: {}", error.message()))?;
        match &card.margin {
            Some(margin) if card.margin_ms().is_none() => {
                Err(format!("card: `{margin}` is no duration"))
            }
            _ => Ok(card),
        }
    }

    /// The margin that is advised (milliseconds), if two times are compared.
    pub fn margin_ms(&self) -> Option<u64> {
        duration_ms(self.margin.as_deref()?)
    }
}

fn no_fix() -> String {
    "none".to_owned()
}

/// A project of the examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// What must be reported.
    Bad,
    /// The same project, healed.
    Good,
}

/// Path and text of a file of an example.
pub type File<'a> = (&'a str, &'a str);

/// A project that looks like Bad and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss<'a> {
    /// Its `###` heading.
    pub name: &'a str,
    /// Its files.
    pub files: Vec<File<'a>>,
}

/// A line that must carry the primary label of a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expectation<'a> {
    /// Path of the file.
    pub path: &'a str,
    /// Line in that file, from 1.
    pub line: usize,
    /// Id of the rule.
    pub rule: &'a str,
}

/// A page, read. Everything borrows from its text.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// Id of the rule, which is the first heading.
    pub id: &'a str,
    /// The metadata.
    pub card: Card,
    /// The prose between card and examples: what happens on the wire, and who closes the connection.
    pub why: &'a str,
    /// Bytes of the page that hold the printed output of Bad.
    pub output: Option<Range<usize>>,
    /// Text of the `toml lab` fence: how the claim is put to the real programs.
    pub lab: Option<&'a str>,
    text: &'a str,
    files: Vec<ExampleFile<'a>>,
}

/// One fence with `file=`.
#[derive(Debug, Clone)]
struct ExampleFile<'a> {
    section: Section,
    /// The near miss that it belongs to.
    miss: &'a str,
    path: &'a str,
    text: &'a str,
    /// Line of the page on which the fence opens.
    line: usize,
    /// Whether the file of Bad also stands in Good and in the near misses.
    shared: bool,
}

impl<'a> Page<'a> {
    /// Reads the page of the rule `id`. An error names the line.
    pub fn parse(id: &str, text: &'a str) -> Result<Page<'a>, String> {
        let mut reader = Reader::new(text, Card::of(text)?);
        reader.read(id)?;
        reader.page.check_files()?;
        Ok(reader.page)
    }

    /// The files of an example: its own, and those that Bad shares with Good.
    pub fn files(&self, example: Example) -> Vec<File<'a>> {
        match example {
            Example::Bad => self.project(|file| file.section == Section::Bad),
            Example::Good => self.project(|file| file.section == Section::Good),
        }
    }

    /// The projects of `## Not this`, each with the files that Bad shares.
    pub fn near_misses(&self) -> Vec<NearMiss<'a>> {
        let mut names: Vec<&str> = Vec::new();
        for file in self
            .files
            .iter()
            .filter(|file| file.section == Section::NotThis)
        {
            if !names.contains(&file.miss) {
                names.push(file.miss);
            }
        }
        let files =
            |name| self.project(|file| file.section == Section::NotThis && file.miss == name);
        names
            .into_iter()
            .map(|name| NearMiss {
                name,
                files: files(name),
            })
            .collect()
    }

    /// The lines of Bad that are marked: `# expect: id` at the end of the line itself, or `# expect-next: id` on the
    /// line above it, for formats without comments at the end of a line (Dockerfile, systemd units).
    pub fn expectations(&self) -> Vec<Expectation<'a>> {
        let bad = self
            .files
            .iter()
            .filter(|file| file.section == Section::Bad);
        bad.flat_map(|file| marks(file.path, file.text)).collect()
    }

    /// What the page says the tool prints for Bad.
    pub fn output(&self) -> Option<&'a str> {
        self.output.clone().map(|range| &self.text[range])
    }

    fn project(&self, own: impl Fn(&ExampleFile) -> bool) -> Vec<File<'a>> {
        let mut files: Vec<File> = Vec::new();
        let own_files = self.files.iter().filter(|file| own(file));
        for file in own_files.chain(self.files.iter().filter(|file| file.shared)) {
            if !files.iter().any(|(path, _)| *path == file.path) {
                files.push((file.path, file.text));
            }
        }
        files
    }

    fn check_files(&self) -> Result<(), String> {
        for (at, file) in self.files.iter().enumerate() {
            let twin = |other: &&ExampleFile| {
                (other.section, other.miss, other.path) == (file.section, file.miss, file.path)
            };
            if self.files[..at].iter().any(|other| twin(&other)) {
                return Err(format!(
                    "line {}: {} stands twice in one project",
                    file.line, file.path
                ));
            }
            let silent = file.shared || file.section != Section::Bad;
            if silent && let Some(mark) = marks(file.path, file.text).first() {
                return Err(format!(
                    "line {}: only a file of Bad alone can expect a finding",
                    file.line + mark.line
                ));
            }
        }
        Ok(())
    }
}

fn marks<'a>(path: &'a str, text: &'a str) -> Vec<Expectation<'a>> {
    let mut marks = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((before, mark)) = line.rsplit_once("expect") else {
            continue;
        };
        if !before.trim_end().ends_with(['#', ';']) {
            continue;
        }
        let (rules, line) = match (mark.strip_prefix(':'), mark.strip_prefix("-next:")) {
            (Some(rules), _) => (rules, at + 1),
            (_, Some(rules)) => (rules, at + 2),
            _ => continue,
        };
        marks.extend(rules.split(',').map(|rule| Expectation {
            path,
            line,
            rule: rule.trim(),
        }));
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = "# a-b\n\n```toml\ntitle = \"A title\"\nstatus = [502]\neffect = \"response\"\nseverity = \"error\"\n\
        confidence = \"high\"\ncategory = \"reach\"\nformats = [\"nginx\"]\nsince = \"0.1.0\"\nproven = \"lab\"\n```\n\nWhy.\n\n";

    fn page(rest: &str) -> String {
        format!("{CARD}{rest}")
    }

    #[test]
    fn a_page_is_projects_marks_and_prose() {
        let text = page(
            "More.\n\n## Bad\n\n```yaml file=compose.yaml shared\nservices: {}\n```\n\n```nginx file=a.conf\nx; # expect: a-b, c\n```\n\n\
             ```dockerfile file=Dockerfile\n# expect-next: a-b\nCMD x\n```\n\n## Output\n\n```text\nout\n```\n\n## Good\n\n```nginx file=a.conf\ny;\n```\n\n\
             ## Not this\n\n### One\n\n```nginx file=a.conf no-eol\nz;\n```\n\n### Two\n\n```yaml file=compose.yaml\nx: 1\n```\n\n\
             ## Proof\n\n```toml lab\nexpect = 1\n```\n",
        );
        let page = Page::parse("a-b", &text).unwrap();
        assert_eq!(page.why, "Why.\n\nMore.");
        assert_eq!(page.output(), Some("out\n"));
        assert_eq!(page.lab, Some("expect = 1\n"));
        assert_eq!(page.files(Example::Bad).len(), 3);
        assert_eq!(
            page.files(Example::Good),
            [("a.conf", "y;\n"), ("compose.yaml", "services: {}\n")]
        );
        let misses = page.near_misses();
        assert_eq!(misses[0].files[0], ("a.conf", "z;"));
        assert_eq!(misses[1].files, [("compose.yaml", "x: 1\n")]);
        let marks: Vec<String> = page
            .expectations()
            .iter()
            .map(|mark| format!("{}:{} {}", mark.path, mark.line, mark.rule))
            .collect();
        assert_eq!(marks, ["a.conf:1 a-b", "a.conf:1 c", "Dockerfile:2 a-b"]);
    }

    #[test]
    fn errors_name_the_line() {
        let bad = |rest: &str, want: &str| {
            let error = Page::parse("a-b", &page(rest)).unwrap_err();
            assert!(error.starts_with(want), "{error}");
        };
        bad("## Bud\n", "line 17: no section is called Bud");
        bad(
            "## Good\n\n## Bad\n",
            "line 19: section Bad stands too late",
        );
        bad(
            "## Bad\n\n```nginx\n```\n",
            "line 19: a fence of an example needs file=PATH",
        );
        bad(
            "## Bad\n\n```nginx file=a\n",
            "line 19: the fence is not closed",
        );
        bad(
            "## Good\n\n```nginx file=a\nx; # expect: a-b\n```\n",
            "line 20: only a file of Bad",
        );
        bad(
            "## Good\n\n```c file=a\n```\n```c file=a\n```\n",
            "line 21: a stands twice",
        );
        bad(
            "## Not this\n\n```c file=a\n```\n",
            "line 19: a near miss begins with",
        );
        assert!(
            Page::parse("a-c", &page(""))
                .unwrap_err()
                .starts_with("line 1: ")
        );
    }

    #[test]
    fn a_card_refuses_what_it_does_not_know() {
        let text = CARD.replace("since", "sinse");
        assert!(Card::of(&text).unwrap_err().contains("sinse"));
        assert!(Card::of("# x\n").is_err());
    }
}
