//! Findings to a report: Markdown, one HTML page, JSON.
