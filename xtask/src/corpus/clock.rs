//! Calendar: nanoseconds since 1970 to dates, and the load of day and week to times.

use super::world::{DAY_NS, DAYS};

/// (year, month, day) of a number of days since 1970 (Howard Hinnant's civil calendar).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// `2026-09-01`.
pub(crate) fn date(ns: i64) -> String {
    let (year, month, day) = civil(ns.div_euclid(DAY_NS));
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-09-01T12:00:00.123456789Z`.
pub(crate) fn stamp(ns: i64) -> String {
    let rest = ns.rem_euclid(DAY_NS);
    let seconds = rest / 1_000_000_000;
    format!(
        "{}T{:02}:{:02}:{:02}.{:09}Z",
        date(ns),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        rest % 1_000_000_000
    )
}

/// Load of each hour of a day (UTC).
const HOURS: [i64; 24] = [4, 3, 2, 2, 3, 5, 10, 20, 34, 42, 44, 40, 36, 42, 48, 50, 48, 42, 34, 26, 20, 14, 9, 6];

/// Share of a week's days, Tuesday first (the first day of batch A is one).
const WEEK: [i64; 7] = [10, 10, 10, 9, 4, 4, 10];

/// Start times in order: the load of hours and weekdays, as slots of equal load.
pub(crate) struct Load {
    /// Running sum of the load at the end of each hour.
    sums: Vec<i64>,
}

impl Load {
    /// The load of one batch.
    pub(crate) fn new() -> Self {
        let mut sums = Vec::new();
        let mut sum = 0;
        for hour in 0..usize::try_from(DAYS).unwrap_or(0) * 24 {
            sum += HOURS[hour % 24] * WEEK[hour / 24 % 7];
            sums.push(sum);
        }
        Self { sums }
    }

    /// Nanoseconds since the start of the batch at which the share `part` of `whole` of all load has come in.
    pub(crate) fn at(&self, part: u64, whole: u64) -> i64 {
        let total = i128::from(self.sums.last().copied().unwrap_or(1));
        let hour_ns: i128 = 3_600_000_000_000;
        let whole = i128::from(whole.max(1));
        // In units of load times `whole`, so that nothing is lost by dividing too early.
        let target = total * i128::from(part);
        let hour = self.sums.partition_point(|sum| i128::from(*sum) * whole <= target).min(self.sums.len() - 1);
        let before = if hour == 0 { 0 } else { i128::from(self.sums[hour - 1]) * whole };
        let width = (i128::from(self.sums[hour]) * whole - before).max(1);
        let offset = (target - before) * hour_ns / width;
        i64::try_from(hour as i128 * hour_ns + offset).unwrap_or(0)
    }
}
