//! Tokens and costs. halo's `input_tokens` include cached tokens and its `output_tokens` reasoning, whatever a convention counts.

use super::{Held, Mapped};
use crate::attributes::Value;
use crate::conventions::{Convention, Field};

/// Above this, doubles are no longer whole numbers one by one; no token count is near it.
const LARGEST: i64 = 1 << 53;

/// A value as a count: a whole number that is not negative, written as an integer, a float or a text.
pub(super) fn count_of(value: Value<'_>) -> Option<i64> {
    let whole = |number: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "checked: whole, and far from the limits")]
        let count = number as i64;
        (number.is_finite() && number.fract() == 0.0 && number.abs() < 9e15).then_some(count)
    };
    let count = match value {
        Value::Int(value) => Some(value),
        Value::Float(value) => whole(value),
        Value::Text(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)),
        _ => None,
    };
    count.filter(|count| (0..=LARGEST).contains(count))
}

/// A value as an amount of money: a finite number that is not negative.
pub(super) fn amount_of(value: Value<'_>) -> Option<f64> {
    let amount = match value {
        #[expect(clippy::cast_precision_loss, reason = "a cost in whole dollars")]
        Value::Int(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        Value::Text(text) => text.trim().trim_start_matches('$').parse().ok(),
        _ => None,
    };
    #[expect(clippy::cast_precision_loss, reason = "a limit")]
    amount.filter(|amount: &f64| amount.is_finite() && (0.0..=LARGEST as f64).contains(amount))
}

impl Mapped<'_, '_> {
    fn count(&self, field: Field) -> Option<i64> {
        match &self.found[field as usize].as_ref()?.held {
            Held::Value(value) => count_of(*value),
            Held::Count(count) => Some(*count),
            Held::Amount(_) | Held::Text(_) => None,
        }
    }

    fn amount(&self, field: Field) -> Option<f64> {
        match &self.found[field as usize].as_ref()?.held {
            Held::Value(value) => amount_of(*value),
            Held::Amount(amount) => Some(*amount),
            Held::Count(_) | Held::Text(_) => None,
        }
    }

    /// Tokens of the prompt, cached ones included.
    pub(crate) fn input_tokens(&self) -> Option<i64> {
        let cached = self.cached_input_tokens().unwrap_or(0).saturating_add(self.cache_write_tokens().unwrap_or(0));
        let (said, uncached) = match self.count(Field::InputTokens) {
            Some(said) => (said, self.leaves_out(said, cached)),
            None => {
                let said = self.count(Field::UncachedInputTokens)?;
                (said, cached > said || !self.adds_up_to_total(said))
            }
        };
        Some(if uncached { said.saturating_add(cached) } else { said })
    }

    /// Whether a count that should include cached tokens doesn't, as raw usage of Anthropic's API.
    fn leaves_out(&self, said: i64, cached: i64) -> bool {
        let convention = self.found[Field::InputTokens as usize].as_ref().map(|slot| slot.convention);
        // The AI SDK hands Anthropic's count on until it says how its input divides (version 6).
        let vercel = self.from_anthropic
            && !self.divides_input
            && matches!(convention, Some(Convention::Vercel | Convention::OtelGenAi | Convention::OpenInference));
        let total = self.count(Field::TotalTokens).zip(self.output_tokens());
        let apart = total.is_some_and(|(total, output)| total == said.saturating_add(cached).saturating_add(output));
        // A part can't be larger than the whole.
        cached > 0 && (vercel || cached > said || apart)
    }

    /// Whether input and output alone give the total: nothing was counted beside them.
    fn adds_up_to_total(&self, input: i64) -> bool {
        let outputs = [self.count(Field::VisibleOutputTokens), self.output_tokens()];
        let total = self.count(Field::TotalTokens);
        total.is_some() && outputs.into_iter().flatten().any(|output| Some(input.saturating_add(output)) == total)
    }

    /// Tokens of the reply, reasoning included.
    pub(crate) fn output_tokens(&self) -> Option<i64> {
        self.count(Field::OutputTokens).or_else(|| {
            let visible = self.count(Field::VisibleOutputTokens)?;
            let reasoning = self.reasoning_tokens().unwrap_or(0);
            // Some count it in all the same: the total gives them away.
            let input = [self.count(Field::InputTokens), self.count(Field::UncachedInputTokens)].into_iter().flatten();
            let cached = self.cached_input_tokens().unwrap_or(0).saturating_add(self.cache_write_tokens().unwrap_or(0));
            let total = self.count(Field::TotalTokens);
            let within = |input: i64| {
                Some(input.saturating_add(visible)) == total
                    || Some(input.saturating_add(cached).saturating_add(visible)) == total
            };
            let included = reasoning <= visible && input.into_iter().any(within);
            Some(if included { visible } else { visible.saturating_add(reasoning) })
        })
    }

    /// Tokens of the prompt that came from a cache.
    pub(crate) fn cached_input_tokens(&self) -> Option<i64> {
        self.count(Field::CachedInputTokens)
    }

    /// Tokens of the prompt that went into a cache.
    pub(crate) fn cache_write_tokens(&self) -> Option<i64> {
        let parts = [self.count(Field::CacheWriteTokens), self.count(Field::CacheWriteTokens1h)];
        parts.into_iter().flatten().reduce(i64::saturating_add)
    }

    /// Tokens of the reply that were reasoning.
    pub(crate) fn reasoning_tokens(&self) -> Option<i64> {
        self.count(Field::ReasoningTokens)
    }

    /// The cost: the total as given, or the sum of its parts.
    pub(crate) fn cost(&self) -> Option<f64> {
        const PARTS: [Field; 5] =
            [Field::CostInput, Field::CostOutput, Field::CostCached, Field::CostCacheWrite, Field::CostReasoning];
        let sum = || PARTS.into_iter().filter_map(|field| self.amount(field)).reduce(|sum, part| sum + part);
        self.amount(Field::CostTotal).or_else(sum)
    }
}
