//! Python sources and Django: `python app.py`, `manage.py runserver`, `python -m http.server`.

use super::Process;
use super::constants::Constants;
use super::cx::{Cx, Read, basename};
use super::flags::Flags;
use super::launch::is;
use super::serve;
use super::settle::{address, default, listener, said};
use crate::model::{Address, Bind, Protocol, Setting};
use crate::source::Span;
use crate::syntax::constant::{self, Language};
use crate::syntax::value::Text;

/// `manage.py runserver [addr:]port`.
pub(super) fn runserver(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let at = argv.iter().position(|word| is(Some(word), "runserver"))?;
    let program = cx.known.program("django-runserver")?;
    let flags = Flags::new(&argv[at + 1..]);
    let unknown_word = argv[at + 1..]
        .iter()
        .find_map(|word| word.value.clone().err());
    let told = flags.positional().next();
    let bound = match (told, unknown_word) {
        (_, Some(why)) => Setting::unknown(why),
        // A port alone stays on loopback.
        (Some(text), None) => address(cx, text, Some(8000), &Bind::Loopback),
        (None, None) => {
            let listen = program.listen.as_ref()?;
            let address = Address::Tcp {
                bind: Bind::Loopback,
                port: 8000,
            };
            default(
                address,
                program,
                &listen.source,
                serve::certain(cx, program),
            )
        }
    };
    let timeouts = serve::timeouts(cx, program, &argv[..1]);
    Some(serve::bare(
        cx,
        program,
        argv,
        vec![listener(bound, Protocol::Http, program)],
        timeouts,
    ))
}

/// `python -m http.server [port]`, as `http.server [port]`.
pub(super) fn http_server(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("python-http.server")?;
    let flags = Flags::new(&argv[1..]);
    let host = flags
        .get(&["-b".to_owned(), "--bind".to_owned()])
        .transpose();
    let port = flags.positional().next().cloned().map(Ok);
    let bound = serve::host_and_port(cx, program, host, port, None);
    let timeouts = serve::timeouts(cx, program, &argv[..1]);
    Some(serve::bare(
        cx,
        program,
        argv,
        vec![listener(bound, Protocol::Http, program)],
        timeouts,
    ))
}

/// A source that plainly calls `app.run(host=…, port=…)` or `uvicorn.run(…)`.
pub(super) fn source(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let path = argv.first()?.get()?.to_owned();
    let Read::Text(id, text) = cx.read(&path) else {
        return None;
    };
    let text = constant::without_comments(Language::Python, &text);
    if text.contains("load_dotenv(") {
        super::source::load_env(cx, ".env");
    }
    let constants = Constants::source(id, &text, Language::Python);
    let calls: Vec<_> = constant::calls(&text)
        .into_iter()
        .filter(|call| call.opener == ".run(" && receiver(&text, call.range.start).is_some())
        .collect();
    let [call] = &calls[..] else {
        return None;
    };
    let receiver = receiver(&text, call.range.start)?;
    let name = match receiver {
        "uvicorn" => "uvicorn",
        "app" | "application" if text.contains("Flask(") => "flask-dev",
        _ => return None,
    };
    let program = cx.known.program(name)?;
    let span = Span::new(id, call.range.start, call.range.end);
    let argument = |key: &str| {
        let found = call
            .arguments
            .iter()
            .find(|(name, _)| name.as_deref() == Some(key));
        found.map(|(_, value)| Ok(constants.text(cx, Some(value), span, 8)))
    };
    let (host, port) = (argument("host"), argument("port"));
    let bound = if call.complete || host.is_some() && port.is_some() {
        serve::host_and_port(cx, program, host, port, None)
    } else {
        Setting::unknown("its arguments are not plain")
    };
    let timeouts = serve::timeouts(cx, program, &argv[..1]);
    Some(serve::bare(
        cx,
        program,
        argv,
        vec![listener(bound, Protocol::Http, program)],
        timeouts,
    ))
}

/// What `.run(` is called on.
fn receiver(text: &str, at: usize) -> Option<&str> {
    let before = &text[..at];
    let start = before
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .map_or(0, |at| at + 1);
    let name = &before[start..];
    matches!(name, "app" | "application" | "uvicorn").then_some(name)
}

/// Whether the words start Django's own server.
pub(super) fn is_runserver(argv: &[Text]) -> bool {
    let first = argv.first().and_then(Text::get).map_or("", basename);
    matches!(first, "manage.py" | "django-admin")
        && argv
            .iter()
            .any(|word| matches!(word.get(), Some("runserver" | "runserver_plus")))
}

/// A version that requirements pin: `gunicorn==21.2.0`.
pub(super) fn pinned(cx: &mut Cx<'_>, package: &str) -> Option<Setting<String>> {
    for file in [
        "requirements.txt",
        "requirements/production.txt",
        "requirements/prod.txt",
        "requirements/base.txt",
    ] {
        let Read::Text(id, text) = cx.source(file) else {
            continue;
        };
        for entry in constant::settings(&text) {
            let name = entry.name.to_ascii_lowercase();
            let version = entry.value.trim_start_matches('=').trim();
            // plain: a version holds none of the signs that end it
            let version = version.split([';', ' ', '#', '\\']).next().unwrap_or("");
            if name == package && !version.is_empty() && text[entry.range.clone()].contains("==") {
                let span = Span::new(id, entry.range.start, entry.range.end);
                let text = Text::known(version, span);
                return Some(said(version.to_owned(), &text));
            }
        }
    }
    None
}
