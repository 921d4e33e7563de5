//! Short ports (`127.0.0.1:8080-8081:80-81/tcp`) and port ranges.

use pest::Parser;
use pest::iterators::Pair;

use super::grammar::{Grammar, Rule};

/// First and last port.
pub type Range = (u16, u16);

/// One short port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortPort {
    /// Address on the host.
    pub host_ip: Option<String>,
    /// Ports on the host; `None` lets Docker choose, or is unknown.
    pub published: Option<Range>,
    /// Ports in the container; `None` if unknown.
    pub target: Option<Range>,
    /// `tcp` where none is written.
    pub protocol: String,
}

/// Reads a short port, with [`super::HOLE`] for what is unknown; `None` if it is none.
pub fn short_port(text: &str) -> Option<ShortPort> {
    let whole = Grammar::parse(Rule::short_port, text).ok()?.next()?;
    let mut port = ShortPort {
        host_ip: None,
        published: None,
        target: None,
        protocol: "tcp".to_owned(),
    };
    for part in whole.into_inner() {
        match part.as_rule() {
            Rule::address => {
                port.host_ip = part.into_inner().next().map(|ip| ip.as_str().to_owned());
            }
            Rule::published | Rule::target if is_hole(&part) => {}
            Rule::published => port.published = Some(range(part)?),
            Rule::target => port.target = Some(range(part)?),
            Rule::protocol => port.protocol = part.as_str().to_ascii_lowercase(),
            _ => {}
        }
    }
    Some(port)
}

/// Reads `8000` or `8000-8010`.
pub fn port_range(text: &str) -> Option<Range> {
    range(Grammar::parse(Rule::port_range, text).ok()?.next()?)
}

fn is_hole(pair: &Pair<Rule>) -> bool {
    let mut parts = pair.clone().into_inner();
    parts.any(|part| part.as_rule() == Rule::hole)
}

fn range(pair: Pair<Rule>) -> Option<Range> {
    let mut numbers = pair
        .into_inner()
        .filter(|part| part.as_rule() == Rule::number)
        .map(|number| number.as_str().parse::<u16>().ok());
    let first = numbers.next()??;
    let last = numbers.next().unwrap_or(Some(first))?;
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        short_port(text).map(|port| {
            format!(
                "{} {:?} {:?} {}",
                port.host_ip.unwrap_or_default(),
                port.published,
                port.target,
                port.protocol
            )
        })
    }

    #[test]
    fn every_short_form() {
        for (text, want) in [
            ("80", " None Some((80, 80)) tcp"),
            ("8080:80", " Some((8080, 8080)) Some((80, 80)) tcp"),
            ("8080:80/UDP", " Some((8080, 8080)) Some((80, 80)) udp"),
            (
                "127.0.0.1:8080:80",
                "127.0.0.1 Some((8080, 8080)) Some((80, 80)) tcp",
            ),
            ("127.0.0.1::80", "127.0.0.1 None Some((80, 80)) tcp"),
            ("[::1]:8080:80", "::1 Some((8080, 8080)) Some((80, 80)) tcp"),
            (
                "8000-8002:9000-9002",
                " Some((8000, 8002)) Some((9000, 9002)) tcp",
            ),
            ("3000-3005", " None Some((3000, 3005)) tcp"),
        ] {
            assert_eq!(written(text).as_deref(), Some(want), "{text}");
        }
        assert_eq!(
            written("\u{fffc}:80").as_deref(),
            Some(" None Some((80, 80)) tcp")
        );
        for text in ["", "a", "70000", "80:", "1:2:3:4", "90-80", "80/", " 80"] {
            assert_eq!(written(text), None, "{text}");
        }
    }
}
