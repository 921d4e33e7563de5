//! The one time axis of a picture. Its steps are drawn alike, from a second to a day, so that five seconds and an hour
//! fit on it and half a minute more is still to be seen. Whole numbers only: the same picture on every machine.

use super::view::View;
use crate::model::Amount;

/// Milliseconds at which the steps end.
const STEPS: [u64; 13] = [
    0, 1_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000, 3_600_000, 14_400_000,
    43_200_000, 86_400_000,
];

/// An axis that is long enough for all that a picture shows.
pub(super) struct Scale {
    steps: usize,
}

impl Scale {
    /// The shortest axis on which every value of the view has its place, and at least five steps.
    pub(super) fn of(view: &View) -> Self {
        let hops = view.ways.iter().flat_map(|way| &way.hops);
        let values = hops.flat_map(|hop| &hop.values);
        let clashes = view.ways.iter().flat_map(|way| &way.clashes);
        let longest = values
            .filter(|value| !value.key.is_count())
            .filter_map(|value| match value.amount {
                Some(Amount::Finite(ms)) => Some(ms),
                _ => None,
            })
            .chain(view.ways.iter().filter_map(|way| way.takes))
            .chain(clashes.filter_map(|clash| Some(clash.attempts?.1)))
            .max()
            .unwrap_or_default();
        let steps = STEPS.partition_point(|step| *step < longest);
        Self {
            steps: steps.clamp(5, STEPS.len() - 1),
        }
    }

    /// How many steps it has.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Where each step ends (milliseconds), zero first.
    pub(super) fn ticks(&self) -> &'static [u64] {
        &STEPS[..=self.steps]
    }

    /// The length of a time where a step takes `unit`; what is longer than the axis ends with it.
    pub(super) fn length(&self, ms: u64, unit: usize) -> usize {
        let ticks = self.ticks();
        let at = ticks.partition_point(|tick| *tick <= ms);
        let (Some(from), Some(to)) = (ticks.get(at.wrapping_sub(1)), ticks.get(at)) else {
            return self.steps * unit;
        };
        let part = (ms - from) * unit as u64 / (to - from);
        (at - 1) * unit + usize::try_from(part).unwrap_or(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn longer_times_are_never_drawn_shorter() {
        let scale = Scale { steps: 9 };
        assert_eq!(scale.length(0, 30), 0);
        assert_eq!(scale.length(1000, 30), 30);
        assert_eq!(scale.length(30_000, 30), 120);
        assert_eq!(scale.length(45_000, 30), 135);
        assert_eq!(scale.length(3_600_000, 30), 270);
        assert_eq!(scale.length(u64::MAX, 30), 270);
        let lengths: Vec<usize> = (0..4000).map(|s| scale.length(s * 1000, 30)).collect();
        assert!(lengths.is_sorted());
    }
}
