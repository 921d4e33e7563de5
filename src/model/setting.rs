//! A value that knows where it comes from, or why it cannot be known.

use crate::source::Span;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Written at this very place.
    Written(Span),
    /// Written in an enclosing block or a section it is taken from.
    Inherited(Span),
    /// Nothing is written.
    Default {
        /// The program, for people: `nginx`, `gunicorn`.
        program: String,
        /// The version, as far as it is known; empty if the default holds for all.
        version: String,
        /// Manual page, source file or measurement.
        source: String,
        /// Whether it is a measured or documented default of a known program and version; if not, a finding that
        /// rests on it is a warning of medium confidence at most.
        certain: bool,
    },
}

impl Origin {
    /// The place, if it is written anywhere.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Written(span) | Self::Inherited(span) => Some(*span),
            Self::Default { .. } => None,
        }
    }

    /// Whether it is written anywhere.
    pub fn is_written(&self) -> bool {
        self.span().is_some()
    }

    /// Whether a finding may rest on it with high confidence.
    pub fn is_certain(&self) -> bool {
        !matches!(self, Self::Default { certain: false, .. })
    }
}

/// A value with its origin, or why it is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Setting<T> {
    /// Known.
    Known {
        /// The value.
        value: T,
        /// Where it comes from.
        origin: Origin,
    },
    /// Unknown, and why (lower case, no full stop). Rules are silent on it.
    Unknown(String),
}

impl<T> Setting<T> {
    /// A value that is written here.
    pub fn written(value: T, span: Span) -> Self {
        Self::Known {
            value,
            origin: Origin::Written(span),
        }
    }

    /// A value that is written in an enclosing block.
    pub fn inherited(value: T, span: Span) -> Self {
        Self::Known {
            value,
            origin: Origin::Inherited(span),
        }
    }

    /// A measured or documented default of a known version.
    pub fn default_of(value: T, program: &str, version: &str, source: &str) -> Self {
        let origin = Origin::Default {
            program: program.to_owned(),
            version: version.to_owned(),
            source: source.to_owned(),
            certain: true,
        };
        Self::Known { value, origin }
    }

    /// A default that may not hold here.
    pub fn assumed(value: T, program: &str, version: &str, source: &str) -> Self {
        let origin = Origin::Default {
            program: program.to_owned(),
            version: version.to_owned(),
            source: source.to_owned(),
            certain: false,
        };
        Self::Known { value, origin }
    }

    /// Unknown, and why.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// The value, if it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// The origin, if the value is known.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Known { origin, .. } => Some(origin),
            Self::Unknown(_) => None,
        }
    }

    /// Both, if the value is known.
    pub fn known(&self) -> Option<(&T, &Origin)> {
        match self {
            Self::Known { value, origin } => Some((value, origin)),
            Self::Unknown(_) => None,
        }
    }

    /// The place where it is written, if it is.
    pub fn span(&self) -> Option<Span> {
        self.origin().and_then(Origin::span)
    }

    /// The same origin with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Setting<U> {
        match self {
            Self::Known { value, origin } => Setting::Known {
                value: f(value),
                origin,
            },
            Self::Unknown(why) => Setting::Unknown(why),
        }
    }
}
