//! The crate from outside: SQL over small datasets, its limits, and the tools as a model meets them.

#![expect(
    clippy::expect_used,
    reason = "helpers of tests fail like tests; the lint knows only functions marked as tests"
)]

mod attributes;
mod errors;
mod functions;
mod guard;
mod holes;
mod limits;
mod messages;
mod outcomes;
mod prompts;
mod properties;
mod quotes;
mod render;
mod saved;
mod search;
mod slt;
mod sql;
mod support;
mod tool_calls;
mod tools;
mod view;
mod view_pages;
mod views;
