//! How often a fault happened over time.

use halo_protocol::TrendPoint;
use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::trace_index::{TraceIndex, TraceSet};

/// Most points of a trend.
const POINTS_MAX: i32 = 40;

/// Counts by stretches of one length, oldest first and without gaps: of a day, or of as many as keep the points few. Empty when all traces
/// are of one day. Traces that say no time are in none.
pub(crate) fn trend(index: &TraceIndex, affected: &TraceSet, population: &TraceSet) -> Vec<TrendPoint> {
    let day_of = |number: u32| index.day(number).parse::<Date>().ok();
    let days: Vec<(Date, bool)> =
        population.numbers().filter_map(|number| Some((day_of(number)?, affected.contains(number)))).collect();
    let (Some(first), Some(last)) = (days.iter().map(|(day, _)| *day).min(), days.iter().map(|(day, _)| *day).max())
    else {
        return Vec::new();
    };
    let between = |one: Date, other: Date| one.until(other).map_or(0, |span| span.get_days());
    let width = (between(first, last) + POINTS_MAX) / POINTS_MAX;
    let count = between(first, last) / width + 1;
    if first == last {
        return Vec::new();
    }
    let mut counts = vec![(0, 0); usize::try_from(count).unwrap_or(0)];
    for (day, is_affected) in days {
        let place = usize::try_from(between(first, day) / width).unwrap_or(0);
        if let Some((hits, size)) = counts.get_mut(place) {
            *hits += u64::from(is_affected);
            *size += 1;
        }
    }
    let day_after = |days: i32| first.checked_add(days.days()).unwrap_or(last);
    (0..)
        .zip(counts)
        .map(|(place, (affected, population))| TrendPoint {
            from: day_after(place * width).to_string(),
            to: day_after((place + 1) * width - 1).min(last).to_string(),
            affected,
            population,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(days: &[&str], affected: &[usize]) -> Vec<(String, String, u64, u64)> {
        let rows: Vec<(&str, &[(&str, &str)])> = days.iter().map(|day| (*day, [].as_slice())).collect();
        let index = TraceIndex::of(&rows);
        let ids: Vec<String> = affected.iter().map(|place| format!("t{place}")).collect();
        let (affected, _) = index.set(ids.iter().map(String::as_str));
        let points = trend(&index, &affected, &index.all());
        points.into_iter().map(|point| (point.from, point.to, point.affected, point.population)).collect()
    }

    #[test]
    fn days_without_traces_are_there_and_traces_without_days_are_not() {
        let point = |day: &str, affected, population| (day.to_owned(), day.to_owned(), affected, population);
        assert_eq!(
            points(&["2026-02-27", "2026-02-27", "2026-03-01", ""], &[1, 3]),
            [point("2026-02-27", 1, 2), point("2026-02-28", 0, 0), point("2026-03-01", 0, 1)]
        );
        assert_eq!(points(&["2026-02-27", "2026-02-27", "no day"], &[0]), []);
    }

    #[test]
    fn a_long_time_has_few_points() {
        let found = points(&["2025-01-01", "2025-12-31", "2026-12-31"], &[2]);
        assert_eq!(found.len(), 39);
        assert_eq!(found[0], ("2025-01-01".to_owned(), "2025-01-19".to_owned(), 0, 1));
        assert_eq!(found[38], ("2026-12-24".to_owned(), "2026-12-31".to_owned(), 1, 1));
    }
}
