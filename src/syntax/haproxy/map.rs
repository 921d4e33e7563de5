//! Map files, and the names of backends that are looked up in them.

use pest::Parser;

use super::Line;
use crate::source::{FileId, Span, Spanned};
use crate::syntax::proxy_value::grammar::{ProxyValue, Rule};

/// `x_%[path,map_beg(/etc/haproxy/hosts.map,fallback)]`: a name that a file gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapChoice {
    /// What stands in front of what the file gives.
    pub before: String,
    /// Path of the file as it is written.
    pub path: String,
    /// What is taken where the file has nothing.
    pub fallback: Option<String>,
    /// What stands behind.
    pub after: String,
}

/// The map that a name is looked up in, if it is nothing else.
pub fn map_choice(text: &str) -> Option<MapChoice> {
    let pair = ProxyValue::parse(Rule::map_choice, text).ok()?.next()?;
    let mut choice = MapChoice::default();
    for part in pair.into_inner() {
        let text = part.as_str().to_owned();
        match part.as_rule() {
            Rule::map_before => choice.before = text,
            Rule::map_path => choice.path = text,
            Rule::map_fallback => choice.fallback = Some(text),
            Rule::map_after => choice.after = text,
            _ => {}
        }
    }
    Some(choice)
}

/// The values of a map file: a line is a key and, up to its end, a value; `#` in front makes it a comment, and nowhere else.
///
/// Source: `pat_ref_read_from_file_smp` in src/pattern.c; put to HAProxy 2.6.
pub fn map_values(file: FileId, text: &str) -> Vec<Spanned<String>> {
    let mut values = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let begin = start;
        start += line.len();
        let blank = |c: char| c == ' ' || c == '\t';
        let entry = line.trim_end_matches(['\n', '\r']);
        let key = entry.trim_start_matches(blank);
        if key.is_empty() || key.starts_with('#') {
            continue;
        }
        let Some(gap) = key.find(blank) else {
            continue;
        };
        let rest = key[gap..].trim_start_matches(blank);
        let value = rest.trim_end_matches(blank);
        if !value.is_empty() {
            let at = begin + (entry.len() - rest.len());
            let span = Span::new(file, at, at + value.len());
            values.push(Spanned::new(value.to_owned(), span));
        }
    }
    values
}

/// The absolute paths of files that a line reads patterns from: maps of converters, and what stands behind `-f` of an ACL.
pub fn pattern_files(line: &Line) -> Vec<Spanned<String>> {
    let mut files = Vec::new();
    for word in line.words.iter().filter(|word| !word.has_env) {
        let maps = word.text.match_indices(",map");
        files.extend(maps.filter_map(|(at, mark)| {
            let rest = &word.text[at + mark.len()..];
            let kind = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_'))?;
            let inside = rest[kind..].strip_prefix('(')?;
            let end = inside.find([',', ')'])?;
            Some(Spanned::new(inside[..end].to_owned(), word.span))
        }));
    }
    if line.words[0].text == "acl" {
        let pairs = line.words.windows(2);
        let lists = pairs.filter(|pair| pair[0].text == "-f" && !pair[1].has_env);
        files.extend(lists.map(|pair| Spanned::new(pair[1].text.clone(), pair[1].span)));
    }
    files.retain(|file| file.value.starts_with('/'));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_a_map_gives_is_one() {
        let choice = map_choice("bk_%[req.hdr(host),lower,map_dom(/etc/h.map,bk_www)]").unwrap();
        assert_eq!(
            (choice.before.as_str(), choice.path.as_str()),
            ("bk_", "/etc/h.map")
        );
        assert_eq!(choice.fallback.as_deref(), Some("bk_www"));
        assert_eq!(map_choice("%[path,map(/a),lower]"), None);
        assert_eq!(map_choice("%[path,map_int(/a)]"), None);
        assert_eq!(map_choice("%[path]"), None);
        assert_eq!(map_choice("%[path,map(/a)]-%[src]"), None);
        assert_eq!(map_choice("plain"), None);
    }

    #[test]
    fn the_rest_of_a_line_is_the_value() {
        let text = "# no\n/a b\n\n  /c\td e \r\n/alone\n/f  g # h\n/i j";
        let values = map_values(FileId(0), text);
        let found: Vec<&str> = values.iter().map(|value| value.value.as_str()).collect();
        assert_eq!(found, ["b", "d e", "g # h", "j"]);
        for value in values {
            let (start, end) = (value.span.start as usize, value.span.end as usize);
            assert_eq!(&text[start..end], value.value);
        }
    }
}
