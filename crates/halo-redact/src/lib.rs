//! Secrets and personal data in texts, replaced by marks such as `[REDACTED:email:3f9a2c41d0]`.
//!
//! A [`Redactor`] holds compiled rules: the built-in ones (`rules.toml` beside this file says what each is for) or those
//! of a file that extends, replaces or switches them off. It knows texts and nothing else: not where they come from, and
//! not what a span is. Whoever reads traces calls [`Redactor::redact`] for every string before it is written.
//!
//! ```
//! let redactor = halo_redact::Redactor::builtin()?;
//! let mut counts = halo_redact::RedactionCounts::default();
//! let text = redactor.redact_counted("write to ada@example.org", &mut counts);
//! assert_eq!(text, "write to [REDACTED:email:3366a250dc]");
//! assert_eq!(counts.to_string(), "1 email");
//! assert!(matches!(redactor.redact("nothing to see"), std::borrow::Cow::Borrowed(_)));
//! # Ok::<(), halo_redact::RuleError>(())
//! ```
//!
//! # What the mark tells
//!
//! The ten hex digits are a keyed hash of what was masked (SipHash-2-4, cut to 40 bits), so one value has one mark
//! wherever it stands, and counts, joins and de-duplication still work. Two values share a mark with a probability of
//! about n²/2⁴¹ among n different values: one in 200 for 100,000 of them.
//!
//! **The key is public unless you set one.** Without [`Redactor::with_salt`] it is a constant, the same on every machine.
//! A random API key cannot be found from its mark even so, because 40 bits do not hold it. But a value that can be
//! guessed, such as a card number, an e-mail address or a weak password, can be confirmed by hashing guesses, and a
//! computer makes tens of millions of them in a second: all cards of one bank are tried in a minute. No hash without
//! a secret prevents that. Who hands on a dataset sets a salt of 16 random bytes or more and keeps it. The hash takes
//! in 128 bits of it.
//!
//! # What it promises
//!
//! - Redacting twice is redacting once.
//! - A mark holds letters, digits, `_`, `:`, `[` and `]` alone: inside a JSON string, escaped however often, the
//!   text stays valid. A number that stands bare in JSON gets quotes of the depth of its surroundings.
//! - What no rule matches is returned as it came, borrowed.
//!
//! It does not promise to find everything: a password in a sentence looks like any word.

mod bounds;
mod counts;
mod error;
mod marker;
mod pattern;
mod redactor;
mod rule;
mod rule_file;
mod scan;
mod siphash;
mod validate;

pub use counts::RedactionCounts;
pub use error::RuleError;
pub use redactor::{Redactor, RuleInfo};
