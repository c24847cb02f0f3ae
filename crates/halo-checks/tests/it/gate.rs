//! What the gate lets through, and what it says to those it turns away.

use std::sync::Arc;

use halo_checks::Gate;
use halo_protocol::{Evidence, FindingDraft, FindingSource, Severity};
use halo_testkit::TestSpan;
use halo_tool::{FindingGate, ToolContext};
use tokio_util::sync::CancellationToken;

use crate::script::run;
use crate::support::{OPTIONS, open};

const REFUSED: &str = r#"{"ok":false,"reason":"card expired in 03/25"}"#;

/// Forty runs; of the ten with release 2.14.0, eight pay with a card that is refused.
fn payments() -> Vec<TestSpan> {
    (0..40)
        .flat_map(|copy| {
            let bad = copy >= 32;
            let release = if copy >= 30 { "2.14.0" } else { "2.13.0" };
            run(&format!("t{copy:02}"))
                .root(|span| span.attribute("release", release))
                .calls("pay", "{}", if bad { REFUSED } else { r#"{"ok":true}"# })
                .says("Thank you for your order.")
                .spans()
        })
        .collect()
}

fn quote(trace_id: &str, span_id: &str, quote: &str) -> Evidence {
    Evidence { trace_id: trace_id.to_owned(), span_id: span_id.to_owned(), quote: quote.to_owned() }
}

fn draft() -> FindingDraft {
    FindingDraft {
        title: "Refused payments are not noticed".to_owned(),
        category: "answer".to_owned(),
        severity: Severity::High,
        claim: "The agent thanks for an order that was not paid.".to_owned(),
        cause: "The result is not read.".to_owned(),
        fix: "Read it.".to_owned(),
        affected_sql: "SELECT trace_id FROM spans WHERE span_type = 'TOOL' AND result_failure(output) IS NOT NULL;"
            .to_owned(),
        population_sql: None,
        evidence: vec![quote("t33", "s2", "\"reason\":\"card expired in 03/25\"")],
        source: FindingSource::Agent { name: "root".to_owned() },
    }
}

/// What the gate says to a draft that differs from a good one in one way.
async fn told(change: impl FnOnce(&mut FindingDraft)) -> String {
    let (_folder, session) = open(&payments()).await;
    let gate = Gate::new(session, OPTIONS, CancellationToken::new());
    let mut draft = draft();
    change(&mut draft);
    match gate.check(draft).await {
        Ok(finding) => format!("accepted: {} of {}", finding.affected, finding.population),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_true_claim_gets_its_numbers() {
    let (_folder, session) = open(&payments()).await;
    let gate = Gate::new(session, OPTIONS, CancellationToken::new());
    let finding = gate.check(draft()).await.expect("it holds");
    assert_eq!((finding.affected, finding.population, finding.rate), (8, 40, 0.2));
    assert!((finding.interval.low - 0.105).abs() < 0.001 && (finding.interval.high - 0.348).abs() < 0.001);
    let scope: Vec<_> = finding
        .scope
        .iter()
        .map(|entry| (entry.key.as_str(), entry.value.as_str(), entry.affected, entry.population))
        .collect();
    assert_eq!(scope, [("release", "2.14.0", 8, 10)]);
    assert_eq!(finding.sample_trace_ids.len(), 8);
    assert_eq!(finding.population_sql, "SELECT trace_id FROM traces");
    assert!(finding.verified && !finding.affected_sql.ends_with(';'));

    // The same fault in other words has the same id; another fault has another.
    let mut again = draft();
    again.title = "Not noticed: the refused payments".to_owned();
    again.claim = "Said otherwise.".to_owned();
    assert_eq!(gate.check(again).await.expect("it holds").id, finding.id);
    let mut other = draft();
    other.title = "Refused refunds are not noticed".to_owned();
    assert_ne!(gate.check(other).await.expect("it holds").id, finding.id);
}

#[tokio::test]
async fn statements_must_run_and_count() {
    insta::assert_snapshot!(told(|d| d.affected_sql = "SELECT trace_id FROM spans WHERE out_put = 'x'".into()).await,
        @"`affected_sql` does not run: line 1, column 34: there is no column `out_put`; did you mean `output`?");
    insta::assert_snapshot!(told(|d| d.affected_sql = "SELECT span_id FROM spans".into()).await,
        @"`affected_sql` does not run: the statement returns no column `trace_id`; it returns span_id");
    insta::assert_snapshot!(told(|d| d.affected_sql = "DROP TABLE spans".into()).await,
        @"`affected_sql` does not run: DROP is refused: a dataset is read-only: write one SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES or DESCRIBE statement");
    insta::assert_snapshot!(told(|d| d.affected_sql = "SELECT trace_id FROM spans WHERE name = 'paypal'".into()).await,
        @"`affected_sql` returns no trace; run it with the sql tool and look at what its conditions leave out");
    insta::assert_snapshot!(told(|d| d.affected_sql = "SELECT span_id AS trace_id FROM spans".into()).await,
        @"`affected_sql` returns 4 values of trace_id that are no trace, such as `root`; select the column trace_id of spans or traces");
    insta::assert_snapshot!(told(|d| d.population_sql = Some("SELECT trace_id FROM traces WHERE trace_id < 't35'".into())).await,
        @"5 of the 8 affected traces are not among the 35 of `population_sql`, for example `t35`; widen the population or narrow `affected_sql`");
    insta::assert_snapshot!(told(|d| d.population_sql = Some("SELECT trace_id FROM traces WHERE attributes->>'release' = '2.14.0'".into())).await,
        @"accepted: 8 of 10");
}

#[tokio::test]
async fn quotes_must_stand() {
    insta::assert_snapshot!(told(|d| d.evidence.clear()).await,
        @"there is no evidence; give at least one quote from a span of an affected trace");
    insta::assert_snapshot!(told(|d| d.evidence[0] = quote("t99", "s2", "card expired")).await,
        @"there is no trace `t99`; take trace ids from a query, whole and as they are");
    insta::assert_snapshot!(told(|d| d.evidence[0] = quote("t33", "s9", "card expired")).await,
        @"trace `t33` has no span `s9`; the quote «card expired» stands in span `s2`");
    insta::assert_snapshot!(told(|d| d.evidence[0] = quote("t33", "s9", "no such text")).await,
        @"trace `t33` has no span `s9`; view_trace shows its span ids");
    insta::assert_snapshot!(told(|d| d.evidence[0] = quote("t33", "s3", "card expired")).await,
        @"the quote «card expired» does not stand in span `s3` of trace `t33`; it stands in span `s2`");
    insta::assert_snapshot!(told(|d| d.evidence[0] = quote("t33", "s2", "The card expired in March")).await,
        @r#"the quote «The card expired in March» does not stand in span `s2` of trace `t33`; the nearest text there is «card expired in 03/25"}»; quote it character for character"#);
    insta::assert_snapshot!(told(|d| d.evidence[0] = quote("t33", "s2", "insufficient funds")).await,
        @"the quote «insufficient funds» does not stand in span `s2` of trace `t33`, nor anything like it; read the span and quote it character for character");
    insta::assert_snapshot!(told(|d| d.evidence[0] = quote("t01", "s2", "true")).await,
        @"trace `t01` is quoted and is not among the 8 traces of `affected_sql`; quote affected traces, or mend the statement");
    insta::assert_snapshot!(told(|d| d.evidence[0] = quote("t33", "s2", " ")).await,
        @"the quote for span `s2` of trace `t33` is empty");
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let all = told(|d| {
        d.title = " ".into();
        d.fix = String::new();
        d.affected_sql = "SELEC trace_id".into();
        d.evidence = vec![quote("t99", "s2", "card expired")];
    })
    .await;
    insta::assert_snapshot!(all, @r"
    several things are wrong:
    - these are empty: title, fix
    - `affected_sql` does not run: line 1, column 1: expected an SQL statement, found SELEC
    - there is no trace `t99`; take trace ids from a query, whole and as they are
    ");
}

#[tokio::test]
async fn what_sets_traces_apart() {
    let prompt = |release: &str| if release == "2.14.0" { "You sell.\nTake any card.\n" } else { "You sell.\n" };
    let mut spans = Vec::new();
    for copy in 0..40_i64 {
        let release = if copy >= 30 { "2.14.0" } else { "2.13.0" };
        let mut run = run(&format!("t{copy:02}"))
            .root(|span| span.attribute("release", release).ok())
            .calls("pay", "{}", if copy >= 32 { REFUSED } else { r#"{"ok":true}"# })
            .spans();
        for span in &mut run {
            *span = span.clone().start_ms(copy * 12 * 3600 * 1000);
        }
        run[1] = run[1]
            .clone()
            .agent_name("seller")
            .message_in(serde_json::json!({"role": "system", "content": prompt(release)}));
        spans.extend(run);
    }
    let (_folder, session) = open(&spans).await;
    let gate = Arc::new(Gate::new(session, OPTIONS, CancellationToken::new()));
    let context = ToolContext { cancel: CancellationToken::new(), agent_id: "root".into(), tool_call_id: "c".into() };
    let tools = halo_checks::tools(&gate);
    let mut told = Vec::new();
    for sql in [
        "SELECT trace_id FROM spans WHERE result_failure(output) IS NOT NULL",
        "SELECT trace_id FROM traces WHERE trace_id LIKE '%7'",
        "SELECT trace_id FROM traces WHERE false",
        "SELECT nothing",
    ] {
        let args = serde_json::json!({"sql": sql}).to_string();
        told.push(match tools.call("explain_scope", &args, &context).await {
            Ok(said) => said.text,
            Err(error) => format!("refused: {error}"),
        });
    }
    insta::assert_snapshot!(told.join("\n---\n"));
}
