//! Dockerfiles: the trees of `fixtures/syntax/dockerfile`, what stages come to, and any text at all.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and reads its fixtures itself"
)]

use std::fmt::Write as _;
use std::path::Path;

use no502::source::{FileId, SourceFile, Sources, Span};
use no502::syntax::command::Variable;
use no502::syntax::dockerfile::{BuiltImage, CopySource, image, parse};
use no502::syntax::value::Text;
use no502::syntax::{command, constant};

#[test]
#[allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]
fn trees() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/syntax/dockerfile");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "tree") {
            continue;
        }
        count += 1;
        let tree = shown(&std::fs::read_to_string(&path).unwrap());
        let expected = path.with_extension("tree");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &tree).unwrap();
        }
        assert_eq!(
            tree,
            std::fs::read_to_string(&expected).unwrap(),
            "{}",
            path.display()
        );
    }
    assert!(count >= 2, "{count} fixtures");
}

/// One line an instruction, and what stands at each span.
fn shown(text: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::new("Dockerfile", text.as_bytes().to_vec()));
    let (tree, errors) = parse(id, text);
    let mut out = String::new();
    for instruction in &tree.instructions {
        let line = sources.position(instruction.span).line;
        write!(out, "{line} {}", instruction.keyword.value).unwrap();
        for flag in &instruction.flags {
            write!(
                out,
                " --{}={:?}",
                flag.name,
                flag.value.as_deref().unwrap_or("")
            )
            .unwrap();
        }
        match &instruction.exec {
            Some(words) => {
                for word in words {
                    write!(out, " {:?}@{:?}", word.value, sources.text(word.span)).unwrap();
                }
            }
            None => {
                for word in &instruction.words {
                    write!(out, " {:?}", sources.text(word.span)).unwrap();
                }
            }
        }
        for text in &instruction.heredocs {
            write!(out, " <<{:?}", text.value).unwrap();
            assert_eq!(text.value, sources.text(text.span));
        }
        out.push('\n');
    }
    for error in &errors {
        writeln!(
            out,
            "error at {}: {}",
            sources.position(error.span).line,
            error.message
        )
        .unwrap();
    }
    out
}

fn built(text: &str, target: Option<&str>) -> BuiltImage {
    let (tree, _) = parse(FileId(0), text);
    image(&tree, target, &|name| match name {
        "TAG" => Variable::Set("3.13".to_owned(), false),
        _ => Variable::Unset,
    })
}

fn known(texts: Option<&Vec<Text>>) -> Vec<&str> {
    texts
        .into_iter()
        .flatten()
        .map(|text| text.get().unwrap_or("?"))
        .collect()
}

#[test]
fn stages_that_end_in_the_image() {
    let text = "ARG TAG=3.12\nFROM python:$TAG AS base\nENV A=1 B=$A\nENV C=${A}2\nWORKDIR /srv\nCMD [\"x\"]\n\
                FROM node:20 AS js\nCMD [\"node\"]\nFROM base\nWORKDIR app\nCOPY --from=js /dist static/\nCOPY a b ./\n\
                ENTRYPOINT [\"/e\"]\n";
    let image = built(text, None);
    assert_eq!(image.base.as_ref().unwrap().get(), Some("python:3.13"));
    let env: Vec<_> = image
        .env
        .iter()
        .map(|(name, value)| (name.value.as_str(), value.get().unwrap()))
        .collect();
    assert_eq!(env, [("A", "1"), ("B", ""), ("C", "12")]);
    assert_eq!(image.workdir.as_ref().unwrap().get(), Some("/srv/app"));
    assert_eq!(image.copies[0].from, CopySource::Stage("js".to_owned()));
    assert_eq!(image.copies[0].destination.get(), Some("/srv/app/static/"));
    assert_eq!(image.copies[1].destination.get(), Some("/srv/app/"));
    // The entrypoint of the last stage drops the CMD of the first.
    assert_eq!(image.cmd, Some(Vec::new()));
    assert_eq!(known(image.entrypoint.as_ref()), ["/e"]);
    assert_eq!(known(built(text, Some("js")).cmd.as_ref()), ["node"]);
    assert_eq!(
        built(text, Some("0")).base.unwrap().get(),
        Some("python:3.13")
    );
    assert_eq!(built(text, Some("nothing")).base, None);
}

