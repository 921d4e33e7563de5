//! A file that is written inside a compose file: `dockerfile_inline`, the `content` of a config. It is read in the place
//! where it stands, so that lines and columns are those of the compose file.

use crate::project::compose::Stack;
use crate::project::container::inline_key;
use crate::project::files::Files;
use crate::source::{FileId, SourceFile, Span};

/// Makes files of the configs that are written in the compose file of a stack.
pub(super) fn configs(files: &mut Files, stack: &Stack) {
    for config in stack.configs.iter().chain(&stack.secrets) {
        if let (None, Some(content)) = (&config.file, &config.content)
            && let Some(text) = content.get()
        {
            let whole = files.sources.get(content.span.file);
            let mut text = laid_out(&whole.text, content.span, text);
            if !content.get().is_some_and(|text| text.ends_with('\n')) {
                text.pop();
            }
            let mut file = SourceFile::new(whole.path.clone(), text.into_bytes());
            // What compose has filled in is not what is on the disk: no fix may write it back.
            file.lossy = true;
            files.inline(&inline_key(stack, &config.key.value), file);
        }
    }
}

/// A text laid out in the file that holds it. Where compose has changed it, so that places in it are none of that file, it
/// becomes a file of its own of the same name.
pub(super) fn in_place(files: &mut Files, span: Span, content: &str) -> (FileId, String) {
    let whole = files.sources.get(span.file);
    let text = laid_out(&whole.text, span, content);
    if is_part(&text, &whole.text) {
        return (span.file, text);
    }
    let mut file = SourceFile::new(whole.path.clone(), text.clone().into_bytes());
    file.lossy = true;
    (files.sources.add(file), text)
}

/// Whether each line of a text, but for blanks at its ends, stands at the same bytes of another one.
fn is_part(text: &str, whole: &str) -> bool {
    let mut end = 0;
    text.split_inclusive('\n').all(|line| {
        let start = end + line.len() - line.trim_start().len();
        end += line.len();
        let words = line.trim();
        words.is_empty() || whole.get(start..start + words.len()) == Some(words)
    })
}

/// A text as long as `whole` up to the end of the block, with `content` on the lines and in the columns where the block
/// at `span` holds it, and blanks everywhere else. A line that compose changes (`$$`, a variable) starts where the
/// written one does.
pub(super) fn laid_out(whole: &str, span: Span, content: &str) -> String {
    let (start, end) = (span.start as usize, (span.end as usize).min(whole.len()));
    let (before, block) = (
        whole.get(..start).unwrap_or(""),
        whole.get(start..end).unwrap_or(""),
    );
    let mut text: String = before
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect();
    let mut written = block.split_inclusive('\n');
    // The first line of a block scalar holds its sign (`|`, `>-`) alone.
    if block.starts_with(['|', '>']) {
        let sign = written.next().unwrap_or("");
        text.extend(sign.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    }
    for line in content.lines() {
        let place = written.next().unwrap_or("");
        let indent = place.len() - place.trim_start().len();
        let indent = indent.saturating_sub(line.len() - line.trim_start().len());
        let taken = if line.is_empty() { 0 } else { indent };
        text.extend(std::iter::repeat_n(' ', taken));
        text.push_str(line);
        let width = place.trim_end_matches('\n').len();
        text.extend(std::iter::repeat_n(
            ' ',
            width.saturating_sub(taken + line.len()),
        ));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_stay_those_of_the_whole() {
        let whole = "a:\n  b: |\n    FROM x\n      CMD y $$z\n\n    USER u\nc: d\n";
        let start = whole.find('|').unwrap();
        let span = Span::new(FileId(0), start, whole.find("c: d").unwrap());
        let text = laid_out(whole, span, "FROM x\n  CMD y $z\n\nUSER u\n");
        for word in ["FROM", "CMD", "USER"] {
            assert_eq!(text.find(word), whole.find(word));
        }
        assert_eq!(text.lines().count(), 6);
        assert!(!is_part(&text, whole), "compose makes one of two signs");
        let written = laid_out(whole, span, "FROM x\n  CMD y $$z\n\nUSER u\n");
        assert!(is_part(&written, whole));
    }
}
