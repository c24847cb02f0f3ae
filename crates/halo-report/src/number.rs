//! Numbers, shares and times as people write them.

use halo_protocol::Interval;

/// Populations from this size on tell tenths of a percent apart.
const FINE_POPULATION: u64 = 1_000;

/// `3818` as `3,818`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 run`, `3,818 runs`, `no runs` is left to the caller.
pub(crate) fn counted(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { singular } else { plural })
}

/// A rate as a percentage. Never `0 %` for something, never `100 %` for less than everything.
pub(crate) fn percent(rate: f64, population: u64) -> String {
    format!("{} %", percent_number(rate, population))
}

/// An interval as `12 to 24 %`.
pub(crate) fn percent_range(interval: Interval, population: u64) -> String {
    let low = percent_number(interval.low, population);
    let high = percent_number(interval.high, population);
    if low == high { format!("{high} %") } else { format!("{low} to {high} %") }
}

fn percent_number(rate: f64, population: u64) -> String {
    if rate.is_nan() {
        return "?".to_owned();
    }
    let rate = rate.clamp(0.0, 1.0);
    if rate == 0.0 {
        return "0".to_owned();
    }
    if rate >= 1.0 {
        return "100".to_owned();
    }
    let percentage = rate * 100.0;
    if population >= FINE_POPULATION && percentage < 9.95 {
        return if percentage < 0.1 {
            "<0.1".to_owned()
        } else {
            trim_zero(format!("{:.1}", (percentage * 10.0).round() / 10.0))
        };
    }
    if percentage < 1.0 {
        "<1".to_owned()
    } else if percentage > 99.0 {
        ">99".to_owned()
    } else {
        format!("{:.0}", percentage.round())
    }
}

fn trim_zero(number: String) -> String {
    match number.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => number,
    }
}

/// The share of two counts; 0 of an empty whole.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A rate in words, for readers who do not think in percentages. `None` where words would not help.
pub(crate) fn in_words(rate: f64) -> Option<String> {
    const NUMBERS: [&str; 9] = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    if rate.is_nan() || rate <= 0.0 {
        return None;
    }
    let words = match rate {
        r if r >= 1.0 => "every one",
        r if r >= 0.9 => "nearly every one",
        r if r >= 0.775 => "about four in five",
        r if r >= 0.71 => "about three in four",
        r if r >= 0.58 => "about two in three",
        r if r >= 0.45 => "about half",
        r if r >= 0.37 => "about two in five",
        r => {
            let one_in = (1.0 / r).round();
            let text = NUMBERS.iter().zip(2_u32..).find(|(_, n)| f64::from(*n) == one_in);
            return match text {
                Some((word, _)) => Some(format!("about one in {word}")),
                None if one_in <= 200.0 => Some(format!("about one in {one_in:.0}")),
                None => None,
            };
        }
    };
    Some(words.to_owned())
}

/// A lift as `3.8 times the average`; `None` when it is not a number to show.
pub(crate) fn lift(value: f64) -> Option<String> {
    if !value.is_finite() || value < 0.0 {
        return None;
    }
    let text = if value < 9.95 { trim_zero(format!("{value:.1}")) } else { format!("{value:.0}") };
    Some(format!("{text} times the average"))
}

/// A p-value as `p < 0.001` or `p = 0.02`; `None` when it is not a number.
pub(crate) fn p_value(value: f64) -> Option<String> {
    if value.is_nan() {
        None
    } else if value < 0.001 {
        Some("p < 0.001".to_owned())
    } else if value < 0.01 {
        Some(format!("p = {value:.3}"))
    } else {
        Some(format!("p = {:.2}", value.min(1.0)))
    }
}

/// Wall time: `840 ms`, `2.3 s`, `4 min 12 s`, `1 h 5 min`.
pub(crate) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{} s", trim_zero(format!("{seconds}.{}", milliseconds % 1_000 / 100))),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", grouped(seconds / 3_600), seconds % 3_600 / 60),
    }
}

/// Date, time and zone of an RFC 3339 text; `None` when it has another shape.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let shape = |part: &str, pattern: &str| {
        part.len() == pattern.len()
            && part
                .bytes()
                .zip(pattern.bytes())
                .all(|(byte, wanted)| if wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted })
    };
    let (date, time) = (text.get(..10)?, text.get(11..16)?);
    if !shape(date, "0000-00-00") || !shape(time, "00:00") {
        return None;
    }
    let rest = text.get(16..)?;
    let zone = match rest.find(['Z', 'z', '+', '-']).map(|at| &rest[at..]) {
        Some("Z" | "z" | "+00:00" | "-00:00") | None => "UTC",
        Some(offset) if shape(&offset[1..], "00:00") => offset,
        Some(_) => return None,
    };
    Some((date, time, zone))
}

