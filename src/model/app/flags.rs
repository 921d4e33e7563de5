//! The words of a command line as flags with values, in all the ways in which option parsers take them.

use super::cx::part;
use crate::syntax::value::Text;

/// The words behind a program's name.
pub(super) struct Flags<'a> {
    words: &'a [Text],
}

impl<'a> Flags<'a> {
    /// For the words behind the program's name.
    pub(super) fn new(words: &'a [Text]) -> Self {
        Self { words }
    }

    /// The value of a flag, the last one if it is given several times. `Err` if a word is unknown that may be it.
    pub(super) fn get(&self, names: &[String]) -> Result<Option<Text>, String> {
        let found = self.all(names)?;
        Ok(found.into_iter().next_back())
    }

    /// The values of a flag that may be given several times.
    pub(super) fn all(&self, names: &[String]) -> Result<Vec<Text>, String> {
        let mut found = Vec::new();
        let mut at = 0;
        let mut open = None;
        while let Some(word) = self.words.get(at) {
            at += 1;
            let Some(text) = word.get() else {
                // An unknown word behind a flag is most likely its value, not another flag.
                let is_value = at >= 2
                    && self.words[at - 2].get().is_some_and(|before| {
                        before.starts_with('-') && !before.contains('=') && before != "--"
                    });
                if let (false, Err(why)) = (is_value, &word.value) {
                    open.get_or_insert_with(|| why.clone());
                }
                continue;
            };
            for name in names {
                if text == name {
                    found.push(match self.words.get(at) {
                        Some(value) if !value.get().is_some_and(|next| next.starts_with('-')) => {
                            at += 1;
                            Text {
                                span: whole(word, value),
                                ..value.clone()
                            }
                        }
                        // `vite --host` and the like: the flag alone.
                        _ => Text {
                            value: Ok(String::new()),
                            ..word.clone()
                        },
                    });
                    break;
                }
                if let Some(value) = joined(text, name) {
                    let span = part(word, 0, text.len());
                    found.push(Text {
                        value: Ok(value.to_owned()),
                        assumed: word.assumed,
                        span,
                    });
                    break;
                }
            }
        }
        match open {
            Some(why) => Err(why),
            None => Ok(found),
        }
    }

    /// Whether a flag is there at all. `None`: unknown.
    pub(super) fn has(&self, names: &[String]) -> bool {
        self.words.iter().filter_map(Text::get).any(|text| {
            names
                .iter()
                .any(|name| text == name || joined(text, name).is_some())
        })
    }

    /// Words that are neither flags nor (as far as can be told) values of flags in `valued`.
    pub(super) fn positional(&self) -> impl Iterator<Item = &'a Text> {
        let words = self.words;
        words.iter().enumerate().filter_map(move |(at, word)| {
            let text = word.get()?;
            let behind_flag = at > 0
                && words[at - 1].get().is_some_and(|before| {
                    before.starts_with('-') && !before.contains('=') && before.len() > 1
                });
            (!text.starts_with('-') && !behind_flag).then_some(word)
        })
    }
}

/// Flag and value together, if they stand in one file, one behind the other.
fn whole(flag: &Text, value: &Text) -> crate::source::Span {
    let (from, to) = (flag.span, value.span);
    if from.file == to.file && from.end <= to.start {
        from.to(to)
    } else {
        to
    }
}

/// `--name=value`, or `-nvalue` for a short one.
fn joined<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(name)?;
    if let Some(value) = rest.strip_prefix('=') {
        return Some(value);
    }
    let short = name.len() == 2 && name.starts_with('-') && !name.starts_with("--");
    (short && !rest.is_empty()).then_some(rest)
}
