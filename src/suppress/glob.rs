//! The paths of an `[[allow]]`: a file, a folder, or a pattern with `*`, `?` and `**`.

/// Whether a pattern names a path, or a folder above it. `*` and `?` stay within a name, `**` stands for any folders.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.trim_matches('/').split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    // reached[i]: the first i parts of the pattern stand for the parts of the path so far.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    skip_folders(&pattern, &mut reached);
    for name in path {
        let mut next = vec![false; pattern.len() + 1];
        for (at, part) in pattern.iter().enumerate() {
            if !reached[at] {
                continue;
            }
            if *part == "**" {
                next[at] = true;
            } else if matches_name(part, name) {
                next[at + 1] = true;
            }
        }
        // A pattern that is used up names a folder: all below it is meant.
        next[pattern.len()] |= reached[pattern.len()];
        skip_folders(&pattern, &mut next);
        reached = next;
    }
    reached[pattern.len()]
}

/// `**` may stand for no folder at all.
fn skip_folders(pattern: &[&str], reached: &mut [bool]) {
    for (at, part) in pattern.iter().enumerate() {
        reached[at + 1] |= reached[at] && *part == "**";
    }
}

/// One name against one part of a pattern, in linear space and without recursion.
fn matches_name(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while read < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star_at, star_read)) = star else {
                    return false;
                };
                star = Some((star_at, star_read + 1));
                at = star_at + 1;
                read = star_read + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn files_folders_and_patterns() {
        for (pattern, path, expected) in [
            ("nginx/a.conf", "nginx/a.conf", true),
            ("nginx/a.conf", "nginx/b.conf", false),
            ("nginx", "nginx/conf.d/a.conf", true),
            ("nginx/", "nginx/a.conf", true),
            ("nginx/*.conf", "nginx/a.conf", true),
            ("nginx/*.conf", "nginx/conf.d/a.conf", false),
            ("**/*.conf", "a.conf", true),
            ("**/*.conf", "x/y/a.conf", true),
            ("x/**/a.?onf", "x/a.conf", true),
            ("**", "x/a", true),
            ("*", "x/a", true),
            ("*a*b", "xxaxxb", true),
            ("*a*b", "xxaxxc", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
