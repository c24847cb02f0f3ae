//! Ids of traces and spans: hashes, so that whoever sees the same event gives its span the same id.

use twox_hash::XxHash3_64;

/// Ids within one run. They stand in files and backends, so they must never change.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    run: String,
}

impl Ids {
    pub(crate) fn new(run: &str) -> Self {
        Self { run: run.to_owned() }
    }

    /// Id of the trace, 32 hex digits.
    pub(crate) fn trace(&self) -> String {
        format!("{:016x}{:016x}", self.hash(&["trace"]), self.hash(&["trace", "low"]))
    }

    /// Id of an agent's span. `ends` counts how often it had ended before.
    pub(crate) fn agent(&self, agent: &str, ends: u64) -> String {
        self.span(&["agent", agent], ends)
    }

    /// Id of the span of a call; an agent's calls have names of their own. `ends` counts results that it had before.
    pub(crate) fn tool(&self, agent: &str, call: &str, ends: u64) -> String {
        self.span(&["tool", agent, call], ends)
    }

    /// Id of the span of a reply.
    pub(crate) fn reply(&self, agent: &str, sequence: u64) -> String {
        self.span(&["reply", agent, &sequence.to_string()], 0)
    }

    fn span(&self, parts: &[&str], ends: u64) -> String {
        let ends = (ends > 0).then(|| ends.to_string());
        let parts: Vec<&str> = parts.iter().copied().chain(ends.as_deref()).collect();
        format!("{:016x}", self.hash(&parts))
    }

    /// Each part goes in with its length, so that no two lists of parts are one text. Zero is no valid id.
    fn hash(&self, parts: &[&str]) -> u64 {
        let mut bytes = Vec::new();
        for part in std::iter::once(self.run.as_str()).chain(parts.iter().copied()) {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        XxHash3_64::oneshot(&bytes).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_change() {
        let ids = Ids::new("run-7");
        let all =
            [ids.trace(), ids.agent("root", 0), ids.agent("root", 1), ids.tool("root", "c", 0), ids.reply("root", 4)];
        assert_eq!(
            all,
            [
                "fdc041231427d8362b21647e8e83634d",
                "d031f253e7f6d8aa",
                "af02087768be6a12",
                "1c66bf2376f24eda",
                "2391e064923e4c62"
            ]
        );
    }

    #[test]
    fn parts_do_not_run_together() {
        let ids = Ids::new("r");
        assert_ne!(ids.tool("a", "bc", 0), ids.tool("ab", "c", 0));
        assert_ne!(ids.tool("a", "b", 1), ids.tool("a", "b", 2));
        assert_ne!(ids.agent("a", 0), Ids::new("s").agent("a", 0));
    }
}
