//! The word that was meant by one that nobody knows.

/// The nearest of some words, if it is near enough to be taken for a slip; of equally near ones the first in order.
pub fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = written.chars().count();
    let furthest = (length / 3).max(1);
    known
        .filter(|name| name.chars().count().abs_diff(length) <= furthest)
        .map(|name| (distance(written, name), name))
        .filter(|(distance, _)| *distance <= furthest)
        .min()
        .map(|(_, name)| name)
}

/// How many letters must be put in, taken out, changed or swapped to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut two_ago: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut before = None;
    for (row, letter) in a.chars().enumerate() {
        let mut now = vec![row + 1];
        for (at, other) in b.iter().enumerate() {
            let change = last[at] + usize::from(letter != *other);
            let mut cost = change.min(last[at + 1] + 1).min(now[at] + 1);
            if at > 0 && Some(*other) == before && letter == b[at - 1] {
                cost = cost.min(two_ago[at - 1] + 1);
            }
            now.push(cost);
        }
        two_ago = std::mem::replace(&mut last, now);
        before = Some(letter);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered() {
        let known = ["timeout-zero", "timeout-missing", "stale-dns"];
        let offer = |written| nearest(written, known.into_iter());
        assert_eq!(offer("timeuot-zero"), Some("timeout-zero"));
        assert_eq!(offer("stale_dns"), Some("stale-dns"));
        assert_eq!(offer("x"), None);
    }
}
