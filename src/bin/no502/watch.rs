//! `check --watch`: runs again whenever a file changes. Sizes and times are asked for, since that works on every system and
//! every file system, a mount of a container included, where notices of changes do not arrive.

use std::io::{self, IsTerminal, Write};
use std::process;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::args::Check;
use crate::config::Config;
use crate::disk::{Disk, Stamps};
use crate::failure::Failure;
use crate::roots::Roots;
use crate::run::say;
use crate::verdict::Verdict;

/// Between two looks. A tree whose look takes long is looked at less often, so that watching costs next to nothing.
const PAUSE: Duration = Duration::from_millis(300);
/// Looks take at most one part in so many of the time.
const SHARE: u32 = 20;
/// An editor may write a file in several steps, and a checkout many files: so long must nothing change.
const SETTLED: Duration = Duration::from_millis(100);

/// The code of the last run, with which Ctrl-C ends the program.
static CODE: AtomicU8 = AtomicU8::new(0);

/// Runs until Ctrl-C.
pub(crate) fn watch(
    args: &Check,
    run: impl Fn() -> Result<Verdict, Failure>,
    quiet: bool,
) -> Result<Verdict, Failure> {
    ctrlc::set_handler(|| process::exit(i32::from(CODE.load(Ordering::Relaxed))))
        .map_err(|error| Failure::new(format!("Ctrl-C cannot be waited for: {error}")))?;
    loop {
        // Before the run: what changes while it reads is a change.
        let seen = look(args);
        show(run());
        if !quiet {
            say("no502: waits for a change, Ctrl-C ends");
        }
        wait(args, &seen);
        if io::stdout().is_terminal() {
            let mut out = io::stdout().lock();
            // Nobody looks at a terminal that cannot be written to.
            let _ = out.write_all(b"\x1b[2J\x1b[H").and_then(|()| out.flush());
        }
    }
}

/// A run that cannot do its work, as while somebody types in `no502.toml`, is said and waited out.
fn show(outcome: Result<Verdict, Failure>) {
    let code = match outcome {
        Ok(verdict) => verdict.code(),
        Err(failure) => {
            say(failure);
            Verdict::Failed.code()
        }
    };
    CODE.store(code, Ordering::Relaxed);
}

/// Returns when something is another than it was, and has come to rest.
fn wait(args: &Check, seen: &Stamps) {
    let mut pause = PAUSE;
    loop {
        sleep(pause);
        let begun = Instant::now();
        let mut now = look(args);
        pause = PAUSE.max(begun.elapsed() * SHARE);
        if now == *seen {
            continue;
        }
        loop {
            sleep(SETTLED);
            let later = look(args);
            if later == now {
                return;
            }
            now = later;
        }
    }
}

/// The files as they are; none while a path that was named is not there.
fn look(args: &Check) -> Stamps {
    let Ok(roots) = Roots::of(&args.paths) else {
        return Stamps::default();
    };
    let asked = args.project.config.clone();
    let settings = asked.or_else(|| Config::nearest(&roots));
    let named = roots.files.into_iter().chain(settings);
    let named = named.chain(args.project.baseline.clone()).collect();
    Disk::new(roots.root, roots.scopes, named)
        .ignoring(!args.project.no_ignore)
        .stamps()
}
