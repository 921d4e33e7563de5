//! Which findings are about which ways, so that a page leads from one to the other and back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::view::{View, Way};
use crate::finding::{Finding, Label};
use crate::source::{FileId, Sources};

/// Findings in the order of the page, and how they belong to ways. Everything is an index.
pub(super) struct Concern<'a> {
    /// Those about inversions first: they are what the page is about.
    pub(super) findings: Vec<&'a Finding>,
    /// For each way and each of its inversions the finding that tells of it.
    pub(super) clashes: Vec<Vec<Option<usize>>>,
    /// For each way the other findings about something on it.
    pub(super) others: Vec<Vec<usize>>,
    /// For each finding its ways.
    pub(super) ways: Vec<Vec<usize>>,
}

/// So many labels of a finding are looked at: the rest repeats the first.
const LABELS: usize = 12;

impl<'a> Concern<'a> {
    pub(super) fn of(view: &View, findings: &'a [Finding], sources: &Sources) -> Self {
        let clashes = view.ways.iter().flat_map(|way| &way.clashes);
        let rules: BTreeSet<&str> = clashes.map(|clash| clash.rule).collect();
        let mut findings: Vec<&Finding> = findings.iter().collect();
        findings.sort_by_key(|one| !(one.rule.ends_with("-inverted") || rules.contains(one.rule)));
        let line = |label: &Label| {
            let span = label.span;
            (span.file, sources.get(span.file).line(span.start))
        };
        let mut index: HashMap<(FileId, usize), BTreeSet<usize>> = HashMap::new();
        for (at, one) in findings.iter().enumerate() {
            let labels = one.labels();
            for label in labels.chain(&one.flow).take(LABELS) {
                index.entry(line(label)).or_default().insert(at);
            }
        }
        let mut concern = Self {
            ways: vec![Vec::new(); findings.len()],
            findings,
            clashes: Vec::new(),
            others: Vec::new(),
        };
        for way in &view.ways {
            let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
            for at in way
                .lines
                .iter()
                .filter_map(|line| index.get(line))
                .flatten()
            {
                *shared.entry(*at).or_default() += 1;
            }
            let begins = |at: usize| way.lines.contains(&line(&concern.findings[at].primary));
            let begun = shared.keys().copied().filter(|at| begins(*at)).collect();
            concern.add(way, &shared, &begun, &rules);
        }
        concern
    }

    /// `shared` has the number of lines that a finding has in common with the way, `begun` those that begin on it.
    fn add(
        &mut self,
        way: &Way,
        shared: &BTreeMap<usize, usize>,
        begun: &BTreeSet<usize>,
        rules: &BTreeSet<&str>,
    ) {
        let told = |rule: &str| {
            let those = shared
                .iter()
                .filter(|(at, _)| self.findings[**at].rule == rule);
            let best = those.max_by_key(|(at, lines)| (begun.contains(at), **lines, Reverse(**at)));
            best.map(|(at, _)| *at)
        };
        let clashes: Vec<Option<usize>> =
            way.clashes.iter().map(|clash| told(clash.rule)).collect();
        let others = begun.iter().copied();
        let others: Vec<usize> = others
            .filter(|at| !rules.contains(self.findings[*at].rule))
            .collect();
        let own = self.others.len();
        for at in clashes.iter().flatten().chain(&others) {
            if self.ways[*at].last() != Some(&own) {
                self.ways[*at].push(own);
            }
        }
        self.clashes.push(clashes);
        self.others.push(others);
    }
}
