//! A dataset and a SQL string to a bounded result, and the tools made of it.
