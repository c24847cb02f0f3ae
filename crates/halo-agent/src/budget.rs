//! The budget of a run: tokens, money and time that all its agents share. What a request may cost is set aside before it is sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use halo_protocol::Usage;

use crate::model::Price;

/// Tokens a reply is taken to have until it is there, when nothing bounds it.
pub(crate) const OUTPUT_TOKENS_ASSUMED: u64 = 2_000;

/// How long before the end of its time a run stops working and asks for its answer: a tenth, within these bounds.
const CLOSING_TIME_MIN: Duration = Duration::from_secs(2);
const CLOSING_TIME_MAX: Duration = Duration::from_secs(90);

/// What a run may spend. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Input and output tokens of all requests together.
    pub tokens: Option<u64>,
    /// US dollars, by the prices of the models.
    pub cost_usd: Option<f64>,
    /// Wall time, of all parts of a resumed run together.
    pub time: Option<Duration>,
}

/// The part of a budget that is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spent {
    Tokens,
    Money,
    Time,
}

impl Spent {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Money => "money",
            Self::Time => "time",
        }
    }
}

/// Shared by all agents of a run; clones are one budget.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    limits: Limits,
    began: Instant,
    /// What earlier parts of the run took.
    earlier: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    spent: Cost,
    reserved: Cost,
    /// Kept back for the turn in which the root gives its answer.
    closing: Cost,
}

/// Tokens and money.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) tokens: u64,
    pub(crate) usd: f64,
}

impl Cost {
    pub(crate) fn of(usage: &Usage, price: Option<Price>) -> Self {
        Self { tokens: usage.total_tokens(), usd: price.map_or(0.0, |price| price.of(usage)) }
    }

    /// What a request with so much input and output comes to.
    pub(crate) fn estimate(input_tokens: u64, output_tokens: u64, price: Option<Price>) -> Self {
        Self::of(&Usage { input_tokens, output_tokens, ..Usage::default() }, price)
    }

    fn plus(self, other: Self) -> Self {
        Self { tokens: self.tokens + other.tokens, usd: self.usd + other.usd }
    }

    fn minus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_sub(other.tokens), usd: (self.usd - other.usd).max(0.0) }
    }
}

/// Whether a request may use what is kept back for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// All but what is kept back.
    Work,
    /// That too.
    Closing,
}

/// What was set aside for one request. Given back when it is dropped without having been settled.
#[derive(Debug)]
pub(crate) struct Reservation {
    state: Arc<Mutex<State>>,
    cost: Cost,
}

impl Budget {
    pub(crate) fn new(limits: Limits, spent: Cost, earlier: Duration) -> Self {
        let state = State { spent, ..State::default() };
        Self { limits, began: Instant::now(), earlier, state: Arc::new(Mutex::new(state)) }
    }

    /// Sets the cost of a request aside.
    pub(crate) fn reserve(&self, cost: Cost, share: Share) -> Result<Reservation, Spent> {
        if share == Share::Work && self.closing_in().is_some_and(|left| left.is_zero()) {
            return Err(Spent::Time);
        }
        let mut state = self.lock();
        let kept = match share {
            Share::Work => state.closing,
            Share::Closing => Cost::default(),
        };
        let taken = state.spent.plus(state.reserved).plus(cost).plus(kept);
        // The answer is always asked for once, also when it exceeds what is left: a run without one was paid for in vain.
        if share == Share::Work {
            if self.limits.tokens.is_some_and(|limit| taken.tokens > limit) {
                return Err(Spent::Tokens);
            }
            if self.limits.cost_usd.is_some_and(|limit| taken.usd > limit) {
                return Err(Spent::Money);
            }
        }
        state.reserved = state.reserved.plus(cost);
        Ok(Reservation { state: Arc::clone(&self.state), cost })
    }

    /// Keeps back what the root's last turn will cost, as far as it can be told by now.
    pub(crate) fn keep_for_closing(&self, cost: Cost) {
        self.lock().closing = cost;
    }

