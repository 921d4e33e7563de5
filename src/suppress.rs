//! Comments, settings and baseline that silence findings; one that matches nothing is itself a finding.
