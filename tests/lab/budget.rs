//! What `chain --budget` predicts, put to the real programs: over a grid of timeouts and retries, the status that a client
//! gets, the hop that gave up, when, and how often the app was asked must be as the model has it.
//!
//! All cases share one nginx and one HAProxy in front and one of each behind; a case is a port. They run at the same time,
//! so the grid takes little longer than its slowest request. Clocks that must be told apart are 0.3 s apart, and who
//! answered is read from a header that each hop adds. A machine that stands still for longer than that can turn a case: one
//! that disagrees is asked again, and is wrong if it disagrees each time.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use no502::analyze::analyze;
use no502::host::FakeHost;
use no502::model::budget::{Budget, Cut, walk};
use no502::model::{Address, Chain, Model, Setting};
use no502::project::Project;
use no502::settings::Settings;

use crate::case::place;
use crate::program::{Program, find};
use app::App;
use grid::{Case, Kind};

mod app;
mod grid;

/// How often a case that disagrees is asked again.
const AGAIN: usize = 4;
/// How much later than predicted an answer may come: no clock of the grid is nearer to another.
const LATE: Duration = Duration::from_millis(290);
/// Programs count in whole milliseconds, each from its own moment.
const EARLY: Duration = Duration::from_millis(20);

#[test]
fn budgets_hold() {
    if ["nginx", "haproxy", "gunicorn"]
        .iter()
        .any(|name| find(name).is_none())
    {
        return;
    }
    let (folder, net) = place();
    let host = Ipv4Addr::new(127, net[0], net[1], 1);
    let cases = grid::cases();
    assert!(cases.len() >= 40);
    let files = grid::files(&cases, host);
    let model = model(&files);
    let app = App::start(host, &grid::APPS);
    let _full = App::deaf(SocketAddr::new(host.into(), grid::DEAF));
    for (path, text) in &files {
        let path = folder.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(folder.0.join("app.py"), grid::WSGI).unwrap();
    let mut gunicorn = start_gunicorn(&folder.0, host);
    let gunicorn_listens = gunicorn.wait_for(&[grid::gunicorn(host)], Duration::from_secs(10));
    assert!(gunicorn_listens, "{}", gunicorn.said());
    let mut wrong: Vec<usize> = (0..cases.len()).collect();
    let mut said = Vec::new();
    for _ in 0..=AGAIN {
        // New ones for each round: nginx counts the failures of a peer until one request succeeds.
        let programs = listening(&folder.0, &files, &cases, host);
        let judged = ask(&cases, &wrong, &model, &app, host);
        (wrong, said) = judged.into_iter().unzip();
        drop(programs);
        if wrong.is_empty() {
            return;
        }
    }
    panic!(
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        said.join("\n")
    );
}

/// The proxies, once each of them listens for its cases.
fn listening(
    folder: &Path,
    files: &[(String, String)],
    cases: &[Case],
    host: Ipv4Addr,
) -> Vec<(Program, Kind, u16)> {
    let mut programs = start(folder, files);
    for (program, kind, base) in &mut programs {
        let ports = cases.iter().enumerate();
        let ports = ports.filter(|(_, case)| case.hop(*base).kind.program() == kind.program());
        let ports: Vec<_> = ports
            .map(|(at, _)| grid::address(host, *base, at))
            .collect();
        assert!(
            program.wait_for(&ports, Duration::from_secs(10)),
            "{}",
            program.said()
        );
    }
    programs
}

/// A prediction that can only be right is worth nothing.
#[test]
fn a_wrong_prediction_is_refuted() {
    let case = grid::cases().into_iter().find(|case| !case.is_tie());
    let case = case.unwrap();
    let cut = |by, status, after_ms, executions| Budget {
        ms: 900,
        passes: Some(false),
        cut: Some(Cut {
            by,
            status,
            after_ms,
            executions,
        }),
        deaf: None,
        post: None,
        websocket: None,
        executions,
        unknown: Vec::new(),
    };
    let seen = Seen {
        status: Some(504),
        through: 2,
        after: Duration::from_millis(1210),
        executions: 1,
    };
    assert_eq!(judge(&case, &cut(1, Some(504), 1200, 1), &seen), Ok(()));
    for wrong in [
        cut(1, Some(502), 1200, 1),
        cut(1, Some(504), 600, 1),
        cut(1, Some(504), 1800, 1),
        cut(1, Some(504), 1200, 2),
    ] {
        assert!(judge(&case, &wrong, &seen).is_err(), "{wrong:?}");
    }
}

/// The model of the very files that the programs run with.
fn model(files: &[(String, String)]) -> Model {
    let host = FakeHost::new(
        files
            .iter()
            .map(|(path, text)| (path.clone(), text.clone())),
    );
    let settings = Settings::default();
    analyze(&host, Project::load(&host, &settings), &settings).model
}

/// Asks cases at the same time; those that disagree, with what they said.
fn ask(
    cases: &[Case],
    which: &[usize],
    model: &Model,
    app: &App,
    host: Ipv4Addr,
) -> Vec<(usize, String)> {
    thread::scope(|scope| {
        let running: Vec<_> = which
            .iter()
            .map(|at| {
                let case = &cases[*at];
                let to = grid::address(host, grid::FRONT, *at);
                (
                    *at,
                    case,
                    scope.spawn(move || app.ask(to, case.work, case.post)),
                )
            })
            .collect();
        running
            .into_iter()
            .filter_map(|(at, case, thread)| {
                let seen = thread.join().unwrap();
                let chain = chain(model, grid::FRONT + u16::try_from(at).unwrap());
                let budget = walk(model, chain, case.work);
                let why = judge(case, &budget, &seen).err()?;
                Some((
                    at,
                    format!("{case:?}\n  {why}\n  predicted {budget:?}\n  seen {seen:?}"),
                ))
            })
            .collect()
    })
}

/// The chain that begins at a port.
fn chain(model: &Model, port: u16) -> &Chain {
    let begins = |chain: &&Chain| {
        let route = chain.steps[0].route.map(|id| model.route(id)).unwrap();
        let listeners = &model.hop(route.hop).listeners;
        let mut addresses = route.listeners.iter().map(|at| &listeners[*at].address);
        addresses.any(|address| match address {
            Setting::Known {
                value: Address::Tcp { port: bound, .. },
                ..
            } => *bound == port,
            _ => false,
        })
    };
    model
        .chains
        .iter()
        .find(begins)
        .unwrap_or_else(|| panic!("no chain begins at {port}"))
}

/// What a client saw.
#[derive(Debug)]
struct Seen {
    status: Option<u16>,
    /// How many hops and apps the answer came through.
    through: usize,
    after: Duration,
    executions: usize,
}

fn judge(case: &Case, budget: &Budget, seen: &Seen) -> Result<(), String> {
    let passes = budget.passes.ok_or("the model does not know")?;
    let post = budget.post.as_ref().filter(|_| case.post);
    let cut = if case.deaf {
        budget.deaf.as_ref()
    } else {
        post.or(budget.cut.as_ref())
    };
    let reads = case.hops().map(|hop| hop.kind.reads_requests());
    let equal = |what: &str, predicted: String, seen: String| {
        (predicted == seen)
            .then_some(())
            .ok_or(format!("{what}: predicted {predicted}, seen {seen}"))
    };
    let Some(cut) = cut else {
        let through = 1 + reads.iter().filter(|reads| **reads).count();
        equal(
            "status",
            "Some(200)".to_owned(),
            format!("{:?}", seen.status),
        )?;
        equal("passes", true.to_string(), passes.to_string())?;
        return equal("through", through.to_string(), seen.through.to_string());
    };
    if case.app_kills && cut.by == 2 {
        // gunicorn looks at its workers once a second, and says 500 or nothing, by version.
        let status = seen
            .status
            .is_some_and(|status| [500, 502].contains(&status));
        return status
            .then_some(())
            .ok_or("status: neither 500 nor 502".to_owned());
    }
    equal(
        "status",
        format!("{:?}", cut.status),
        format!("{:?}", seen.status),
    )?;
    if !case.app_kills {
        equal(
            "executions",
            cut.executions.to_string(),
            seen.executions.to_string(),
        )?;
    }
    let after = Duration::from_millis(cut.after_ms);
    if seen.after + EARLY < after || seen.after > after + LATE {
        return Err(format!("after: predicted {after:?}, seen {:?}", seen.after));
    }
    // Of two equal clocks the outer one wins, but the two are read by two processes, and either may be late.
    if reads[..=cut.by.min(1)].iter().all(|reads| *reads) && !case.is_tie() && !case.intercepts() {
        return equal(
            "through",
            (cut.by + 1).to_string(),
            seen.through.to_string(),
        );
    }
    Ok(())
}

fn start_gunicorn(dir: &Path, host: Ipv4Addr) -> Program {
    let mut command = Command::new(find("gunicorn").unwrap());
    // plain: a command line of our own, without quotes
    command.args(grid::command(host).split(' ').skip(1));
    command.current_dir(dir).env("HOME", dir);
    Program::start("gunicorn", &mut command, dir).unwrap()
}

/// The proxies, each with the port that its cases begin at.
fn start(dir: &Path, files: &[(String, String)]) -> Vec<(Program, Kind, u16)> {
    let mut programs = Vec::new();
    for (path, _) in files {
        let (name, file) = path.split_once('/').unwrap_or(("", path));
        let base = if name == "front" {
            grid::FRONT
        } else {
            grid::BEHIND
        };
        let at = dir.join(name);
        let mut command;
        let kind = match file {
            "nginx.conf" => {
                command = Command::new(find("nginx").unwrap());
                command.args(["-e", "stderr", "-g", "daemon off; error_log stderr;", "-p"]);
                command.arg(&at).arg("-c").arg(at.join(file));
                Kind::Nginx
            }
            "haproxy.cfg" => {
                command = Command::new(find("haproxy").unwrap());
                command.args(["-db", "-f"]).arg(at.join(file));
                Kind::HaProxy
            }
            _ => continue,
        };
        let program = Program::start(&format!("{name}-{}", kind.program()), &mut command, dir);
        programs.push((program.unwrap(), kind, base));
    }
    programs
}
