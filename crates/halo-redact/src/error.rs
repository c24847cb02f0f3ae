//! What can be wrong with a rule file.

/// A rule file that cannot be used. Always the fault of the file, and the text says where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The file is no TOML, or has a field that rules don't have.
    #[error("the rules cannot be read: {0}")]
    Toml(String),
    /// A rule is wrong.
    #[error("rule `{rule}`: {fault}")]
    Rule {
        /// The id of the rule, or its place in the file when it has no usable one.
        rule: String,
        /// What is wrong with it.
        fault: String,
    },
    /// `enable` or `disable` names a rule that is not there.
    #[error("`{list}` names `{rule}`, which is no built-in rule; there are: {known}")]
    Unknown {
        /// The list that names it.
        list: &'static str,
        /// The name.
        rule: String,
        /// The ids of the built-in rules.
        known: String,
    },
}
