//! Whole projects under damage: whatever is done to their files, an analysis ends, points into the files, says the same
//! twice, can be written in every format, and its fixes leave files that are no worse.
//!
//! `NO502_DAMAGE=100000 cargo test --release --test damage` goes on for longer, and `NO502_DAMAGE_SEED` takes another way.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may stop at once, reads its fixtures itself, and tells of a round before the next one may abort"
)]

#[path = "../syntax/mutate.rs"]
mod mutate;

mod bombs;
mod holds;
mod hurt;
mod worlds;

use std::panic::{AssertUnwindSafe, catch_unwind};

use mutate::Random;
use no502::host::FakeHost;

/// Enough to meet every kind of damage on every project, and few enough for a debug build.
const ROUNDS: usize = 250;

#[test]
fn whatever_is_done_to_a_project_the_analysis_holds() {
    let worlds = worlds::all();
    let rounds = number("NO502_DAMAGE").unwrap_or(ROUNDS);
    let first = number("NO502_DAMAGE_SEED").unwrap_or(0);
    let mut wrong = Vec::new();
    for round in first..first + rounds {
        let (name, world) = &worlds[round % worlds.len()];
        let mut random = Random::new((round as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let files = hurt::hurt(world, &mut random);
        let host = FakeHost {
            files: files.clone(),
            ..FakeHost::default()
        };
        let held = catch_unwind(AssertUnwindSafe(|| holds::check(&host)));
        let held = held.unwrap_or_else(|_| Err("it panicked".to_owned()));
        if let Err(why) = held {
            eprintln!("round {round}, {name}: {why}");
            keep(round, &host);
            wrong.push(format!("round {round}, {name}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Leaves the files of a round that failed where a person can look at them.
fn keep(round: usize, host: &FakeHost) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("damage-{round}"));
    for (path, bytes) in &host.files {
        let place = folder.join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bytes).unwrap();
    }
    eprintln!("round {round}: its files are in {}", folder.display());
}
