//! honcho, foreman and their like: the lines of a Procfile.

use super::cx::{Cx, Read, unknown};
use super::flags::Flags;
use super::launch::{Line, Started, Step, follow, is};
use crate::source::Span;
use crate::syntax::constant;
use crate::syntax::value::Text;

/// `honcho start web`, `foreman start -f Procfile.prod`: the named processes, or all.
pub(super) fn processes(cx: &mut Cx<'_>, tool: &str, rest: &[Text]) -> Step {
    let flags = Flags::new(rest);
    let named = flags.get(&["-f".to_owned(), "--procfile".to_owned()]);
    let path = match named {
        Ok(Some(Text {
            value: Ok(path), ..
        })) => path,
        Ok(None) => "Procfile".to_owned(),
        Ok(Some(Text {
            value: Err(why), ..
        }))
        | Err(why) => {
            return Step::Done(Started::Unknown(why));
        }
    };
    let words: Vec<&Text> = flags.positional().collect();
    let Some(at) = words.iter().position(|word| is(Some(word), "start")) else {
        return Step::Done(Started::Unknown(format!("what {tool} starts is not plain")));
    };
    let wanted: Vec<&str> = words[at + 1..]
        .iter()
        .filter_map(|word| word.get())
        .collect();
    let Read::Text(id, text) = cx.read(&path) else {
        return Step::Done(Started::Unknown(format!("{path} is not in the tree")));
    };
    let mut lines: Vec<Line> = Vec::new();
    let (home, depth, env) = (cx.cwd.clone(), cx.depth, cx.overlay());
    let outer = cx.env("PORT");
    for (at, entry) in constant::settings(&text).iter().enumerate() {
        if !wanted.is_empty() && !wanted.contains(&entry.name) {
            continue;
        }
        let span = Span::new(id, entry.range.end - entry.value.len(), entry.range.end);
        // Each process gets a PORT of its own, counted up from the one that is set.
        let first = at == 0 || wanted.first() == Some(&entry.name);
        let port = match &outer {
            Some(port) if first => port.clone(),
            _ => unknown(format!("{tool} chooses PORT"), span),
        };
        cx.set("PORT", port);
        let shell = ["sh", "-c", entry.value].map(|word| Text::known(word, span));
        match follow(cx, shell.to_vec()) {
            Started::Lines(more) => lines.extend(more),
            Started::Image | Started::Unknown(_) => {}
        }
        cx.cwd.clone_from(&home);
        cx.depth = depth;
        cx.enter(env.clone());
    }
    if lines.is_empty() {
        return Step::Done(Started::Unknown(format!(
            "{path} starts nothing that is known"
        )));
    }
    Step::Done(Started::Lines(lines))
}
