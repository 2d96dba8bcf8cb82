//! When an hourly share rose to stay: a two-sided sum of deviations over the whole window.
//!
//! The parameters are those of OONI's event detector (ooni/data, `oonipipeline/analysis/detector.py`):
//! means 0 and 0.7, shift 0.7, threshold 3.5. The difference: it begins anew in every window, so that the
//! answer depends on the data alone, and an end is dated to where the sum began to rise, as an onset is.
use super::Hour;

/// Half the shift that is looked for, thousandths.
const SLACK: i64 = 350;
/// The sum at which a change is believed, thousandths: six hours at full share.
const THRESHOLD: i64 = 3_500;
/// After so many hours without data a sum begins to fade.
const KEEPS_H: i64 = 24;
/// Hours in which it halves.
const HALVES_H: i64 = 48;

/// What was seen in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) hour: Hour,
    /// Share of what is bad, thousandths.
    pub(super) share: i64,
}

/// A time in which the share was high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Episode {
    pub(super) onset: Hour,
    /// First hour in which there is positive evidence that it is over.
    pub(super) end: Option<Hour>,
    /// The window holds nothing good before: it may have begun any time earlier.
    pub(super) since_before: bool,
}

/// What the window tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) episodes: Vec<Episode>,
    /// Since when there is positive evidence that all is well, if it is well at the end.
    pub(super) well_since: Option<Hour>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    value: i64,
    since: Hour,
}

impl Sum {
    fn add(&mut self, hour: Hour, gap: i64, step: i64) {
        if gap > KEEPS_H {
            self.value >>= (gap / HALVES_H).clamp(0, 60);
        }
        if self.value == 0 {
            self.since = hour;
        }
        self.value = (self.value + step).max(0);
    }

    fn crosses(&self) -> bool {
        self.value >= THRESHOLD
    }
}

/// Walks over points in rising order of hours.
pub(super) fn walk(points: &[Point]) -> Walk {
    let mut walk = Walk::default();
    let (mut bad, mut good) = (Sum::default(), Sum::default());
    let (mut is_ill, mut last) = (false, None);
    for point in points {
        let gap = last.map_or(0, |last| point.hour - last);
        last = Some(point.hour);
        bad.add(point.hour, gap, point.share - SLACK);
        good.add(point.hour, gap, SLACK - point.share);
        if is_ill && good.crosses() {
            is_ill = false;
            bad = Sum::default();
            walk.well_since = Some(good.since);
            if let Some(episode) = walk.episodes.last_mut() {
                episode.end = Some(good.since);
            }
        } else if !is_ill && bad.crosses() {
            is_ill = true;
            good = Sum::default();
            walk.well_since = None;
            walk.episodes.push(Episode {
                onset: bad.since,
                end: None,
                since_before: bad.since == points[0].hour,
            });
        } else if !is_ill && walk.well_since.is_none() && good.crosses() {
            walk.well_since = Some(good.since);
        }
    }
    walk
}
