//! Durations and byte sizes as compose writes them.

use pest::Parser;
use pest::iterators::Pair;

use super::grammar::{Grammar, Rule};

/// A duration in milliseconds; `None` if it is none. `0` needs no unit.
pub fn duration_ms(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let whole = Grammar::parse(Rule::duration, text).ok()?.next()?;
    let mut total = 0.0;
    let mut amount = 0.0;
    for part in whole.into_inner() {
        match part.as_rule() {
            Rule::amount => amount = part.as_str().parse::<f64>().ok()?,
            Rule::time_unit => total += amount * milliseconds(part.as_str()),
            _ => {}
        }
    }
    Some(rounded(total))
}

/// A size in bytes; `None` if it is none. Units are powers of 1024, as Docker has them.
pub fn byte_size(text: &str) -> Option<u64> {
    let whole = Grammar::parse(Rule::byte_size, text).ok()?.next()?;
    let mut parts = whole.into_inner();
    let amount = parts.next()?.as_str().parse::<f64>().ok()?;
    let power = parts.next().map_or(0, |unit| power(&unit));
    Some(rounded(amount * 1024_f64.powi(power)))
}

fn milliseconds(unit: &str) -> f64 {
    match unit {
        "ns" => 1e-6,
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 6e4,
        "h" => 3.6e6,
        "d" => 8.64e7,
        "w" => 6.048e8,
        _ => 1e-3,
    }
}

fn power(unit: &Pair<Rule>) -> i32 {
    match unit.as_str() {
        "k" | "K" => 1,
        "m" | "M" => 2,
        "g" | "G" => 3,
        "t" | "T" => 4,
        "p" | "P" => 5,
        _ => 0,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from f64 saturates, and no value here is negative"
)]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, want) in [
            ("0", Some(0)),
            ("10s", Some(10_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("500ms", Some(500)),
            ("1d", Some(86_400_000)),
            ("30", None),
            ("", None),
            ("1x", None),
            ("-1s", None),
        ] {
            assert_eq!(duration_ms(text), want, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, want) in [
            ("512", Some(512)),
            ("1k", Some(1024)),
            ("512M", Some(512 << 20)),
            ("1.5g", Some(3 << 29)),
            ("64 MiB", Some(64 << 20)),
            ("50b", Some(50)),
            ("1gb", Some(1 << 30)),
            ("", None),
            ("m", None),
        ] {
            assert_eq!(byte_size(text), want, "{text}");
        }
    }
}