    /// Share of the budget that is spent, 0 to 1, of the part that is spent furthest, and which that is. `None` without limits.
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub(crate) fn used(&self) -> Option<(f64, Spent)> {
        let spent = self.lock().spent;
        let tokens = self.limits.tokens.map(|limit| (spent.tokens as f64 / limit.max(1) as f64, Spent::Tokens));
        let money = self.limits.cost_usd.map(|limit| (spent.usd / limit.max(1e-9), Spent::Money));
        let elapsed = self.earlier + self.began.elapsed();
        let time = self.limits.time.map(|limit| (elapsed.as_secs_f64() / limit.as_secs_f64().max(1e-9), Spent::Time));
        [tokens, money, time].into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Time until work must stop for the answer; `None` without a limit.
    pub(crate) fn closing_in(&self) -> Option<Duration> {
        let limit = self.limits.time?;
        let closing = (limit / 10).clamp(CLOSING_TIME_MIN.min(limit / 2), CLOSING_TIME_MAX);
        Some(limit.saturating_sub(closing).saturating_sub(self.elapsed()))
    }

    /// Time until everything must stop; `None` without a limit.
    pub(crate) fn ends_in(&self) -> Option<Duration> {
        Some(self.limits.time?.saturating_sub(self.elapsed()))
    }

    /// What all requests came to, in US dollars.
    pub(crate) fn spent_usd(&self) -> f64 {
        self.lock().spent.usd
    }

    fn elapsed(&self) -> Duration {
        self.earlier + self.began.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Puts what the request came to in the place of what was set aside.
    pub(crate) fn settle(self, cost: Cost) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.spent = state.spent.plus(cost);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.reserved = state.reserved.minus(self.cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(tokens: u64) -> Budget {
        let limits = Limits { tokens: Some(tokens), ..Limits::default() };
        Budget::new(limits, Cost::default(), Duration::ZERO)
    }

    fn cost(tokens: u64) -> Cost {
        Cost { tokens, usd: 0.0 }
    }

    #[test]
    fn what_is_set_aside_cannot_be_spent_twice() {
        let budget = budget(1_000);
        let first = budget.reserve(cost(600), Share::Work).unwrap();
        assert_eq!(budget.reserve(cost(600), Share::Work).unwrap_err(), Spent::Tokens);
        drop(first);
        let second = budget.reserve(cost(600), Share::Work).unwrap();
        second.settle(cost(300));
        assert_eq!(budget.used(), Some((0.3, Spent::Tokens)));
        assert!(budget.reserve(cost(700), Share::Work).is_ok(), "only what was spent counts");
        assert_eq!(budget.reserve(cost(701), Share::Work).unwrap_err(), Spent::Tokens);
    }

    #[test]
    fn the_answer_has_its_share() {
        let budget = budget(1_000);
        budget.keep_for_closing(cost(300));
        assert_eq!(budget.reserve(cost(701), Share::Work).unwrap_err(), Spent::Tokens);
        budget.reserve(cost(700), Share::Work).unwrap().settle(cost(700));
        budget.reserve(cost(300), Share::Closing).unwrap().settle(cost(300));
        assert!(budget.reserve(cost(10), Share::Closing).is_ok(), "the answer is asked for in any case");
    }

    #[test]
    fn money_counts_by_the_price() {
        let limits = Limits { cost_usd: Some(1.0), ..Limits::default() };
        let budget = Budget::new(limits, Cost::default(), Duration::ZERO);
        let price = Some(Price { input: 1.0, cached_input: 0.1, output: 10.0 });
        let cost = Cost::estimate(500_000, 50_000, price);
        assert!((cost.usd - 1.0).abs() < 1e-9);
        budget.reserve(cost, Share::Work).unwrap().settle(cost);
        assert_eq!(budget.reserve(Cost { tokens: 0, usd: 0.01 }, Share::Work).unwrap_err(), Spent::Money);
        assert!((budget.spent_usd() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn time_of_earlier_parts_counts() {
        let limits = Limits { time: Some(Duration::from_secs(100)), ..Limits::default() };
        let budget = Budget::new(limits, Cost::default(), Duration::from_secs(95));
        assert_eq!(budget.closing_in(), Some(Duration::ZERO));
        assert!(budget.ends_in().unwrap() > Duration::from_secs(4));
        assert_eq!(budget.reserve(cost(1), Share::Work).unwrap_err(), Spent::Time);
        assert!(budget.reserve(cost(1), Share::Closing).is_ok());
    }
}
