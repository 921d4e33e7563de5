//! What a run says: findings with labels, fixes, and gaps.

pub mod fingerprint;

use std::iter;

use serde::{Deserialize, Serialize};

use crate::source::{FileId, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Explains an incident; nothing fails by itself.
    Info,
    /// Fails under a common condition: load, restart, slow request, deploy.
    Warning,
    /// Fails on every or most requests, or the process does not start.
    Error,
}

impl Effect {
    /// The word for it: `response`, `no-start`, `closed`, `hang`, `cut` or `duplicate`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::NoStart => "no-start",
            Self::Closed => "closed",
            Self::Hang => "hang",
            Self::Cut => "cut",
            Self::Duplicate => "duplicate",
        }
    }
}

impl Severity {
    /// The word for it: `info`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Rests on image knowledge or a guess about the deploy.
    Low,
    /// Rests on an assumed default.
    Medium,
    /// Every value is written or a measured default of a known version.
    High,
}

impl Confidence {
    /// The word for it: `low`, `medium` or `high`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What a client or an operator sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// An answer with one of the statuses.
    Response,
    /// The process does not start.
    NoStart,
    /// The connection is closed without an answer.
    Closed,
    /// No answer at all, for ever.
    Hang,
    /// An answer or an upgraded connection is cut.
    Cut,
    /// The app runs the request more than once.
    Duplicate,
}

/// A place and what is to be seen there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// Lower case, no full stop.
    pub message: String,
}

/// Whether a fix may be applied without being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Safety {
    /// Keeps the meaning of everything else.
    Safe,
    /// A person should look at it.
    Unsafe,
}

/// Replace a span by a text; the only way to edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// A change that heals a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in the imperative.
    pub title: String,
    /// Whether it may be applied unread.
    pub safety: Safety,
    /// All edits; they do not overlap.
    pub edits: Vec<Edit>,
}

/// One thing that is wrong, with exactly one primary label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id of the rule.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Statuses that a client may get; empty if none.
    pub status: Vec<u16>,
    /// What a client or an operator sees.
    pub effect: Effect,
    /// What comes before that, or stands in the proxy's log, for people; may be empty.
    pub log: &'static str,
    /// What is wrong: lower case, no full stop, both values named.
    pub message: String,
    /// What to do; may be empty only for built-in rules.
    pub help: String,
    /// Where it is to be mended, or where it first shows.
    pub primary: Label,
    /// Further places in chain order, edge to app.
    pub related: Vec<Label>,
    /// Of a finding about a chain: each hop with its time, and where it dials the next, edge to app; else empty.
    pub flow: Vec<Label>,
    /// A change that heals it.
    pub fix: Option<Fix>,
    /// What the finding rests on, without prose and line numbers: `(name, value)` pairs that, with rule and path, make
    /// the fingerprint.
    pub evidence: Vec<(&'static str, String)>,
}

/// Something that could not be read or known, reported beside the findings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// Path below the root.
    pub path: String,
    /// Line from 1, if there is one.
    pub line: Option<usize>,
    /// Why, lower case, no full stop.
    pub reason: String,
}

/// A syntax error: data, not a failure. The rest of the file is judged all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub span: Span,
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// What was expected there; may be empty.
    pub expected: String,
}

impl SyntaxError {
    /// An error at a byte range of a file.
    pub fn new(
        file: FileId,
        start: usize,
        end: usize,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            span: Span::new(file, start, end),
            message: message.into(),
            expected: expected.into(),
        }
    }
}

impl Finding {
    /// A finding with one place; what more there is to say of it is added.
    pub fn new(
        rule: &'static str,
        severity: Severity,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            confidence: Confidence::High,
            status: Vec::new(),
            effect: Effect::Response,
            log: "",
            message: message.into(),
            help: String::new(),
            primary: Label {
                span,
                message: String::new(),
            },
            related: Vec::new(),
            flow: Vec::new(),
            fix: None,
            evidence: Vec::new(),
        }
    }

    /// The primary label, then the related ones.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        iter::once(&self.primary).chain(&self.related)
    }

    /// Adds a related label; call in chain order, edge to app.
    pub fn label(&mut self, span: Span, message: impl Into<String>) -> &mut Self {
        self.related.push(Label {
            span,
            message: message.into(),
        });
        self
    }

    /// Says at the primary place what is to be seen there.
    pub fn here(&mut self, message: impl Into<String>) -> &mut Self {
        self.primary.message = message.into();
        self
    }

    /// What to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self
    }

    /// Another severity than the card's.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// At most this confidence.
    pub fn at_most(&mut self, confidence: Confidence) -> &mut Self {
        self.confidence = self.confidence.min(confidence);
        self
    }

    /// Other statuses and another effect than the card's.
    pub fn outcome(&mut self, effect: Effect, status: &[u16]) -> &mut Self {
        self.effect = effect;
        self.status = status.to_vec();
        self
    }

    /// One structured fact that the finding rests on.
    pub fn because(&mut self, name: &'static str, value: impl ToString) -> &mut Self {
        self.evidence.push((name, value.to_string()));
        self
    }
}
