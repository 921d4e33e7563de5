//! no502 reads the configs of a stack, joins them into one model of hops, and says where a 502, 503 or 504 will come
//! from.
//!
//! The library is pure: it prints nothing and reads no file, clock or environment variable. Whatever it must know of
//! the outside it asks of a [`host::Host`].
//!
//! ```
//! use no502::{analyze::analyze, host::FakeHost, project::Project, settings::Settings};
//!
//! let host = FakeHost::new([("haproxy.cfg", "defaults\n  mode http")]);
//! let settings = Settings::default();
//! let analysis = analyze(&host, Project::load(&host, &settings), &settings);
//! assert_eq!(analysis.findings[0].rule, "final-newline-missing");
//! ```

pub mod source;

pub mod host;

pub mod finding;

pub mod settings;

pub mod syntax;

pub mod project;

pub mod model;

pub mod page;

pub mod rules;

pub mod suppress;

pub mod analyze;

pub mod fix;

pub mod triage;

pub mod report;
