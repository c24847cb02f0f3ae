//! Target `redact`: any text goes through the built-in rules, and what is masked stays as it is.
#![no_main]

use std::sync::LazyLock;

use halo_redact::Redactor;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| Redactor::builtin().expect("the built-in rules are valid"));

libfuzzer_sys::fuzz_target!(|text: &str| {
    let once = REDACTOR.redact(text);
    assert_eq!(REDACTOR.redact(&once), once);
});
