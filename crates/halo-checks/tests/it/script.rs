//! Traces told step by step.

use halo_protocol::CheckOutcome;
use halo_testkit::TestSpan;
use serde_json::Value;

/// A run of an agent: a root span, and below it what happens, a second apart and half a second long each.
pub(crate) struct Script {
    id: String,
    spans: Vec<TestSpan>,
}

/// A run that is asked something.
pub(crate) fn run(id: &str) -> Script {
    let root = TestSpan::agent(id, "root").name("support").input("Please help me with my order.");
    Script { id: id.to_owned(), spans: vec![root] }
}

impl Script {
    fn next_id(&self) -> String {
        format!("s{}", self.spans.len())
    }

    /// Changes the root span.
    pub(crate) fn root(mut self, change: impl FnOnce(TestSpan) -> TestSpan) -> Self {
        let root = self.spans.remove(0);
        self.spans.insert(0, change(root));
        self
    }

    /// Changes the span told last.
    pub(crate) fn with(mut self, change: impl FnOnce(TestSpan) -> TestSpan) -> Self {
        let last = self.spans.pop().expect("a span to change");
        self.spans.push(change(last));
        self
    }

    /// The model asks for a tool.
    pub(crate) fn asks(mut self, tool: &str, arguments: Value) -> Self {
        let span =
            TestSpan::llm(&self.id, &self.next_id()).parent("root").tokens(500, 20).asks_for("call_1", tool, arguments);
        self.spans.push(span);
        self
    }

    /// A tool runs.
    pub(crate) fn tool(mut self, tool: &str, arguments: &str, result: &str) -> Self {
        let span =
            TestSpan::tool(&self.id, &self.next_id()).parent("root").tool_name(tool).input(arguments).output(result);
        self.spans.push(span);
        self
    }

    /// The model asks for a tool, and it runs.
    pub(crate) fn calls(self, tool: &str, arguments: &str, result: &str) -> Self {
        let value = serde_json::from_str(arguments).unwrap_or(Value::Null);
        self.asks(tool, value).tool(tool, arguments, result)
    }

    /// The model answers in words.
    pub(crate) fn says(mut self, text: &str) -> Self {
        let span = TestSpan::llm(&self.id, &self.next_id()).parent("root").tokens(500, 20).output(text);
        self.spans.push(span);
        self
    }

    /// The model call fails.
    pub(crate) fn model_fails(mut self, message: &str) -> Self {
        let span = TestSpan::llm(&self.id, &self.next_id()).parent("root").error(message);
        self.spans.push(span);
        self
    }

    /// Any other span.
    pub(crate) fn span(mut self, span_type: &str, change: impl FnOnce(TestSpan) -> TestSpan) -> Self {
        let span = TestSpan::new(span_type, &self.id, &self.next_id()).parent("root");
        self.spans.push(change(span));
        self
    }

    pub(crate) fn spans(self) -> Vec<TestSpan> {
        self.spans
    }
}

/// A kind of run, told for any trace id.
pub(crate) type Kind = fn(&str) -> Script;

/// Runs one check on traces of a kind that has its fault and of kinds that look like it and have none, four of each. The finding must
/// be about the first kind, all of it and nothing else. Gives its title.
pub(crate) async fn tells_apart(check: &str, faulty: Kind, sound: &[Kind], population: u64) -> String {
    let mut spans = Vec::new();
    let mut expected = Vec::new();
    for copy in 0..4 {
        let id = format!("faulty-{copy}");
        spans.extend(faulty(&id).spans());
        expected.push(id);
        for (kind, tell) in sound.iter().enumerate() {
            spans.extend(tell(&format!("sound-{kind}-{copy}")).spans());
        }
    }
    let report = crate::support::run(&[check], &spans).await;
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.sample_trace_ids.clone(), finding.affected, finding.population))
        .collect();
    assert_eq!(found, vec![(expected, 4, population)], "{check}");
    let finding = &report.findings[0];
    assert!(finding.verified && !finding.evidence.is_empty() && finding.evidence.len() <= 4);
    for text in [&finding.title, &finding.claim, &finding.cause, &finding.fix] {
        assert!(!text.contains('{') || text.contains('`'), "not filled in: {text}");
    }
    let outcome = &report.outcomes[0];
    assert_eq!((outcome.affected, outcome.findings, outcome.one_offs.len()), (4, 1, 0));
    finding.title.clone()
}

/// Runs one check on traces that look like its fault and have none: it must not see anything in them.
pub(crate) async fn sees_nothing(check: &str, sound: &[Kind]) {
    let mut spans = Vec::new();
    for copy in 0..4 {
        for (kind, tell) in sound.iter().enumerate() {
            spans.extend(tell(&format!("sound-{kind}-{copy}")).spans());
        }
    }
    let report = crate::support::run(&[check], &spans).await;
    assert_eq!((report.findings, report.outcomes[0].affected), (vec![], 0), "{check}");
}

/// Runs a check that counts where a group of runs has its fault: what ten runs of one release have is a finding, and what ten of all releases
/// have is none. Gives what came of the second.
pub(crate) async fn concentrates(check: &str, [in_one, in_all]: [Vec<TestSpan>; 2]) -> CheckOutcome {
    let report = crate::support::run(&[check], &in_one).await;
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.affected, finding.scope[0].key.as_str(), finding.scope[0].value.as_str()))
        .collect();
    assert_eq!(found, [(10, "release", "2.14.0")], "{check}");
    let mut report = crate::support::run(&[check], &in_all).await;
    assert_eq!((report.findings.len(), report.outcomes[0].affected), (0, 10), "{check}");
    report.outcomes.remove(0)
}
