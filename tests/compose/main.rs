//! Compose projects in memory, from files to typed stacks.

mod files;
mod values;

use no502::finding::{Gap, SyntaxError};
use no502::host::FakeHost;
use no502::project::compose::{Service, Stack, load_stacks};
use no502::settings::Settings;
use no502::source::Sources;
use no502::syntax::value::Text;

struct Run {
    sources: Sources,
    stacks: Vec<Stack>,
    errors: Vec<SyntaxError>,
    gaps: Vec<Gap>,
}

fn run_with(settings: &Settings, host: &FakeHost) -> Run {
    let candidates: Vec<String> = host
        .files
        .keys()
        .filter(|path| {
            [".yml", ".yaml"]
                .iter()
                .any(|ending| path.ends_with(ending))
        })
        .cloned()
        .collect();
    let mut sources = Sources::default();
    let (mut errors, mut gaps) = (Vec::new(), Vec::new());
    let stacks = load_stacks(
        host,
        settings,
        &mut sources,
        &candidates,
        &mut errors,
        &mut gaps,
    );
    Run {
        sources,
        stacks,
        errors,
        gaps,
    }
}

fn run(files: &[(&str, &str)]) -> Run {
    run_with(&Settings::default(), &FakeHost::new(files.iter().copied()))
}

impl Run {
    fn service(&self, name: &str) -> &Service {
        self.stacks[0]
            .services
            .iter()
            .find(|service| service.name.value == name)
            .expect("the test names a service of its first stack")
    }

    /// The files of each stack, in order.
    fn files(&self) -> Vec<Vec<&str>> {
        let path = |id: &no502::source::FileId| self.sources.get(*id).path.as_str();
        self.stacks
            .iter()
            .map(|stack| stack.files.iter().map(path).collect())
            .collect()
    }

    fn faults(&self) -> Vec<&str> {
        self.stacks
            .iter()
            .flat_map(|stack| &stack.faults)
            .map(|fault| fault.message.as_str())
            .collect()
    }

    fn reasons(&self) -> Vec<&str> {
        self.gaps.iter().map(|gap| gap.reason.as_str()).collect()
    }
}

fn known(text: Option<&Text>) -> Option<&str> {
    text.and_then(Text::get)
}

fn variables(service: &Service) -> Vec<String> {
    service
        .environment
        .iter()
        .map(|(name, value)| match value {
            Some(text) => match &text.value {
                Ok(value) => format!("{}={value}", name.value),
                Err(why) => format!("{}!{why}", name.value),
            },
            None => name.value.clone(),
        })
        .collect()
}

fn ports(service: &Service) -> Vec<String> {
    service
        .ports
        .iter()
        .map(|port| {
            let show = |range: Option<(u16, u16)>| match range {
                Some((first, last)) if first == last => first.to_string(),
                Some((first, last)) => format!("{first}-{last}"),
                None => "?".to_owned(),
            };
            let ip = port.host_ip.as_deref().unwrap_or("*");
            format!("{ip}:{}:{}", show(port.published), show(port.target))
        })
        .collect()
}
