//! How much a call of a function makes, told from its arguments before it makes it.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};
use regex::Regex;

use crate::cell;

/// Functions whose result may be much longer than what goes in, or that take much longer than reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Growth {
    /// All arguments one after the other, in each row.
    Joined,
    /// The first between all others.
    Separated,
    /// The first as often as the second says.
    Repeated,
    /// As long as the second says, filled with the third.
    Filled,
    /// From the first to the second by the third.
    Counted,
    /// The first, with the second between its items and the third for those that are null.
    Listed,
    /// The third for each occurrence of the second in the first.
    Replaced,
    /// The third for each match of the second in the first.
    Rewritten,
    /// Nothing much, after comparing each character of the first with each of the second.
    Compared,
    /// Nothing much, after a search for a pattern.
    Searched,
    /// A part of the first, which would hold on to all of it, and to what that was read from.
    Cut,
}

/// Names of the functions, and how they grow.
pub(crate) const GROWING: &[(&str, Growth)] = &[
    ("repeat", Growth::Repeated),
    ("array_repeat", Growth::Repeated),
    ("lpad", Growth::Filled),
    ("rpad", Growth::Filled),
    ("array_resize", Growth::Filled),
    ("range", Growth::Counted),
    ("generate_series", Growth::Counted),
    ("concat", Growth::Joined),
    (super::concat::NAME, Growth::Joined),
    ("concat_ws", Growth::Separated),
    ("make_array", Growth::Joined),
    ("array_append", Growth::Joined),
    ("array_prepend", Growth::Joined),
    ("array_concat", Growth::Joined),
    ("overlay", Growth::Joined),
    ("struct", Growth::Joined),
    ("named_struct", Growth::Joined),
    ("array_to_string", Growth::Listed),
    ("replace", Growth::Replaced),
    ("regexp_replace", Growth::Rewritten),
    ("levenshtein", Growth::Compared),
    ("regexp_match", Growth::Searched),
    ("regexp_count", Growth::Searched),
    ("regexp_instr", Growth::Searched),
    ("regexp_like", Growth::Searched),
    ("json_matches", Growth::Searched),
    ("error_signature", Growth::Searched),
    ("excerpt", Growth::Searched),
    ("similarity", Growth::Searched),
    ("diff_lines", Growth::Searched),
    ("arguments_fault", Growth::Searched),
    ("json_at", Growth::Searched),
    ("json_leaves", Growth::Searched),
    ("token_estimate", Growth::Searched),
    ("left", Growth::Cut),
    ("right", Growth::Cut),
    ("substr", Growth::Cut),
    ("split_part", Growth::Cut),
    ("btrim", Growth::Cut),
    ("ltrim", Growth::Cut),
    ("rtrim", Growth::Cut),
];

/// The arguments of a call, a row at a time.
pub(super) struct Arguments {
    columns: Vec<(ArrayRef, bool)>,
    pub(super) rows: usize,
}

impl Arguments {
    pub(super) fn of(args: &ScalarFunctionArgs) -> Result<Self> {
        let column = |arg: &ColumnarValue| match arg {
            ColumnarValue::Array(array) => Ok((array.clone(), false)),
            ColumnarValue::Scalar(value) => Ok((value.to_array_of_size(1)?, true)),
        };
        Ok(Self { columns: args.args.iter().map(column).collect::<Result<_>>()?, rows: args.number_rows })
    }

    /// Bytes of an argument in a row; of a list, of all its items.
    pub(super) fn bytes(&self, argument: usize, row: usize) -> u64 {
        self.columns.get(argument).map_or(0, |(array, constant)| {
            let row = if *constant { 0 } else { row };
            match array.data_type() {
                // Items of a fixed width need no look.
                DataType::List(item) if item.data_type().is_primitive() && array.is_valid(row) => {
                    u64::from(array.as_list::<i32>().value_length(row).unsigned_abs()) * 8
                }
                _ => cell::bytes(array, row) as u64,
            }
        })
    }

    fn items(&self, argument: usize, row: usize) -> u64 {
        self.columns.get(argument).map_or(0, |(array, constant)| {
            let row = if *constant { 0 } else { row };
            match array.data_type() {
                DataType::List(_) if array.is_valid(row) => {
                    array.as_list::<i32>().value_length(row).unsigned_abs().into()
                }
                _ => 1,
            }
        })
    }

    /// An argument as numbers, one a row; rows without one give 0.
    fn numbers(&self, argument: usize, to: &DataType) -> Option<impl Fn(usize) -> i64 + use<>> {
        let (array, constant) = self.columns.get(argument)?;
        let numbers = cast(&cast(array, to).ok()?, &DataType::Int64).ok()?;
        let constant = *constant;
        Some(move |row| {
            let row = if constant { 0 } else { row };
            if numbers.is_null(row) { 0 } else { numbers.as_primitive::<Int64Type>().value(row) }
        })
    }

    fn text(&self, argument: usize, row: usize) -> Option<std::borrow::Cow<'_, str>> {
        let (array, constant) = self.columns.get(argument)?;
        cell::text(array, if *constant { 0 } else { row })
    }
}

