//! s6: every service of its folders runs a script of the name `run`.

use super::cx::Cx;
use super::launch::{Line, Started, Step, follow};
use crate::syntax::value::Text;

/// Where the services of s6-overlay 2 and 3 and of a plain s6 lie.
const FOLDERS: [&str; 4] = [
    "/etc/s6-overlay/s6-rc.d",
    "/etc/services.d",
    "/etc/s6",
    "/etc/service",
];

/// `/init` of s6-overlay, `s6-svscan FOLDER`.
pub(super) fn services(cx: &mut Cx<'_>, rest: &[Text], first: &Text) -> Step {
    let told = rest
        .iter()
        .filter_map(Text::get)
        .find(|word| word.starts_with('/'));
    let folders: Vec<String> = match told {
        Some(folder) => vec![folder.to_owned()],
        None => FOLDERS.map(str::to_owned).to_vec(),
    };
    let mut lines: Vec<Line> = Vec::new();
    let (home, depth, env) = (cx.cwd.clone(), cx.depth, cx.overlay());
    for folder in folders {
        for name in cx.list(&folder).unwrap_or_default() {
            let script = Text {
                value: Ok(format!("{folder}/{name}/run")),
                ..first.clone()
            };
            if let Started::Lines(more) = follow(cx, vec![script]) {
                lines.extend(more);
            }
            cx.cwd.clone_from(&home);
            cx.depth = depth;
            cx.enter(env.clone());
        }
    }
    if lines.is_empty() {
        return Step::Done(Started::Unknown(
            "s6's services are not in the tree".to_owned(),
        ));
    }
    Step::Done(Started::Lines(lines))
}
