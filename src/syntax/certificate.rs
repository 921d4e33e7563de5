//! Certificates in PEM: whom they are for, who signed them, and until when. Keys in the same file are passed over.

use x509_cert::Certificate as Decoded;
use x509_cert::der::DecodePem;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::source::{FileId, Span};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The line that begins it.
    pub span: Span,
    /// Whom it is for, as RFC 4514 writes it: `CN=api.example.com`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The hosts that it is for, lower case: its alternative names, or the common name if it has none of them.
    pub hosts: Vec<String>,
    /// From when on it is good, in seconds since 1970.
    pub from: i64,
    /// Until when it is good, in seconds since 1970.
    pub until: i64,
    /// Both as days, `2026-11-30`.
    pub days: (String, String),
}

impl Certificate {
    /// Whether it is for a host; `*.example.com` is for every name one label below.
    pub fn is_for(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| {
            let wild = own.strip_prefix("*.");
            own.eq_ignore_ascii_case(host)
                || wild.is_some_and(|parent| {
                    let below = host.split_once('.');
                    below.is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent))
                })
        })
    }
}

/// Every certificate of a file, in order; none at all if one of them cannot be read.
pub fn certificates(file: FileId, text: &str) -> Vec<Certificate> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(BEGIN).map(|at| from + at) {
        let Some(end) = text[at..].find(END).map(|end| at + end + END.len()) else {
            return Vec::new();
        };
        let span = Span::new(file, at, at + BEGIN.len());
        match decode(span, &text[at..end]) {
            Some(certificate) => found.push(certificate),
            None => return Vec::new(),
        }
        from = end;
    }
    found
}

fn decode(span: Span, block: &str) -> Option<Certificate> {
    let decoded = Decoded::from_pem(block).ok()?;
    let told = decoded.tbs_certificate();
    let alternative = told.get_extension::<SubjectAltName>().ok()?;
    let mut hosts: Vec<String> = alternative
        .iter()
        .flat_map(|(_, names)| &names.0)
        .filter_map(|name| match name {
            GeneralName::DnsName(host) => Some(host.as_str().to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    if hosts.is_empty() {
        let common = told.subject().common_name().ok()?;
        hosts.extend(common.map(|name| name.value().to_ascii_lowercase()));
    }
    let (from, until) = (told.validity().not_before, told.validity().not_after);
    let seconds = |time: x509_cert::time::Time| {
        i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
    };
    let day = |time: x509_cert::time::Time| {
        let written = time.to_date_time().to_string();
        written.split('T').next().unwrap_or_default().to_owned()
    };
    Some(Certificate {
        span,
        subject: told.subject().to_string(),
        issuer: told.issuer().to_string(),
        hosts,
        from: seconds(from),
        until: seconds(until),
        days: (day(from), day(until)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        let certificate = Certificate {
            span: Span::new(FileId(0), 0, 0),
            subject: String::new(),
            issuer: String::new(),
            hosts: vec!["*.example.com".to_owned(), "example.org".to_owned()],
            from: 0,
            until: 0,
            days: (String::new(), String::new()),
        };
        assert!(certificate.is_for("API.example.com"));
        assert!(certificate.is_for("example.org"));
        for other in [
            "example.com",
            "a.b.example.com",
            "api.example.org",
            "10.0.0.1",
        ] {
            assert!(!certificate.is_for(other), "{other}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_whole_has_none() {
        let texts = [
            "",
            BEGIN,
            &format!("{BEGIN}\nAAAA\n{END}\n"),
            &format!("{END}\n{BEGIN}"),
        ];
        for text in texts {
            assert_eq!(certificates(FileId(0), text), Vec::new(), "{text}");
        }
    }
}
