//! How long to wait before a request is sent again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use jiff::Timestamp;

/// Full-jitter exponential back-off with an upper bound, and `Retry-After` where the endpoint names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Requests in a row that may fail before the model counts as unavailable. This is the circuit breaker.
    pub attempts_max: u32,
    /// Upper bound of the first wait; doubles with each further one.
    pub wait_first: Duration,
    /// Upper bound of any wait that the endpoint did not ask for.
    pub wait_max: Duration,
    /// Upper bound of a wait that the endpoint asked for.
    pub retry_after_max: Duration,
}

impl RetryPolicy {
    /// Ten requests within a minute or so, more when the endpoint asks for patience.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            attempts_max: 10,
            wait_first: Duration::from_millis(500),
            wait_max: Duration::from_secs(30),
            retry_after_max: Duration::from_secs(120),
        }
    }

    /// The wait after failed attempt `attempt` (from 1), `fraction` within 0..=1 being the dice.
    ///
    /// Without jitter all clients of a recovering endpoint come back at the same moment. A wait that the endpoint named
    /// is kept in full, and the jitter comes on top of it.
    pub(crate) fn wait(&self, attempt: u32, retry_after: Option<Duration>, fraction: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(20);
        let bound = self.wait_first.saturating_mul(1_u32 << doublings).min(self.wait_max);
        match retry_after {
            Some(asked) => asked.min(self.retry_after_max) + self.wait_first.min(self.wait_max).mul_f64(fraction),
            None => bound.mul_f64(fraction),
        }
    }
}

/// A number within 0..1 that differs from call to call. Jitter needs no better dice than the standard library's hash seeds.
pub(crate) fn random_fraction() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit into the mantissa")]
    let bits = bits as f64;
    bits / (1_u64 << 53) as f64
}

/// Reads a `Retry-After` value: seconds, or a date as HTTP writes it. A date in the past is no wait at all.
pub(crate) fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound() {
        let policy = RetryPolicy::standard();
        let waits: Vec<u128> = (1..=9).map(|n| policy.wait(n, None, 1.0).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
        assert_eq!(policy.wait(u32::MAX, None, 0.5), Duration::from_secs(15));
        assert_eq!(policy.wait(3, None, 0.0), Duration::ZERO);
    }

    #[test]
    fn what_the_endpoint_asks_for_is_kept_within_reason() {
        let policy = RetryPolicy::standard();
        assert_eq!(policy.wait(1, Some(Duration::from_secs(7)), 0.0), Duration::from_secs(7));
        assert_eq!(policy.wait(1, Some(Duration::from_secs(7)), 1.0), Duration::from_millis(7500));
        assert_eq!(policy.wait(1, Some(Duration::from_secs(86_400)), 0.0), Duration::from_secs(120));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        let check = |value: &str, expected: Option<u64>| {
            assert_eq!(parse_retry_after(value, now), expected.map(Duration::from_millis), "{value}");
        };
        check("7", Some(7_000));
        check(" 0.25 ", Some(250));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(7_000));
        check("Sun, 06 Nov 1994 08:49:20 GMT", Some(0));
        check("-3", None);
        check("soon", None);
    }

    #[test]
    fn the_dice_stay_in_range_and_move() {
        let rolls: Vec<f64> = (0..100).map(|_| random_fraction()).collect();
        assert!(rolls.iter().all(|roll| (0.0..1.0).contains(roll)));
        assert!(rolls.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