#[test]
fn near_miss_a_cmd_of_the_same_stage_stays() {
    let image = built("FROM a\nCMD [\"x\"]\nENTRYPOINT [\"/e\"]\n", None);
    assert_eq!(known(image.cmd.as_ref()), ["x"]);
    assert_eq!(built("FROM a\n", None).cmd, None);
    assert_eq!(built("FROM scratch\n", None).base, None);
}

#[test]
fn shell_form_as_docker_stores_it() {
    let image = built("FROM a\nCMD gunicorn \\\n  -b :80\n", None);
    assert_eq!(
        known(image.cmd.as_ref()),
        ["/bin/sh", "-c", "gunicorn   -b :80"]
    );
    let image = built(
        "FROM a\nSHELL [\"/bin/bash\", \"-lc\"]\nENTRYPOINT x\n",
        None,
    );
    assert_eq!(known(image.entrypoint.as_ref()), ["/bin/bash", "-lc", "x"]);
}

#[test]
fn what_the_machine_decides_is_unknown() {
    let image = built(
        "FROM a\nARG TARGETARCH\nENV ARCH=$TARGETARCH\nWORKDIR rel\n",
        None,
    );
    assert!(image.env[0].1.get().is_none());
    assert!(image.workdir.unwrap().get().is_none());
}

/// Every mutant is read to the end, its spans lie in the text, and no size makes it slow.
#[test]
fn any_text_is_read() {
    let seeds = [
        include_str!("../fixtures/syntax/dockerfile/stages"),
        include_str!("../fixtures/syntax/dockerfile/escape"),
        "sh -c 'a && b' \"$X ${Y:-z}\" `c` $(d (e)) >f 2>&1 & (g) || h; i | j \\\n k # l\n",
        "bind = int(os.environ.get('X', 8000)) # c\n[a]\nx.listen({port: process.env.P || 1}, f(g))\nunix:/a http://+:80",
    ];
    let spice = [
        "\"", "'", "\\", "\n", "$", "${", "$(", "`", "<<EOF", "[", "]", "{", "}", "(", ")", "#",
        "é", "\r", "\0", "&&", "--", "=", " ",
    ];
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).unwrap()
    };
    for _ in 0..4000 {
        let mut text: Vec<char> = seeds[next(seeds.len())].chars().collect();
        for _ in 0..=next(6) {
            let at = next(text.len().max(1)).min(text.len());
            match next(3) {
                0 if !text.is_empty() => {
                    let end = (at + next(9)).min(text.len());
                    text.drain(at..end);
                }
                1 => {
                    let piece: Vec<char> = spice[next(spice.len())].chars().collect();
                    text.splice(at..at, piece);
                }
                _ => text.truncate(text.len() - next(text.len() / 4 + 1)),
            }
        }
        check(&text.into_iter().collect::<String>());
    }
}

fn check(text: &str) {
    let inside = |span: Span| {
        let (start, end) = (span.start as usize, span.end as usize);
        assert!(text.get(start..end).is_some(), "{start}..{end} of {text:?}");
    };
    let (tree, errors) = parse(FileId(0), text);
    for instruction in &tree.instructions {
        inside(instruction.span);
        inside(instruction.body.span);
        for word in &instruction.words {
            inside(word.span);
        }
    }
    for error in &errors {
        inside(error.span);
    }
    image(&tree, None, &|_| Variable::Unset);
    for simple in command::line(text).commands {
        for word in &simple.words {
            assert!(text.get(word.range.clone()).is_some(), "{text:?}");
            let _ = word.expand(&|_| Variable::Unset);
        }
    }
    command::words(text);
    constant::settings(text);
    constant::calls(text);
    constant::constant(text);
    constant::bind(text);
}

/// A quadratic walk would take minutes for each of these, one that tries again for ever.
#[test]
fn no_size_makes_it_slow() {
    let shapes = [
        "RUN <<EOF\n",
        "\\\n",
        "FROM a AS b\n",
        "${A:-",
        "$(",
        "(",
        "\"",
        "'",
        "`",
        "a=",
        "[",
        "RUN \\\n#\n",
        ".listen(",
        "int(",
        "a.listen(a,",
        "if x; then ",
        "<<",
        "- ",
        "x || ",
    ];
    for shape in shapes {
        check(&shape.repeat(100_000 / shape.len()));
    }
}
