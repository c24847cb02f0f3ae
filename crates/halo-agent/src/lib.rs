//! The agent's loop: turns, tool calls, findings, limits, and the event log.
