//! What models cost: a short list of public prices, and what the user says.

use std::collections::BTreeMap;

use halo_agent::Price;

const LIST: &str = include_str!("prices.toml");

/// The price of a model: what the user named, or that of the list; `None` when neither knows it.
pub(super) fn of(model: &str, named: &[(String, [f64; 3])]) -> Option<Price> {
    let listed = || {
        let list: BTreeMap<String, [f64; 3]> = toml::from_str(LIST).ok()?;
        // A gateway's name has the provider in front.
        let model = model.rsplit('/').next().unwrap_or(model);
        let known = list.into_iter().filter(|(name, _)| is_version_of(model, name));
        known.max_by_key(|(name, _)| name.len()).map(|(_, price)| price)
    };
    let found = named.iter().find(|(name, _)| name == model).map(|(_, price)| *price).or_else(listed);
    found.map(|[input, cached_input, output]| Price { input, cached_input, output })
}

/// Whether a model is the one of this name or a dated version of it: `gpt-5-mini` is no version of `gpt-5`.
fn is_version_of(model: &str, name: &str) -> bool {
    match model.strip_prefix(name) {
        Some("") => true,
        Some(rest) => {
            rest.strip_prefix(['-', '@', ':']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_prices() {
        let input = |model: &str| of(model, &[("mine".to_owned(), [9.0, 9.0, 9.0])]).map(|price| price.input);
        assert_eq!(input("gpt-5.4-mini"), Some(0.75));
        assert_eq!(input("gpt-5.4-mini-2026-03-17"), Some(0.75));
        assert_eq!(input("openai/gpt-5"), Some(1.25));
        assert_eq!(input("gpt-5-2025-08-07"), Some(1.25));
        assert_eq!(input("mine"), Some(9.0));
        for unknown in ["gpt-5-pro", "gpt-5.9", "llama", ""] {
            assert_eq!(input(unknown), None, "{unknown}");
        }
    }
}