impl Growth {
    /// Bytes that a call makes, or more; what is beyond `enough` need not be told.
    pub(super) fn bytes(self, args: &Arguments, enough: u64) -> Result<u64> {
        let sum = |bytes: &dyn Fn(usize) -> u64| (0..args.rows).map(bytes).fold(0, u64::saturating_add);
        Ok(match self {
            Self::Joined => sum(&|row| (0..args.columns.len()).map(|argument| args.bytes(argument, row)).sum()),
            Self::Separated => sum(&|row| {
                let others: u64 = (1..args.columns.len()).map(|argument| args.bytes(argument, row)).sum();
                others.saturating_add(args.bytes(0, row).saturating_mul(args.columns.len() as u64))
            }),
            Self::Repeated => {
                let Some(times) = args.numbers(1, &DataType::Int64) else { return Ok(0) };
                sum(&|row| args.bytes(0, row).saturating_mul(times(row).max(0).unsigned_abs()))
            }
            Self::Filled => {
                let Some(length) = args.numbers(1, &DataType::Int64) else { return Ok(0) };
                // A character, or an item, has as many bytes as that which fills up at most.
                sum(&|row| length(row).max(0).unsigned_abs().saturating_mul(args.bytes(2, row).clamp(1, 8)))
            }
            Self::Counted => counted(args),
            Self::Listed => sum(&|row| {
                args.bytes(0, row).saturating_add(
                    args.items(0, row).saturating_mul(args.bytes(1, row).saturating_add(args.bytes(2, row))),
                )
            }),
            Self::Replaced => sum(&|row| replaced(args, row)),
            Self::Rewritten => rewritten(args, enough)?,
            Self::Compared | Self::Searched | Self::Cut => 0,
        })
    }

    /// Steps that the rows of a call take, where that is more than their bytes.
    pub(super) fn steps(self, args: &Arguments, row: usize) -> u64 {
        match self {
            Self::Compared => args.bytes(0, row).saturating_mul(args.bytes(1, row)),
            _ => args.bytes(0, row),
        }
    }
}

fn counted(args: &Arguments) -> u64 {
    let date =
        |array: &ArrayRef| matches!(array.data_type(), DataType::Timestamp(..) | DataType::Date32 | DataType::Date64);
    let dates = args.columns.iter().any(|(array, _)| date(array));
    let to = if dates { DataType::Timestamp(TimeUnit::Nanosecond, None) } else { DataType::Int64 };
    let (first, second) = (args.numbers(0, &to), args.numbers(1, &to));
    let step = |row: usize| -> i64 {
        let Some((array, constant)) = args.columns.get(2) else { return 1 };
        let row = if *constant { 0 } else { row };
        if array.data_type() == &DataType::Interval(IntervalUnit::MonthDayNano) && array.is_valid(row) {
            let step = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            let days = i64::from(step.months) * 28 + i64::from(step.days);
            return days.saturating_mul(86_400_000_000_000).saturating_add(step.nanoseconds);
        }
        args.numbers(2, &DataType::Int64).map_or(1, |numbers| numbers(row))
    };
    let count = |row: usize| {
        // With one argument, that is the end.
        let (from, to) = match (&first, &second) {
            (Some(first), Some(second)) => (first(row), second(row)),
            (Some(first), None) => (0, first(row)),
            _ => return 0,
        };
        let step = step(row);
        if step == 0 || (to < from) == (step > 0) { 0 } else { from.abs_diff(to) / step.unsigned_abs() }
    };
    (0..args.rows).map(count).fold(0, u64::saturating_add).saturating_mul(8)
}

fn replaced(args: &Arguments, row: usize) -> u64 {
    let (text, from, to) = (args.bytes(0, row), args.bytes(1, row).max(1), args.bytes(2, row));
    if to <= from || text.saturating_mul(to) < 1024 * 1024 {
        return text;
    }
    let (Some(text), Some(from)) = (args.text(0, row), args.text(1, row)) else { return 0 };
    (text.len() as u64).saturating_add((text.matches(from.as_ref()).count() as u64).saturating_mul(to))
}

fn rewritten(args: &Arguments, enough: u64) -> Result<u64> {
    let mut bytes = 0_u64;
    let mut known: Option<(String, Regex)> = None;
    for row in 0..args.rows {
        let (text, to) = (args.bytes(0, row), args.bytes(2, row));
        let (Some(pattern), Some(with)) = (args.text(1, row), args.text(2, row)) else { continue };
        // Each mention of a group writes out what matched.
        let groups = with.matches(['\\', '$']).count() as u64;
        let most = text.saturating_mul(groups + 1);
        bytes = bytes.saturating_add(most);
        if text.saturating_mul(to) < 1024 * 1024 {
            continue;
        }
        if known.as_ref().is_none_or(|(known, _)| *known != pattern) {
            let compiled = crate::pattern::compile(&pattern).map_err(|error| exec_datafusion_err!("{error}"))?;
            known = Some((pattern.into_owned(), compiled));
        }
        let every = args.text(3, row).is_some_and(|flags| flags.contains('g'));
        if let (Some((_, regex)), Some(text)) = (&known, args.text(0, row)) {
            let most = if every { usize::try_from(enough / to.max(1)).unwrap_or(usize::MAX) } else { 0 };
            let matches = regex.find_iter(&text).take(most.saturating_add(1)).count() as u64;
            bytes = bytes.saturating_add(matches.saturating_mul(to));
        }
    }
    Ok(bytes)
}
