//! Times as exporters write them, to nanoseconds since 1970.

use crate::json::{Json, JsonKind};

/// Reads a time: RFC 3339 text, a civil time without zone (taken as UTC), or a number since 1970 whose unit its size tells.
/// `Ok(None)` when there is none (null, empty, 0, which is how OTLP says unset).
pub(crate) fn parse_time(value: Json<'_, '_>) -> Result<Option<i64>, String> {
    match value.kind() {
        JsonKind::Null => Ok(None),
        JsonKind::Int(number) => from_number(number),
        JsonKind::Float(number) => from_float(number),
        JsonKind::Text(text) => from_text(text.trim()),
        _ => Err(format!("{} is no time", value.type_name())),
    }
}

fn from_number(number: i64) -> Result<Option<i64>, String> {
    match number {
        0 => Ok(None),
        ..0 => Err(format!("{number} is no time")),
        _ => number.checked_mul(unit(number)).map(Some).ok_or_else(|| format!("{number} is no time")),
    }
}

/// Nanoseconds of the unit that a number since 1970 counts, by its size.
fn unit(number: i64) -> i64 {
    match number {
        ..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1000,
        _ => 1,
    }
}

/// A number with a fraction, in any unit: clocks of browsers count milliseconds with one.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "saturates, and the range is checked")]
fn from_float(number: f64) -> Result<Option<i64>, String> {
    let whole = number.trunc() as i64;
    if number == 0.0 {
        return Ok(None);
    }
    if number < 0.0 || number >= i64::MAX as f64 {
        return Err(format!("{number} is no time"));
    }
    let unit = unit(whole);
    let fraction = (number.fract() * unit as f64) as i64;
    let nanoseconds = whole.checked_mul(unit).and_then(|whole| whole.checked_add(fraction));
    nanoseconds.map(Some).ok_or_else(|| format!("{number} is no time"))
}

fn from_text(text: &str) -> Result<Option<i64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(time) = usual_time(text) {
        return Ok(Some(time));
    }
    if let Ok(number) = text.parse::<i64>() {
        return from_number(number);
    }
    let timestamp = text.parse::<jiff::Timestamp>().or_else(|error| {
        let civil = text.parse::<jiff::civil::DateTime>().map_err(|_| error)?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
    });
    let nanoseconds = timestamp.ok().and_then(|timestamp| i64::try_from(timestamp.as_nanosecond()).ok());
    let shown: String = text.chars().take(40).collect();
    nanoseconds.map(Some).ok_or_else(|| format!("\"{shown}\" is no time (RFC 3339 such as 2026-05-01T08:00:00Z)"))
}

/// A time as nearly all exporters write it, `2026-05-01T08:00:00.123456Z`, from 1970 on. `None` of any other, which a calendar reads.
fn usual_time(text: &str) -> Option<i64> {
    let bytes = text.strip_suffix('Z')?.as_bytes();
    let (head, fraction) = bytes.split_at_checked(19)?;
    let number = |digits: &[u8]| {
        let digit = |number: i64, byte: &u8| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'));
        digits.iter().try_fold(0, digit)
    };
    let signs = [head[4], head[7], head[10], head[13], head[16]];
    let (year, month, day) = (number(&head[..4])?, number(&head[5..7])?, number(&head[8..10])?);
    let (hour, minute, second) = (number(&head[11..13])?, number(&head[14..16])?, number(&head[17..])?);
    // A day that not every month has, and a leap second, are for the calendar.
    let is_usual = signs == *b"--T::"
        && (1970..2262).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && (hour, minute, second) < (24, 0, 0)
        && minute < 60
        && second < 60;
    let nanoseconds = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            number(digits)? * 10_i64.pow(9 - u32::try_from(digits.len()).ok()?)
        }
        _ => return None,
    };
    let seconds = (days_since_1970(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    is_usual.then(|| seconds * 1_000_000_000 + nanoseconds)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. A year is counted from March, so that the leap day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469
}

/// A time as RFC 3339 with nanoseconds, the form of HALO's flat lines.
pub(crate) fn format_time(nanoseconds: i64) -> String {
    let timestamp = jiff::Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{timestamp:.9}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<Option<i64>, String> {
        let mut bytes = json.as_bytes().to_vec();
        let tape = simd_json::to_tape(&mut bytes).unwrap();
        parse_time(Json::of(&tape.0))
    }

    proptest::proptest! {
        #[test]
        fn the_usual_form_is_what_the_calendar_says(seconds in -100_000_000..9_300_000_000_i64, nanoseconds in 0..1_000_000_000_i32, digits in 0..10_usize) {
            let timestamp = jiff::Timestamp::new(seconds, nanoseconds).unwrap();
            let mut text = format!("{timestamp:.9}");
            text.truncate(if digits == 0 { 19 } else { 20 + digits });
            text.push('Z');
            let expected = text.parse::<jiff::Timestamp>().ok().and_then(|time| i64::try_from(time.as_nanosecond()).ok());
            if let Some(time) = usual_time(&text) {
                proptest::prop_assert_eq!(Some(time), expected, "{}", text);
            }
            let day: u32 = text[8..10].parse().unwrap();
            let year: i32 = text[..4].parse().unwrap();
            proptest::prop_assert_eq!(usual_time(&text).is_some(), day <= 28 && (1970..2262).contains(&year), "{}", text);
        }

        #[test]
        fn what_the_calendar_refuses_is_no_usual_time(text in "(19|20|00)[0-9]{2}[-0-9][0-9]{2}-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?Z?") {
            let read = text.parse::<jiff::Timestamp>().ok().and_then(|time| i64::try_from(time.as_nanosecond()).ok());
            if let Some(time) = usual_time(&text) {
                proptest::prop_assert_eq!(Some(time), read, "{}", text);
            }
        }
    }

    #[test]
    fn the_forms_in_use() {
        let second = 1_718_000_004_000_000_000;
        for json in [
            "\"2024-06-10T06:13:24Z\"",
            "\"2024-06-10T08:13:24+02:00\"",
            "\"2024-06-10 06:13:24\"",
            "\"1718000004000000000\"",
            "1718000004000000000",
            "1718000004000000",
            "1718000004000",
            "1718000004",
            "1718000004.0",
        ] {
            assert_eq!(check(json), Ok(Some(second)), "{json}");
        }
        for json in ["null", "\"\"", "0", "\"0\""] {
            assert_eq!(check(json), Ok(None), "{json}");
        }
        for json in ["\"yesterday\"", "-5", "true", "{}", "\"9999-12-31T00:00:00Z\""] {
            assert!(check(json).is_err(), "{json}");
        }
        assert_eq!(format_time(second + 7), "2024-06-10T06:13:24.000000007Z");
    }
}
