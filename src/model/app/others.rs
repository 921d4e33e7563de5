//! .NET, and programs whose own config is not read.

use super::Process;
use super::cx::{Cx, Read};
use super::flags::Flags;
use super::serve;
use super::settle::{address, default, listener, port_of, said};
use crate::model::knowledge::Program;
use crate::model::{Address, Bind, Protocol, Setting, Timeouts};
use crate::syntax::value::Text;

/// `dotnet app.dll`: Kestrel by its variables; the Microsoft images set port 8080 since 8.0, 80 before.
pub(super) fn dotnet(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("kestrel")?;
    let flags = Flags::new(&argv[1..]);
    let urls = match flags.get(&["--urls".to_owned()]) {
        Ok(Some(text)) => Some(text),
        Ok(None) => ["ASPNETCORE_URLS", "DOTNET_URLS", "URLS"]
            .iter()
            .find_map(|name| cx.env(name)),
        Err(why) => {
            return Some(serve::bare(
                cx,
                program,
                argv,
                vec![listener(Setting::unknown(why), Protocol::Http, program)],
                Timeouts::new(),
            ));
        }
    };
    let endpoints = endpoints(cx);
    let settings = matches!(cx.read("appsettings.json"), Read::Text(_, text) if text.contains("\"Kestrel\"") || text.contains("\"Urls\""));
    let mut listeners = Vec::new();
    if !endpoints.is_empty() {
        let each = endpoints.iter().map(|text| from_urls(cx, text, program));
        listeners = each.flatten().collect();
    } else if let Some(text) = urls {
        listeners = from_urls(cx, &text, program);
    } else if let Some(text) = ["ASPNETCORE_HTTP_PORTS", "DOTNET_HTTP_PORTS", "HTTP_PORTS"]
        .iter()
        .find_map(|name| cx.env(name))
    {
        let bound = match port_of(&text) {
            Ok(port) => said(
                Address::Tcp {
                    bind: Bind::Any,
                    port,
                },
                &text,
            ),
            Err(why) => Setting::unknown(why),
        };
        listeners.push(listener(bound, Protocol::Http, program));
    } else if settings {
        listeners.push(listener(
            Setting::unknown("appsettings.json sets Kestrel's endpoints"),
            Protocol::Http,
            program,
        ));
    } else {
        let bound = image_port(cx, program);
        listeners.push(listener(bound, Protocol::Http, program));
    }
    let timeouts = serve::timeouts(cx, program, &[]);
    Some(serve::bare(cx, program, argv, listeners, timeouts))
}

/// What `Kestrel__Endpoints__Http__Url` and its kin say, which counts more than the URLs. Source: ASP.NET Core,
/// configure endpoints for Kestrel.
fn endpoints(cx: &Cx<'_>) -> Vec<Text> {
    let names = cx.launch.environment.iter().map(|(name, _)| &name.value);
    let named = names.filter(|name| {
        let name = name.to_ascii_lowercase();
        name.starts_with("kestrel__endpoints__") && name.ends_with("__url")
    });
    named.filter_map(|name| cx.env(name)).collect()
}

/// Where Kestrel listens if nothing but the image says so.
fn image_port(cx: &Cx<'_>, program: &Program) -> Setting<Address> {
    let tag = super::tag(cx, "mcr.microsoft.com/dotnet/aspnet");
    // plain: a tag is letters, digits, `.`, `_` and `-`
    let major: Option<u32> = tag.and_then(|tag| tag.split(['.', '-']).next()?.parse().ok());
    match (major, &program.listen) {
        (Some(major), Some(listen)) => {
            let port = if major >= 8 { 8080 } else { 80 };
            default(
                Address::Tcp {
                    bind: Bind::Any,
                    port,
                },
                program,
                &listen.source,
                false,
            )
        }
        _ => Setting::unknown("it depends on the image and on the program"),
    }
}

fn from_urls(cx: &Cx<'_>, text: &Text, program: &Program) -> Vec<crate::model::Listener> {
    let raw = match &text.value {
        Ok(raw) => raw.clone(),
        Err(why) => {
            return vec![listener(
                Setting::unknown(why.clone()),
                Protocol::Http,
                program,
            )];
        }
    };
    // plain: Kestrel cuts its list of URLs at every `;`, and knows no quotes
    raw.split(';')
        .filter(|url| !url.trim().is_empty())
        .map(|url| {
            let protocol = if url.starts_with("https") {
                Protocol::Https
            } else {
                Protocol::Http
            };
            let port = if protocol == Protocol::Https { 443 } else { 80 };
            let one = Text {
                value: Ok(url.trim().to_owned()),
                ..text.clone()
            };
            listener(address(cx, &one, Some(port), &Bind::Any), protocol, program)
        })
        .collect()
}

/// Programs whose own config says where they listen, which is not read here.
pub(super) fn configured(cx: &Cx<'_>, name: &str, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program(name)?;
    let mut process = serve::bare(cx, program, argv, Vec::new(), Timeouts::new());
    process.listeners_complete = false;
    Some(process)
}
