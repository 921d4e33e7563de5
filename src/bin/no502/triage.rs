//! `no502 triage`: the logs, line by line, and the project whose proxies wrote them.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use no502::report::triage::{self as report, Format};
use no502::triage::{Triage, explain};

use crate::args::{self, Cli};
use crate::failure::Failure;
use crate::run::{Run, Verdict, one_per_place, say, write_to};
use crate::terminal;

/// Bytes of a line that are looked at; what stands behind them is somebody's data.
const LONGEST: usize = 32 * 1024;

/// What a gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads the logs and says what is in them. Whatever that is, the answer is success, unless `--fail-on` asks for more.
pub(crate) fn triage(args: &args::Triage, cli: &Cli) -> Result<Verdict, Failure> {
    let mut triage = Triage::default();
    let mut failed = false;
    for log in &args.logs {
        if let Err(failure) = read(log, &mut triage) {
            say(failure);
            failed = true;
        }
    }
    let mut run = project(args)?;
    let analysis = run.as_ref().map(|run| &run.analysis);
    let explained = explain(&triage, analysis);
    for output in &one_per_place(&args.format, Format::Text)? {
        write_to(output, |out| {
            let look = terminal::look(cli, output.path.is_none(), String::new());
            report::write(output.format, &triage, &explained, analysis, &look, out)
        })?;
    }
    if failed {
        return Ok(Verdict::Failed);
    }
    let classes = explained.into_iter();
    let behind = classes.flat_map(|class| class.findings).collect();
    Ok(match &mut run {
        Some(run) => run.explained(&behind, args.fail_on),
        None => Verdict::Clean,
    })
}

/// The project: the one that was named, else the current folder if it is one. One that cannot be read and was not asked
/// for is no reason to be silent about the logs.
fn project(args: &args::Triage) -> Result<Option<Run>, Failure> {
    if let Some(path) = &args.project_path {
        return Run::load(std::slice::from_ref(path), &args.project).map(Some);
    }
    if !is_project(Path::new(".")) {
        return Ok(None);
    }
    match Run::load(&[], &args.project) {
        Ok(run) => Ok(Some(run).filter(|run| run.configs() > 0)),
        Err(failure) => {
            say(format_args!(
                "{failure}\nno502: the logs are read without a project"
            ));
            Ok(None)
        }
    }
}

/// Whether a folder looks like a project by what lies right in it. A home folder or the root of a machine would be walked
/// to its end otherwise, in the middle of an incident.
fn is_project(folder: &Path) -> bool {
    const NAMES: [&str; 4] = [".git", "no502.toml", "Dockerfile", ".env"];
    const ENDINGS: [&str; 4] = ["conf", "cfg", "yml", "yaml"];
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| {
        let ending = Path::new(&name).extension();
        NAMES.iter().any(|known| name == *known)
            || ENDINGS.iter().any(|known| ending == Some(known.as_ref()))
    })
}

fn read(log: &Path, triage: &mut Triage) -> Result<(), Failure> {
    if log == Path::new("-") {
        return feed(io::stdin().lock(), triage)
            .map_err(|error| Failure::new(format!("standard input cannot be read: {error}")));
    }
    let unreadable = |error: &io::Error| Failure::unreadable(log, error);
    let file = File::open(log).map_err(|error| unreadable(&error))?;
    if file.metadata().is_ok_and(|facts| facts.is_dir()) {
        return Err(
            Failure::new(format!("`{}` is a folder", log.display())).help("name the logs in it")
        );
    }
    let mut file = BufReader::with_capacity(256 * 1024, file);
    if file
        .fill_buf()
        .map_err(|error| unreadable(&error))?
        .starts_with(&GZIP)
    {
        let name = log.display();
        return Err(Failure::new(format!("`{name}` is compressed"))
            .help(format!("zcat {name} | no502 triage -")));
    }
    feed(file, triage).map_err(|error| unreadable(&error))
}

/// Hands on every line, the beginning of one that is very long.
fn feed(mut log: impl BufRead, triage: &mut Triage) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        let read = match log.fill_buf() {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if read.is_empty() {
            triage.feed(&line);
            return Ok(());
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let piece = &read[..end.unwrap_or(read.len())];
        let room = LONGEST.saturating_sub(line.len());
        line.extend_from_slice(&piece[..piece.len().min(room)]);
        let used = end.map_or(read.len(), |end| end + 1);
        log.consume(used);
        if end.is_some() {
            triage.feed(&line);
            line.clear();
        }
    }
}
