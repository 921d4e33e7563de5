//! What is done to a project: bytes, words, lines, whole files.

use crate::mutate::{Random, mutate};
use crate::worlds::Files;

/// One to four pieces of damage, anywhere.
pub(crate) fn hurt(world: &Files, random: &mut Random) -> Files {
    let mut files = world.clone();
    for _ in 0..=random.below(4) {
        let paths: Vec<String> = files.keys().cloned().collect();
        let Some(path) = paths.get(random.below(paths.len())) else {
            continue;
        };
        let other = &paths[random.below(paths.len())];
        match random.below(12) {
            0 => drop(files.remove(path)),
            1 => {
                let (here, there) = (files[path].clone(), files[other].clone());
                files.insert(path.clone(), there);
                files.insert(other.clone(), here);
            }
            2..=4 => {
                let other = files[other].clone();
                change(files.get_mut(path).unwrap(), |text| {
                    words(text, &other, random)
                });
            }
            5..=7 => {
                let other = files[other].clone();
                change(files.get_mut(path).unwrap(), |text| {
                    lines(text, &other, random)
                });
            }
            8 => change(files.get_mut(path).unwrap(), |text| whole(text, random)),
            _ => {
                let bytes = mutate(&files[path], SIGNS, random);
                files.insert(path.clone(), bytes);
            }
        }
        if files.get(path).is_some_and(|bytes| bytes.len() > LONGEST) {
            files.get_mut(path).unwrap().truncate(LONGEST);
        }
    }
    files
}

/// What is doubled again and again would only be slow.
const LONGEST: usize = 200_000;

/// Pieces of every format, and what no format expects.
const SIGNS: &[&str] = &[
    "\n",
    "\r\n",
    "\t",
    " ",
    "\0",
    "\u{feff}",
    "é",
    "日本",
    "🦀",
    "\u{202e}",
    "\u{1b}[31m",
    "\"",
    "'",
    "\\",
    "$",
    "${",
    "}",
    "{",
    "{}",
    ";",
    ":",
    "::",
    "#",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: *a",
    "!reset ",
    "!override ",
    "|\n",
    ">-\n",
    "---\n",
    "- ",
    "? ",
    "%[",
    "${A:-",
    "${A:?x}",
    "$$",
    "{{ x }}",
    "{% if x %}",
    "<% x %>",
    "@",
    "/",
    "../",
    "*",
    "~",
    "unix:",
    "http://",
    "[::]:80",
    "include *;",
    "include ./*.conf;",
    "upstream x { server web; }",
    "location / { proxy_pass http://web:8000; }",
    "server {",
    "proxy_pass http://$host;",
    "if ($x) {",
    "resolver 127.0.0.11;",
    "set $x web;",
    "default_type x;",
    "\n.if 0\n",
    "\n.endif\n",
    "\nbackend x\n",
    "\ndefaults from x\n",
    "\nlisten x\n bind :80\n",
    "FROM web AS x\n",
    "COPY --from=x a b\n",
    "CMD [",
    "ARG A=$A\n",
    "extends: {service: web}",
    "network_mode: service:web",
    "depends_on: [web]",
    "include: [compose.yaml]",
    "replicas: 0",
    "# no502: allow(x) y",
    "# no502: allow(",
    "\u{1}",
    "\u{7f}",
    "0x10",
    "1e9",
    "-",
    "+",
    "=",
    "==",
    ",",
    "|",
    ">",
    "%",
    "`",
];

/// Numbers at which something ends.
const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "-1",
    "65535",
    "65536",
    "99999",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "1.5",
    "0.0",
    "08",
    "9e99",
];

fn change(bytes: &mut Vec<u8>, make: impl FnOnce(&str) -> String) {
    // What is no text stays: the changes of bytes see to that.
    if let Ok(text) = std::str::from_utf8(bytes) {
        *bytes = make(text).into_bytes();
    }
}

/// A word becomes another one of the project, or a number that is hard to bear.
fn words(text: &str, other: &[u8], random: &mut Random) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$');
    let starts: Vec<usize> = text
        .char_indices()
        .filter(|(at, c)| is_part(*c) && !text[..*at].ends_with(is_part))
        .map(|(at, _)| at)
        .collect();
    let Some(start) = starts.get(random.below(starts.len())).copied() else {
        return text.to_owned();
    };
    let rest = &text[start..];
    let end = start + rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let word = &text[start..end];
    let new = if word.starts_with(|c: char| c.is_ascii_digit()) && random.below(3) > 0 {
        NUMBERS[random.below(NUMBERS.len())].to_owned()
    } else {
        let other = String::from_utf8_lossy(other);
        let others: Vec<&str> = other
            .split(|c| !is_part(c))
            .filter(|word| !word.is_empty())
            .collect();
        let other = others.get(random.below(others.len())).copied();
        match random.below(4) {
            0 => format!("{word}{}", SIGNS[random.below(SIGNS.len())]),
            1 => word.repeat(random.below(3)),
            _ => other.unwrap_or("").to_owned(),
        }
    };
    format!("{}{new}{}", &text[..start], &text[end..])
}

/// A line is lost, comes again and again, moves, loses its indent, or is one of another file.
fn lines(text: &str, other: &[u8], random: &mut Random) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if lines.is_empty() {
        return String::new();
    }
    let at = random.below(lines.len());
    match random.below(6) {
        0 => drop(lines.remove(at)),
        1 => {
            let copies = vec![lines[at].clone(); random.below(40)];
            lines.splice(at..at, copies);
        }
        2 => {
            let line = lines.remove(at);
            lines.insert(random.below(lines.len() + 1), line);
        }
        3 => {
            let bare = lines[at].trim_start_matches(' ').to_owned();
            lines[at] = bare;
        }
        4 => {
            let end = (at + random.below(8)).min(lines.len());
            let block = lines[at..end].to_vec();
            lines.splice(at..at, block);
        }
        _ => {
            let other = String::from_utf8_lossy(other).into_owned();
            let others: Vec<&str> = other.split_inclusive('\n').collect();
            let line = others.get(random.below(others.len())).copied();
            lines.insert(at, line.unwrap_or("\n").to_owned());
        }
    }
    lines.concat()
}

/// Something befalls the file as a whole.
fn whole(text: &str, random: &mut Random) -> String {
    let cut = text
        .char_indices()
        .map(|(at, _)| at)
        .nth(random.below(text.len().max(1)));
    match random.below(8) {
        0 => text[..cut.unwrap_or(text.len())].to_owned(),
        1 => format!("{text}{text}"),
        2 => text.replace('\n', "\r\n"),
        3 => format!("\u{feff}{text}"),
        4 => text.replace('\n', "\r"),
        5 => text.replace(' ', "\t"),
        6 => text.trim_end().to_owned(),
        _ => {
            const NESTS: [&str; 9] = [
                "{",
                "[",
                "a {\n",
                "- ",
                "((",
                "a:\n ",
                "${A:-",
                "\"",
                "if ($a) {",
            ];
            let nest = NESTS[random.below(NESTS.len())].repeat(10 + random.below(3000));
            let cut = cut.unwrap_or(text.len());
            format!("{}{nest}{}", &text[..cut], &text[cut..])
        }
    }
}
