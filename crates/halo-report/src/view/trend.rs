//! How a finding's rate went over time: a row of columns to draw, and the same in a sentence.

use halo_protocol::{Interval, TrendPoint};
use serde::Serialize;

use crate::number::{counted, grouped, percent, share};
use crate::text;

/// Stretches below which there is no course of time to speak of.
const FEWEST: usize = 3;
/// Columns drawn; longer courses are drawn with several stretches a column.
const COLUMNS: usize = 48;
/// Characters of a day.
const DAY: usize = 10;
/// Part of a column's room that stays empty beside it.
const GAP: f64 = 0.22;

/// The course of a rate over time.
#[derive(Debug, Serialize)]
pub(crate) struct Trend {
    /// What it does in a word or two: `rising`, `new since 2026-05-12`.
    pub(crate) word: String,
    /// The same with its counts.
    pub(crate) sentence: String,
    /// Every stretch with its counts, for whoever does not see the drawing.
    pub(crate) listed: String,
    /// What the tallest column stands for.
    pub(crate) top: String,
    /// First day.
    pub(crate) from: String,
    /// Last day.
    pub(crate) to: String,
    /// Whether a column is drawn pale, since it had few runs.
    pub(crate) has_pale: bool,
    /// The columns, oldest first.
    pub(crate) columns: Vec<Column>,
}

/// One stretch of time as it is drawn, in percent of the drawing.
#[derive(Debug, Serialize)]
pub(crate) struct Column {
    /// Left edge.
    pub(crate) x: String,
    /// Width.
    pub(crate) width: String,
    /// Top edge; 100 is the ground.
    pub(crate) y: String,
    /// Height; 0 when nothing was hit.
    pub(crate) height: String,
    /// What it stands for.
    pub(crate) label: String,
    /// Whether there were too few runs to tell a rate from chance.
    pub(crate) thin: bool,
    /// Whether there were any runs at all.
    pub(crate) any: bool,
}

/// Two parts of a course, before and since a day.
struct Parts {
    before: TrendPoint,
    since: TrendPoint,
}

impl Trend {
    /// The course of these points; `None` when they are too few to tell of one.
    pub(crate) fn new(points: &[TrendPoint]) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        if points.len() < FEWEST || points.iter().all(|point| point.affected == 0) {
            return None;
        }
        let drawn: Vec<TrendPoint> = points.chunks(points.len().div_ceil(COLUMNS)).filter_map(together).collect();
        let worst = worst(&drawn)?;
        let columns = columns(&drawn, rate(worst));
        let (word, sentence) = course(points, &drawn, worst);
        let listed = drawn.iter().map(label).collect::<Vec<_>>().join("; ");
        Some(Self {
            word,
            sentence,
            listed: format!("{listed}."),
            top: percent(rate(worst), worst.population),
            from: day(&first.from),
            to: day(&last.to),
            has_pale: columns.iter().any(|column| column.thin && column.any && column.height != "0.00"),
            columns,
        })
    }
}

fn rate(point: &TrendPoint) -> f64 {
    share(point.affected.min(point.population), point.population)
}

/// The likely range of a stretch's rate.
fn range(point: &TrendPoint) -> Interval {
    Interval::wilson(point.affected.min(point.population), point.population)
}

