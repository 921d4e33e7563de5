//! What makes a finding the same finding in the next run: rule, path and evidence, never prose or line numbers, so that
//! a baseline survives edits above a finding and a reworded message.

use std::collections::HashMap;

use super::Finding;

/// Names a finding: 32 hexadecimal digits of FNV-1a (128 bits) over rule, path and the evidence pairs in their order,
/// each field closed by a byte that no UTF-8 text holds.
pub fn fingerprint(finding: &Finding, path: &str) -> String {
    let fields = [finding.rule, path].into_iter().chain(
        finding
            .evidence
            .iter()
            .flat_map(|(name, value)| [*name, value.as_str()]),
    );
    let mut hash = OFFSET;
    for field in fields {
        for byte in field.bytes().chain([END_OF_FIELD]) {
            hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
        }
    }
    format!("{hash:032x}")
}

/// Tells equal fingerprints of one run apart: the first keeps its name, the next are `…-2`, `…-3`.
#[derive(Debug, Default)]
pub struct Numbering {
    seen: HashMap<String, usize>,
}

impl Numbering {
    /// The fingerprint of the next finding of the run.
    pub fn next(&mut self, finding: &Finding, path: &str) -> String {
        let name = fingerprint(finding, path);
        let count = self.seen.entry(name.clone()).or_insert(0);
        *count += 1;
        match count {
            1 => name,
            n => format!("{name}-{n}"),
        }
    }
}

/// 0xFF occurs in no UTF-8 text, so `ab` + `c` and `a` + `bc` differ.
const END_OF_FIELD: u8 = 0xff;
/// Offset basis and prime of FNV-1a with 128 bits.
const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::source::{FileId, Span};

    fn finding(message: &str, evidence: &[(&'static str, &str)]) -> Finding {
        let evidence = evidence.iter();
        Finding {
            status: vec![502],
            evidence: evidence
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            ..Finding::new(
                "upstream-port-mismatch",
                Severity::Error,
                Span::new(FileId(0), 0, 0),
                message,
            )
        }
    }

    #[test]
    fn prose_does_not_count_and_evidence_does() {
        let one = fingerprint(&finding("a", &[("port", "80")]), "x.conf");
        assert_eq!(one, fingerprint(&finding("b", &[("port", "80")]), "x.conf"));
        assert_ne!(one, fingerprint(&finding("a", &[("port", "81")]), "x.conf"));
        assert_ne!(one, fingerprint(&finding("a", &[("port", "80")]), "y.conf"));
        assert_ne!(one, fingerprint(&finding("a", &[("por", "t80")]), "x.conf"));
    }

    #[test]
    fn the_hash_is_pinned() {
        // A baseline on a disk outlives a release: this value never changes.
        assert_eq!(
            fingerprint(&finding("", &[]), "nginx.conf"),
            "00f100de2793ef8a0705db79d3617545"
        );
    }

    #[test]
    fn equal_ones_are_numbered() {
        let (mut numbering, same) = (Numbering::default(), finding("", &[]));
        let first = numbering.next(&same, "a");
        assert_eq!(numbering.next(&same, "a"), format!("{first}-2"));
        assert_eq!(numbering.next(&same, "a"), format!("{first}-3"));
    }
}