/// An RFC 3339 time as `2026-03-12 14:05 UTC`. Another text is given back as it is.
pub(crate) fn moment(text: &str) -> String {
    match parts(text) {
        Some((date, time, zone)) => format!("{date} {time} {zone}"),
        None => text.to_owned(),
    }
}

/// A span of time as two dates, or as two times of one day.
pub(crate) fn period(first: &str, last: &str) -> String {
    match (parts(first), parts(last)) {
        (Some((first_date, first_time, zone)), Some((last_date, last_time, last_zone)))
            if first_date == last_date && zone == last_zone =>
        {
            format!("{first_date}, {first_time} to {last_time} {zone}")
        }
        (Some((first_date, ..)), Some((last_date, ..))) => format!("{first_date} to {last_date}"),
        _ => format!("{} to {}", moment(first), moment(last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_agree_with_their_noun() {
        assert_eq!([0, 7, 999, 1_000, 3_818, 1_234_567].map(grouped), ["0", "7", "999", "1,000", "3,818", "1,234,567"]);
        assert_eq!(counted(1, "run", "runs"), "1 run");
        assert_eq!(counted(3_818, "run", "runs"), "3,818 runs");
    }

    #[test]
    fn percentages_are_as_fine_as_the_population_allows() {
        let small = |rate| percent(rate, 150);
        assert_eq!(small(13.0 / 150.0), "9 %");
        assert_eq!(small(14.0 / 112.0), "13 %");
        assert_eq!(small(0.0), "0 %");
        assert_eq!(small(0.004), "<1 %");
        assert_eq!(small(0.996), ">99 %");
        assert_eq!(small(1.0), "100 %");
        assert_eq!(small(f64::NAN), "? %");
        let large = |rate| percent(rate, 100_000);
        assert_eq!(large(0.0004), "<0.1 %");
        assert_eq!(large(0.004), "0.4 %");
        assert_eq!(large(0.02), "2 %");
        assert_eq!(large(0.0867), "8.7 %");
        assert_eq!(large(0.41), "41 %");
        assert_eq!(percent_range(Interval { low: 0.12, high: 0.24 }, 150), "12 to 24 %");
        assert_eq!(percent_range(Interval { low: 0.001, high: 0.04 }, 150), "<1 to 4 %");
        assert_eq!(percent_range(Interval { low: 0.001, high: 0.002 }, 150), "<1 %");
    }

    #[test]
    fn rates_in_words() {
        let words: Vec<_> = [1.0, 0.95, 0.5, 0.34, 0.17, 0.02, 0.0001, 0.0].map(in_words).into();
        let expected = [
            Some("every one"),
            Some("nearly every one"),
            Some("about half"),
            Some("about one in three"),
            Some("about one in six"),
            Some("about one in 50"),
            None,
            None,
        ];
        assert_eq!(words, expected.map(|text| text.map(ToOwned::to_owned)));
    }

    #[test]
    fn lifts_and_p_values() {
        assert_eq!(lift(3.75).as_deref(), Some("3.8 times the average"));
        assert_eq!(lift(2.0).as_deref(), Some("2 times the average"));
        assert_eq!(lift(41.6).as_deref(), Some("42 times the average"));
        assert_eq!(lift(f64::INFINITY), None);
        assert_eq!(
            [0.000_1, 0.004, 0.2, 7.0].map(|p| p_value(p).unwrap_or_default()),
            ["p < 0.001", "p = 0.004", "p = 0.20", "p = 1.00"]
        );
    }

    #[test]
    fn times_are_short() {
        assert_eq!(moment("2026-03-12T14:05:33.120Z"), "2026-03-12 14:05 UTC");
        assert_eq!(moment("2026-03-12T14:05:33+02:00"), "2026-03-12 14:05 +02:00");
        assert_eq!(moment("last tuesday"), "last tuesday");
        assert_eq!(period("2026-03-02T08:00:00Z", "2026-03-14T09:30:00Z"), "2026-03-02 to 2026-03-14");
        assert_eq!(period("2026-03-02T08:00:00Z", "2026-03-02T09:30:00Z"), "2026-03-02, 08:00 to 09:30 UTC");
        assert_eq!(
            [840, 2_340, 2_000, 252_000, 3_900_000].map(duration),
            ["840 ms", "2.3 s", "2 s", "4 min 12 s", "1 h 5 min"]
        );
    }
}
