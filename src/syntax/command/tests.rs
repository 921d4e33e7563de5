//! What a shell makes of a line: words, parameters, operators, and what only a running shell knows.

use super::*;

fn env(name: &str) -> Variable {
    match name {
        "PORT" => Variable::Set("8080".to_owned(), false),
        "OPTS" => Variable::Set("-w 4".to_owned(), false),
        "SECRET" => Variable::Unknown("SECRET is set elsewhere".to_owned()),
        _ => Variable::Unset,
    }
}

fn flat(text: &str) -> Vec<Result<String, String>> {
    let line = line(text);
    let words = line.commands.iter().flat_map(|command| &command.words);
    words
        .flat_map(|word| match word.expand(&env) {
            Ok((fields, _)) => fields.into_iter().map(Ok).collect(),
            Err(why) => vec![Err(why)],
        })
        .collect()
}

fn known(text: &str) -> Vec<String> {
    flat(text).into_iter().map(Result::unwrap).collect()
}

#[test]
fn quotes_escapes_and_parameters() {
    assert_eq!(
        known(r#"a 'b c' "d $PORT" e\ f"#),
        ["a", "b c", "d 8080", "e f"]
    );
    assert_eq!(
        known("x ${PORT:-1} ${NO:-2} ${NO} z$"),
        ["x", "8080", "2", "z$"]
    );
    assert_eq!(
        known("g $OPTS \"$OPTS\" \"\" ''"),
        ["g", "-w", "4", "-w 4", "", ""]
    );
    assert_eq!(known("a${NO:-\"b ${PORT}\"}c"), ["ab 8080c"]);
    assert_eq!(known("${PORT:+yes} ${NO:+yes}"), ["yes"]);
}

#[test]
fn the_unknown_stays_unknown() {
    assert!(flat("$(date)")[0].is_err());
    assert!(flat("`date`")[0].is_err());
    assert!(flat("-b :$SECRET")[1].is_err());
    assert!(flat("${PORT%%0}")[0].is_err());
    assert!(line("(a; b)").unreadable.is_some());
    assert!(line("a &").unreadable.is_some());
}

#[test]
fn operators_cut_commands() {
    let line = line("A=1 B=$PORT run x && exec y 2>&1 >/dev/null | z # c\nlast");
    let joints: Vec<_> = line.commands.iter().map(|command| command.joint).collect();
    assert_eq!(
        joints,
        [Joint::Sequence, Joint::And, Joint::Pipe, Joint::Sequence]
    );
    assert_eq!(line.commands[0].assignments[1].0, "B");
    assert_eq!(line.commands[1].words.len(), 2);
    assert_eq!(line.unreadable, None);
}

#[test]
fn ranges_are_bytes_of_the_text() {
    let text = "gunicorn --timeout 30 \\\n -b 'x'";
    let line = line(text);
    let raw: Vec<_> = line.commands[0]
        .words
        .iter()
        .map(|word| &text[word.range.clone()])
        .collect();
    assert_eq!(raw, ["gunicorn", "--timeout", "30", "-b", "'x'"]);
}

#[test]
fn compose_splits_without_a_shell() {
    let words = words("sh -c \"echo $X && y\" a&&b");
    let texts: Vec<_> = words.iter().map(|word| word.literal().unwrap()).collect();
    assert_eq!(texts, ["sh", "-c", "echo $X && y", "a&&b"]);
}

#[test]
fn a_command_reads_what_is_put_in() {
    let line = line("envsubst '$A' < in.tmpl > out && cat <other | envsubst 2>/dev/null");
    let inputs: Vec<Option<String>> = line
        .commands
        .iter()
        .map(|command| command.input.as_ref()?.literal())
        .collect();
    let known = |name: &str| Some(name.to_owned());
    assert_eq!(inputs, [known("in.tmpl"), known("other"), None]);
}