/// A day as it is shown. What is none would not fit under the drawing and is cut off.
fn day(text: &str) -> String {
    let shown = text::value(text);
    match shown.char_indices().nth(DAY) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// Neighbouring stretches as one.
fn together(points: &[TrendPoint]) -> Option<TrendPoint> {
    Some(TrendPoint {
        from: points.first()?.from.clone(),
        to: points.last()?.to.clone(),
        affected: points.iter().map(|point| point.affected).sum(),
        population: points.iter().map(|point| point.population).sum(),
    })
}

fn split(points: &[TrendPoint], at: usize) -> Option<Parts> {
    let (before, since) = points.split_at_checked(at)?;
    Some(Parts { before: together(before)?, since: together(since)? })
}

/// What the rate does, in a word and in a sentence with counts. It says that something changed only where the likely ranges of
/// the two parts, 95 % each, do not touch.
fn course(points: &[TrendPoint], drawn: &[TrendPoint], worst: &TrendPoint) -> (String, String) {
    let ended = change(points, |parts| (&parts.since, &parts.before));
    let began = change(&points[..ended.unwrap_or(points.len())], |parts| (&parts.before, &parts.since));
    match (began, ended) {
        (Some(began), Some(ended)) => {
            if let (Some(before), Some(during), Some(since)) =
                (together(&points[..began]), together(&points[began..ended]), together(&points[ended..]))
            {
                let counts =
                    |point: &TrendPoint| format!("{} of {}", grouped(point.affected), grouped(point.population));
                return (
                    format!("{} only", span(&during)),
                    format!(
                        "Only {}: {} runs{}, {} before and {} since.",
                        span(&during),
                        counts(&during),
                        in_percent(&during),
                        counts(&before),
                        counts(&since)
                    ),
                );
            }
        }
        (Some(began), None) => {
            if let Some(parts) = split(points, began) {
                let word = format!("new since {}", day(&parts.since.from));
                return (word, format!("New: {}. {}", told(&parts), peak(worst)));
            }
        }
        (None, Some(ended)) => {
            if let Some(parts) = split(points, ended) {
                let word = format!("gone since {}", day(&parts.since.from));
                return (word, format!("Not seen lately: {}. {}", told(&parts), peak(worst)));
            }
        }
        (None, None) => {}
    }
    let Some(parts) = split(points, half(points)) else {
        return ("no clear change".to_owned(), peak(worst));
    };
    if differ(&parts.before, &parts.since) {
        return ("rising".to_owned(), format!("Rising: {}. {}", told(&parts), peak(worst)));
    }
    if differ(&parts.since, &parts.before) {
        return ("falling".to_owned(), format!("Falling: {}. {}", told(&parts), peak(worst)));
    }
    // The worst of many stretches is high by chance: it is named only where it stands out from all others together.
    if rest(drawn, worst).is_some_and(|rest| differ(&rest, worst)) {
        return (format!("peak {}", day(&worst.from)), format!("A peak: {}. {}", told(&parts), peak(worst)));
    }
    ("no clear change".to_owned(), format!("No clear change: {}.", told(&parts)))
}

/// Where a rate becomes more than ten times what it was, or less than a tenth of it: the place where the two parts differ most clearly.
fn change(points: &[TrendPoint], low_high: impl Fn(&Parts) -> (&TrendPoint, &TrendPoint)) -> Option<usize> {
    let gap = |at: usize| {
        let parts = split(points, at)?;
        let (low, high) = low_high(&parts);
        (differ(low, high) && rate(low) * 10.0 < rate(high)).then(|| range(high).low - range(low).high)
    };
    let gaps = (1..points.len()).filter_map(|at| Some((at, gap(at)?)));
    gaps.max_by(|one, other| one.1.total_cmp(&other.1)).map(|(at, _)| at)
}

/// All stretches but one, as one.
fn rest(points: &[TrendPoint], but: &TrendPoint) -> Option<TrendPoint> {
    let others: Vec<TrendPoint> = points.iter().filter(|point| point.from != but.from).cloned().collect();
    together(&others)
}

/// Whether the rate of one part is lower than that of the other beyond doubt.
fn differ(lower: &TrendPoint, higher: &TrendPoint) -> bool {
    range(lower).high < range(higher).low
}

/// The place that leaves about half of the runs on either side.
fn half(points: &[TrendPoint]) -> usize {
    let all: u64 = points.iter().map(|point| point.population).sum();
    let mut seen = 0;
    let middle = points.iter().position(|point| {
        seen += point.population;
        seen * 2 >= all
    });
    middle.map_or(1, |at| at + 1).clamp(1, points.len() - 1)
}

fn told(parts: &Parts) -> String {
    let before = counted(parts.before.population, "run", "runs");
    format!(
        "{} of {before}{} before {}, {} of {}{} since",
        grouped(parts.before.affected),
        in_percent(&parts.before),
        day(&parts.since.from),
        grouped(parts.since.affected),
        grouped(parts.since.population),
        in_percent(&parts.since),
    )
}

fn in_percent(point: &TrendPoint) -> String {
    if point.affected == 0 {
        return String::new();
    }
    format!(" ({})", percent(rate(point), point.population))
}

/// Runs that a stretch needs for its rate to be more than chance: half of what the stretches have on average.
fn enough(points: &[TrendPoint]) -> u64 {
    let all: u64 = points.iter().map(|point| point.population).sum();
    (all / (points.len() as u64 * 2).max(1)).max(1)
}

/// The stretch with the highest rate among those with enough runs, or among all where none of those was hit.
fn worst(points: &[TrendPoint]) -> Option<&TrendPoint> {
    let enough = enough(points);
    let worst_of = |least: u64| {
        let hit = points.iter().filter(|point| point.affected > 0 && point.population >= least);
        hit.max_by(|left, right| rate(left).total_cmp(&rate(right)))
    };
    worst_of(enough).or_else(|| worst_of(0))
}

fn peak(worst: &TrendPoint) -> String {
    let when = if worst.from == worst.to { "on" } else { "from" };
    let (affected, population) = (grouped(worst.affected), grouped(worst.population));
    format!("Most {when} {}: {affected} of {population}{}.", span(worst), in_percent(worst))
}

fn span(point: &TrendPoint) -> String {
    if point.from == point.to { day(&point.from) } else { format!("{} to {}", day(&point.from), day(&point.to)) }
}

fn label(point: &TrendPoint) -> String {
    if point.population == 0 {
        return format!("{}: no runs", span(point));
    }
    format!("{}: {} of {}{}", span(point), grouped(point.affected), grouped(point.population), in_percent(point))
}

/// The columns, the worst stretch at full height. One with few runs may have a higher rate by chance: it is cut off there.
fn columns(points: &[TrendPoint], tallest: f64) -> Vec<Column> {
    let enough = enough(points);
    let room = 100.0 / points.len() as f64;
    let column = |(at, point): (u32, &TrendPoint)| {
        let height = if tallest > 0.0 { (rate(point) / tallest).min(1.0) * 100.0 } else { 0.0 };
        Column {
            x: format!("{:.2}", room * (f64::from(at) + GAP / 2.0)),
            width: format!("{:.2}", room * (1.0 - GAP)),
            y: format!("{:.2}", 100.0 - height),
            height: format!("{height:.2}"),
            label: label(point),
            thin: point.population < enough,
            any: point.population > 0,
        }
    };
    (0..).zip(points).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(counts: &[(u64, u64)]) -> Vec<TrendPoint> {
        let point = |(at, (affected, population)): (usize, &(u64, u64))| {
            let day = format!("2026-05-{:02}", at + 1);
            TrendPoint { from: day.clone(), to: day, affected: *affected, population: *population }
        };
        counts.iter().enumerate().map(point).collect()
    }

    fn told_of(counts: &[(u64, u64)]) -> String {
        Trend::new(&points(counts)).map(|trend| trend.sentence).unwrap_or_default()
    }

    #[test]
    fn a_course_is_named_only_where_the_counts_carry_it() {
        assert_eq!(
            told_of(&[(0, 100), (0, 110), (12, 90), (19, 100)]),
            "New: 0 of 210 runs before 2026-05-03, 31 of 190 (16 %) since. Most on 2026-05-04: 19 of 100 (19 %)."
        );
        assert_eq!(
            told_of(&[(12, 90), (19, 100), (0, 100), (0, 110)]),
            "Not seen lately: 31 of 190 runs (16 %) before 2026-05-03, 0 of 210 since. Most on 2026-05-02: 19 of 100 (19 %)."
        );
        assert!(told_of(&[(2, 100), (3, 100), (20, 100), (30, 100)]).starts_with("Rising: 5 of 200 runs (3 %)"));
        assert!(told_of(&[(20, 100), (30, 100), (2, 100), (3, 100)]).starts_with("Falling: "));
        assert_eq!(
            told_of(&[(9, 100), (9, 100), (24, 100), (9, 100), (9, 100), (14, 100)]),
            "A peak: 42 of 300 runs (14 %) before 2026-05-04, 32 of 300 (11 %) since. Most on 2026-05-03: 24 of 100 (24 %)."
        );
        assert_eq!(
            told_of(&[(0, 100), (1, 100), (20, 100), (21, 100), (0, 100), (0, 100)]),
            "Only 2026-05-03 to 2026-05-04: 41 of 200 runs (21 %), 1 of 200 before and 0 of 200 since."
        );
        // Two quiet days before one hit are no proof that something began.
        assert!(told_of(&[(0, 9), (0, 8), (1, 9), (0, 9)]).starts_with("No clear change: "));
    }

    #[test]
    fn too_little_is_no_course() {
        assert!(Trend::new(&points(&[])).is_none());
        assert!(Trend::new(&points(&[(1, 9), (3, 9)])).is_none());
        assert!(Trend::new(&points(&[(0, 9), (0, 9), (0, 9)])).is_none());
    }

    #[test]
    fn a_day_with_few_runs_is_no_peak_and_one_without_runs_is_said_to_be() {
        let trend = Trend::new(&points(&[(10, 100), (2, 2), (0, 0), (12, 100)])).expect("four points are a course");
        assert_eq!(trend.sentence, "No clear change: 12 of 102 runs (12 %) before 2026-05-03, 12 of 100 (12 %) since.");
        assert!(trend.listed.contains("2026-05-03: no runs;"), "{}", trend.listed);
        assert_eq!(trend.top, "12 %");
        assert!(trend.columns[1].thin && trend.columns[1].height == "100.00" && !trend.columns[2].any);
    }

    #[test]
    fn long_courses_are_drawn_in_fewer_columns() {
        let trend = Trend::new(&points(&[(1, 10); 99])).expect("a course");
        assert_eq!(trend.columns.len(), 33);
        assert!(trend.listed.starts_with("2026-05-01 to 2026-05-03: 3 of 30 (10 %); "));
    }
}
