//! Changes that must not change a judgement. Each rewrites texts, knowing no rule; what it cannot rewrite safely it leaves.

use std::collections::BTreeSet;

use crate::pages::Project;

/// A name and a rewrite.
type Change = (&'static str, fn(&Project) -> Project);

/// Every change that alters the project, by name.
pub(crate) fn all(project: &Project) -> Vec<(&'static str, Project)> {
    let changes: [Change; 7] = [
        ("services renamed", renamed),
        ("services reversed", reversed),
        ("moved into a folder", moved),
        ("units changed", with_other_units),
        ("ports changed", with_other_ports),
        ("split through an include", split),
        ("a mounted file split through an include", split_mounted),
    ];
    let all = changes.map(|(name, change)| (name, change(project)));
    all.into_iter()
        .filter(|(_, changed)| changed.files != project.files)
        .collect()
}

fn each(project: &Project, change: impl Fn(&str, &str) -> String) -> Project {
    let files = project.files.iter();
    Project {
        files: files
            .map(|(path, text)| (path.clone(), change(path, text)))
            .collect(),
    }
}

fn is_compose(path: &str) -> bool {
    path.contains("compose") && (path.ends_with(".yaml") || path.ends_with(".yml"))
}

fn is_proxy(path: &str) -> bool {
    [".conf", ".cfg", ".template"]
        .iter()
        .any(|end| path.ends_with(end))
        && !path.contains("www.conf")
}

/// Keys of `services:`, as they are written at the first indent below it.
fn services(text: &str) -> Vec<&str> {
    let below = text.lines().skip_while(|line| *line != "services:").skip(1);
    let own = below.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    own.filter_map(|line| {
        line.strip_prefix("  ")?
            .split('#')
            .next()?
            .trim_end()
            .strip_suffix(':')
    })
    .filter(|key| !key.starts_with([' ', '-']))
    .collect()
}

/// Every service has a name with one letter more.
fn renamed(project: &Project) -> Project {
    let compose = project.files.iter().filter(|(path, _)| is_compose(path));
    let names: Vec<&str> = compose.flat_map(|(_, text)| services(text)).collect();
    each(project, |path, text| {
        if !is_compose(path) && !is_proxy(path) {
            return text.to_owned();
        }
        let lines = text.split_inclusive('\n').map(|line| {
            names.iter().fold(line.to_owned(), |line, name| {
                rename(&line, name, is_compose(path))
            })
        });
        lines.collect()
    })
}

/// Renames a service where a service is meant: the same word is often an image, a folder, a section or a header.
fn rename(line: &str, name: &str, compose: bool) -> String {
    let names_something_else = [
        "image:",
        "container_name:",
        "command:",
        "location ",
        "server_name",
    ];
    if names_something_else
        .iter()
        .any(|word| line.trim_start().starts_with(word))
    {
        return line.to_owned();
    }
    let listed = compose && (line.contains("depends_on:") || line.trim_start().starts_with("- "));
    let is_word = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let left = out.clone() + before;
        let whole = !left.ends_with(is_word) && !after.starts_with(is_word);
        let has_port = after
            .strip_prefix(':')
            .is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit() || c == '$'));
        let is_key =
            left.trim().is_empty() && after.split('#').next().is_some_and(|end| end.trim() == ":");
        // `depends_on: { web: { condition: … } }`
        let is_flow_key = listed && left.trim_end().ends_with(['{', ',']) && after.starts_with(':');
        let is_item =
            listed && !left.ends_with(['/', '"', '$']) && after.starts_with([',', ']', '\n', ' ']);
        let is_group = left.trim() == "upstream"
            || left.trim_end().ends_with("set $upstream")
            || left.trim() == "server" && after.starts_with(';');
        let is_host = left.ends_with("//") && after.starts_with(['/', ';', ':', '$']);
        let is_dialled = has_port && !left.ends_with('/');
        let is_shared = left.ends_with("service:");
        // HAProxy's `server <name> web`, without a port.
        let is_portless = left.ends_with(' ') && after.starts_with([' ', '\n']) && {
            let mut words = left.split_whitespace();
            words.next() == Some("server") && words.count() == 1
        };
        out = left + name;
        if whole
            && (is_key
                || is_flow_key
                || is_item
                || is_group
                || is_host
                || is_dialled
                || is_shared
                || is_portless)
        {
            out.push('z');
        }
        rest = after;
    }
    out + rest
}

/// The last service first.
fn reversed(project: &Project) -> Project {
    each(project, |path, text| {
        let Some((before, below)) = text.split_once("services:\n").filter(|_| is_compose(path))
        else {
            return text.to_owned();
        };
        // An anchor must stand before its aliases.
        if below.contains(": *") || below.contains("- *") {
            return text.to_owned();
        }
        let mut blocks: Vec<String> = Vec::new();
        let mut lines = below.split_inclusive('\n').peekable();
        while let Some(line) = lines.next_if(|line| line.starts_with([' ', '#', '\n'])) {
            let is_key = line.starts_with("  ") && !line[2..].starts_with([' ', '#', '\n', '-']);
            match blocks.last_mut().filter(|_| !is_key) {
                Some(block) => block.push_str(line),
                None => blocks.push(line.to_owned()),
            }
        }
        blocks.reverse();
        format!(
            "{before}services:\n{}{}",
            blocks.concat(),
            lines.collect::<String>()
        )
    })
}

