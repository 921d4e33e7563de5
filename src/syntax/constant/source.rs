//! What is taken out of whole sources in JavaScript and Python: their comments, the files that they take in, and single
//! settings. Nothing is run, and no scope is known.

use std::ops::Range;

use pest::iterators::Pair;

use super::{Expression, Rule, expression, parse, string};

/// A language by its comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// JavaScript and TypeScript.
    Script,
    /// Python; texts of several lines count as comments.
    Python,
}

/// A source with blanks in place of its comments, every byte at its place.
pub fn without_comments(language: Language, text: &str) -> String {
    let rule = match language {
        Language::Script => Rule::script,
        Language::Python => Rule::module,
    };
    let mut bare = String::with_capacity(text.len());
    let mut at = 0;
    for comment in parse(rule, text).into_iter().flat_map(Pair::into_inner) {
        let span = comment.as_span();
        if comment.as_rule() == Rule::EOI {
            continue;
        }
        bare.push_str(&text[at..span.start()]);
        for byte in comment.as_str().bytes() {
            bare.push(if byte == b'\n' { '\n' } else { ' ' });
        }
        at = span.end();
    }
    bare.push_str(&text[at..]);
    bare
}

/// Every value that a source gives to a `keepAliveTimeout`, with its place; `None` for one that is not plain.
pub fn keep_alives(text: &str) -> Vec<(Option<Expression>, Range<usize>)> {
    let all = parse(Rule::members, text).map(Pair::into_inner);
    let members = all.into_iter().flatten();
    let members = members.filter(|pair| pair.as_rule() == Rule::member);
    members
        .map(|member| {
            let range = member.as_span().start()..member.as_span().end();
            let mut parts = member.into_inner();
            let value = parts.find(|part| part.as_rule() == Rule::expression);
            (value.and_then(expression), range)
        })
        .collect()
}

/// What a source takes in by name: `./server`, `express`.
pub fn imports(text: &str) -> Vec<String> {
    let all = parse(Rule::imports, text).map(Pair::into_inner);
    let imports = all.into_iter().flatten();
    imports
        .filter(|pair| pair.as_rule() == Rule::import)
        .filter_map(|import| {
            let mut parts = import.into_inner();
            string(parts.find(|part| part.as_rule() == Rule::string)?)
        })
        .collect()
}

/// Names that a source takes out of the environment at once: `const { PORT = 3000 } = process.env`.
pub fn picks(text: &str) -> Vec<(String, Option<Expression>, Range<usize>)> {
    let all = parse(Rule::picks, text).map(Pair::into_inner);
    let picked = all.into_iter().flatten();
    let picked = picked.filter(|pair| pair.as_rule() == Rule::picked);
    let picks = picked.flat_map(Pair::into_inner);
    picks
        .filter(|pair| pair.as_rule() == Rule::pick)
        .filter_map(|pick| {
            let range = pick.as_span().start()..pick.as_span().end();
            let (mut variable, mut name, mut other) = (None, None, None);
            for part in pick.into_inner() {
                match part.as_rule() {
                    Rule::variable => variable = Some(part.as_str().to_owned()),
                    Rule::alias => name = Some(part.as_str().to_owned()),
                    Rule::expression => other = Some(expression(part)),
                    _ => {}
                }
            }
            let variable = variable?;
            let name = name.unwrap_or_else(|| variable.clone());
            let value = match other {
                Some(None) => None,
                Some(Some(other)) => Some(Expression::Variable(variable, Some(Box::new(other)))),
                None => Some(Expression::Variable(variable, None)),
            };
            Some((name, value, range))
        })
        .collect()
}

/// Whether some function of a source in JavaScript takes a name, so that what is set elsewhere may not be meant.
pub fn is_parameter(text: &str, name: &str) -> bool {
    let lists = parse(Rule::parameters, text).map(Pair::into_inner);
    let mut lists = lists
        .into_iter()
        .flatten()
        .filter(|pair| matches!(pair.as_rule(), Rule::parameter_list | Rule::lone_parameter));
    lists.any(|list| {
        let names = list.into_inner().next().map_or("", |names| names.as_str());
        names
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'))
            .any(|word| word == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_blanks() {
        let text = "a('http://x'); // app.listen(1)\n/* b */ c";
        let bare = without_comments(Language::Script, text);
        assert_eq!(bare.len(), text.len());
        assert_eq!(
            bare.trim_end(),
            "a('http://x');                 \n        c"
        );
        let bare = without_comments(Language::Python, "x = '#'  # é\n\"\"\"run()\"\"\"");
        assert_eq!(bare.trim_end(), "x = '#'");
    }

    #[test]
    fn times_and_imports_and_picks() {
        let found = keep_alives("s.keepAliveTimeout = 65 * 1000\nx({ keepAliveTimeout: t.a })");
        assert_eq!(found[0].0, Some(Expression::Number(65000.0)));
        assert_eq!(found[1].0, None);
        let text = "import './a';\nimport b from \"./b\";\nconst c = require('c');";
        assert_eq!(imports(text), ["./a", "./b", "c"]);
        let found = picks("const { PORT: port = 3000, HOST } = process.env;");
        assert_eq!(found[0].0, "port");
        assert_eq!(
            found[1].1,
            Some(Expression::Variable("HOST".to_owned(), None))
        );
        assert!(picks("const { a } = process.env.X").is_empty());
    }

    #[test]
    fn names_of_functions() {
        let text = "f(port); if (port) {} class A { start(a, host = 1): void {} }; x = b => b";
        assert!(!is_parameter(text, "port"));
        assert!(
            ["a", "host", "b"]
                .iter()
                .all(|name| is_parameter(text, name))
        );
    }
}
