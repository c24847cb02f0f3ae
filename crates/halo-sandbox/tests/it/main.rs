//! Tests of sessions with a real worker process: ordinary code, hostile code, limits, and the tool.

mod battery;
mod harness;
mod hostile;
mod sessions;
mod tool;