/// The whole project lies one folder deeper.
fn moved(project: &Project) -> Project {
    // Settings of a run belong to its root.
    if project.files.iter().any(|(path, _)| path == "no502.toml") {
        return project.clone();
    }
    let files = project.files.iter();
    Project {
        files: files
            .map(|(path, text)| (format!("deploy/{path}"), text.clone()))
            .collect(),
    }
}

/// `60s` is written `60000ms`, where the whole word is a duration.
fn with_other_units(project: &Project) -> Project {
    each(project, |path, text| {
        if !is_proxy(path) {
            return text.to_owned();
        }
        let words = text.split_inclusive([' ', '\n', ';']);
        words
            .map(|word| {
                let bare = word.trim_end_matches([' ', '\n', ';']);
                let seconds = bare
                    .strip_suffix('s')
                    .and_then(|number| number.parse::<u32>().ok());
                seconds.map_or(word.to_owned(), |seconds| {
                    format!("{}ms{}", u64::from(seconds) * 1000, &word[bare.len()..])
                })
            })
            .collect()
    })
}

/// Every port that an app is told on its command line is another one, everywhere. The default port of a program or an
/// image is written nowhere and cannot be changed.
fn with_other_ports(project: &Project) -> Project {
    let compose = project.files.iter().filter(|(path, _)| is_compose(path));
    let commands =
        compose.flat_map(|(_, text)| text.lines().filter(|line| line.contains("command:")));
    let digits = commands.flat_map(|line| line.split(|c: char| !c.is_ascii_digit()));
    let ports: BTreeSet<&str> = digits.filter(|port| port.len() == 4).collect();
    each(project, |_, text| {
        ports
            .iter()
            .fold(text.to_owned(), |text, port| renumbered(&text, port))
    })
}

/// A port where it stands for a port: behind `:`, `=` or a blank, and before what ends a number.
fn renumbered(text: &str, port: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(port) {
        let (before, after) = (&rest[..at], &rest[at + port.len()..]);
        out.push_str(before);
        let is_port = out.ends_with([':', '=', ' ', '"', '\''])
            && !after.starts_with(|c: char| c.is_alphanumeric() || c == '.');
        let first = if is_port { "1" } else { "" };
        out.push_str(first);
        out.push_str(port);
        rest = after;
    }
    out + rest
}

/// What stands in an nginx file that compose mounts moves into a second file, mounted beside it.
fn split_mounted(project: &Project) -> Project {
    const PART: &str = "/etc/nginx/part-of-it.conf";
    let mut changed = project.clone();
    let mounts = |text: &str, path: &str| text.contains(&format!("./{path}:/etc/nginx/"));
    let mounted = project.files.iter().find(|(path, _)| {
        let mut compose = project.files.iter().filter(|(path, _)| is_compose(path));
        path.ends_with(".conf") && compose.any(|(_, text)| mounts(text, path))
    });
    let Some((path, inner)) = mounted else {
        return changed;
    };
    for (file, text) in &mut changed.files {
        if file == path {
            *text = format!("include {PART};\n");
        } else if is_compose(file) {
            *text = with_second_mount(text, path, PART);
        }
    }
    changed.files.push(("part.conf".to_owned(), inner.clone()));
    changed
}

/// Behind every mount of a file the same for its other part, in lists in a line and in lists over lines.
fn with_second_mount(text: &str, path: &str, part: &str) -> String {
    let mount = format!("./{path}:/etc/nginx/");
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&mount) {
        let (before, after) = rest.split_at(at);
        let end = after
            .find(['"', '\'', '\n', ']', ','])
            .unwrap_or(after.len());
        let quote = &after[end..]
            .chars()
            .next()
            .filter(|c| "\"'".contains(*c))
            .map(String::from)
            .unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let indent = &before[line..];
        let between = if indent.trim_start().starts_with("- ") {
            format!("{quote}\n{indent}")
        } else {
            format!("{quote}, {quote}")
        };
        out += before;
        out += &after[..end];
        out += &[&between, "./part.conf:", part, ":ro"].concat();
        rest = &after[end..];
    }
    out + rest
}

/// What stands in `http {}` moves into a file of its own. Only where no container decides which files there are.
fn split(project: &Project) -> Project {
    let mut changed = project.clone();
    if project.files.iter().any(|(path, _)| is_compose(path)) {
        return changed;
    }
    let main = changed
        .files
        .iter_mut()
        .find(|(path, _)| path.ends_with("nginx.conf"));
    let Some((path, text)) = main else {
        return changed;
    };
    let part = path.replace("nginx.conf", "part.conf");
    let inner = text
        .split_once("http {\n")
        .and_then(|(before, rest)| Some((before, rest.strip_suffix("}\n")?)));
    let Some((before, inner)) = inner else {
        return changed;
    };
    let inner = inner.to_owned();
    *text = format!("{before}http {{\n    include part.conf;\n}}\n");
    changed.files.push((part, inner));
    changed
}
