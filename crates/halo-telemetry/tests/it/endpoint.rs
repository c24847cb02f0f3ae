//! Spans to an endpoint, which may be slow, broken or not there.

use std::time::Duration;

use halo_telemetry::{OtlpExporter, OtlpOptions, Span, SpanBuilder, Telemetry, TelemetryReport};
use halo_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::script::eventful_run;

fn spans() -> Vec<Span> {
    let mut builder = SpanBuilder::new("run-7");
    eventful_run().iter().flat_map(|event| builder.on_event(event)).collect()
}

/// Options that do not make a test wait, and give a busy machine the time it takes.
fn options(server: &ScriptedModel) -> OtlpOptions {
    let url = server.base_url().replace("/v1", "/otel");
    OtlpOptions {
        headers: vec![("authorization".to_owned(), "Bearer S3cretKey".to_owned())],
        timeout: Duration::from_secs(600),
        retry_wait: Duration::from_millis(1),
        flush_max: Duration::from_secs(600),
        ..OtlpOptions::new(url)
    }
}

fn taken() -> Reply {
    Reply::json(200, &json!({}))
}

async fn send(options: &OtlpOptions, spans: &[Span]) -> TelemetryReport {
    let mut exporter = OtlpExporter::start(options).unwrap();
    exporter.export(spans);
    exporter.finish().await
}

fn ids(request: &halo_testkit::RecordedRequest) -> Vec<String> {
    let spans = request.json.pointer("/resourceSpans/0/scopeSpans/0/spans").and_then(|spans| spans.as_array());
    spans.into_iter().flatten().map(|span| span["spanId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_run_goes_to_the_endpoint() {
    let server = ScriptedModel::start([taken()]).unwrap();
    let telemetry = Telemetry::to_endpoint(SpanBuilder::new("run-7"), &options(&server)).unwrap();
    let mut observer = telemetry.observer();
    eventful_run().iter().for_each(&mut observer);
    assert_eq!(telemetry.finish().await, TelemetryReport { spans: 13, dropped: 0, error: None });

    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/otel/v1/traces"));
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].header("authorization"), Some("Bearer S3cretKey"));
    let sent = requests[0].json.pointer("/resourceSpans/0/scopeSpans/0/spans").unwrap();
    assert_eq!(*sent, json!(spans()));
}

#[tokio::test]
async fn batches_are_bounded() {
    let server = ScriptedModel::start_with_last([], taken()).unwrap();
    let span = Span { attributes: Vec::new(), ..spans().swap_remove(0) };
    let many = vec![span; 1_100];
    assert_eq!(send(&options(&server), &many).await, TelemetryReport { spans: 1_100, dropped: 0, error: None });
    let sizes: Vec<usize> = server.requests().iter().map(|request| ids(request).len()).collect();
    assert_eq!(sizes, [512, 512, 76]);
}

#[tokio::test]
async fn what_may_pass_is_sent_again() {
    let server = ScriptedModel::start([Reply::status(503), Reply::reset(), Reply::status(429), taken()]).unwrap();
    let report = send(&options(&server), &spans()).await;
    assert_eq!(report, TelemetryReport { spans: 13, dropped: 0, error: None });
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| request.body == requests[0].body), "the same again");
}

#[tokio::test]
async fn what_does_not_pass_is_dropped_counted_and_told() {
    let server = ScriptedModel::start_with_last([], Reply::status(503)).unwrap();
    let report = send(&options(&server), &spans()).await;
    assert_eq!((report.spans, report.dropped, server.requests().len()), (0, 13, 4));
    let shown = server.base_url().replace("/v1", "/otel/v1/traces");
    assert_eq!(report.error, Some(format!("the telemetry endpoint {shown} failed: status 503 Service Unavailable")));
}

#[tokio::test]
async fn a_refusal_is_not_sent_again_and_secrets_are_not_repeated() {
    let words = |message: &str| Reply::json(401, &json!({"code": 16, "message": message}));
    let server = ScriptedModel::start([words("no  such\nproject"), words("unknown key S3cretKey")]).unwrap();
    let first = send(&options(&server), &spans()).await;
    assert!(first.error.unwrap().ends_with(" failed: status 401 Unauthorized: no such project"));
    let second = send(&options(&server), &spans()).await;
    assert!(second.error.unwrap().ends_with(" failed: status 401 Unauthorized"));
    assert_eq!((first.dropped, second.dropped, server.requests().len()), (13, 13, 2));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = ScriptedModel::start([taken()]).unwrap();
    let server = ScriptedModel::start([Reply::status(307).header("location", elsewhere.base_url())]).unwrap();
    let report = send(&options(&server), &spans()).await;
    assert!(report.error.unwrap().ends_with("status 307 Temporary Redirect"));
    assert_eq!((report.dropped, elsewhere.requests().len()), (13, 0));
}

#[tokio::test]
async fn spans_that_the_endpoint_refuses_one_by_one_are_counted() {
    let partial = json!({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}});
    let server = ScriptedModel::start([Reply::json(200, &partial)]).unwrap();
    let report = send(&options(&server), &spans()).await;
    assert_eq!((report.spans, report.dropped), (10, 3));
    assert!(report.error.unwrap().ends_with(" failed: it refused 3 spans of a batch: too old"));
}

#[tokio::test]
async fn nobody_there_is_told() {
    // Bound and never listening: connections are refused, and nobody else gets the port meanwhile.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let server = ScriptedModel::start([]).unwrap();
    let options = OtlpOptions { url, ..options(&server) };
    let report = send(&options, &spans()).await;
    assert_eq!((report.spans, report.dropped), (0, 13));
    assert!(report.error.unwrap().contains(" failed: the request did not get through: "));
}

#[tokio::test]
async fn a_full_queue_drops_what_comes_on_top() {
    let server = ScriptedModel::start([taken()]).unwrap();
    let report = send(&OtlpOptions { queue_max: 4, ..options(&server) }, &spans()).await;
    assert_eq!((report.spans, report.dropped), (4, 9));
    assert!(report.error.unwrap().ends_with(" failed: it was too slow, and too many spans waited"));
}

#[tokio::test]
async fn an_endpoint_that_never_answers_holds_nobody_up() {
    let server = ScriptedModel::start_with_last([], Reply::stall()).unwrap();
    let options = OtlpOptions { flush_max: Duration::from_millis(50), ..options(&server) };
    let report = send(&options, &spans()).await;
    assert_eq!((report.spans, report.dropped), (0, 13));
    assert!(report.error.unwrap().ends_with(" failed: it did not take all spans within 0.05 s"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_retries_and_tells_what_they_are_for() {
    let server = ScriptedModel::start([Reply::status(503), Reply::stall()]).unwrap();
    let options = OtlpOptions { flush_max: Duration::from_millis(50), ..sending_soon(&server) };
    let mut exporter = OtlpExporter::start(&options).unwrap();
    exporter.export(&spans()[..1]);
    assert!(requests_came(&server, 2));
    let report = exporter.finish().await;
    assert_eq!((report.spans, report.dropped, server.requests().len()), (0, 1, 2));
    let error = report.error.unwrap();
    assert!(error.ends_with(" within 0.05 s; status 503 Service Unavailable"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_sent_while_the_run_goes_on() {
    let server = ScriptedModel::start([taken()]).unwrap();
    let mut exporter = OtlpExporter::start(&sending_soon(&server)).unwrap();
    exporter.export(&spans()[..1]);
    assert!(requests_came(&server, 1));
    assert_eq!(ids(&server.requests()[0]).len(), 1);
    assert_eq!(exporter.finish().await, TelemetryReport { spans: 1, dropped: 0, error: None });
}

/// Options that send soon what there is.
fn sending_soon(server: &ScriptedModel) -> OtlpOptions {
    OtlpOptions { batch_wait: Duration::from_millis(1), ..options(server) }
}

/// Waits on this thread while another one sends.
fn requests_came(server: &ScriptedModel, count: usize) -> bool {
    tokio::task::block_in_place(|| server.wait_for_requests(count, Duration::from_secs(600)))
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let error = OtlpExporter::start(&OtlpOptions::new("http://127.0.0.1:1")).unwrap_err();
    assert!(error.to_string().starts_with("cannot send telemetry: "), "{error}");
}

#[tokio::test]
async fn nothing_shows_a_header() {
    let server = ScriptedModel::start([taken()]).unwrap();
    let telemetry = Telemetry::to_endpoint(SpanBuilder::new("run-7"), &options(&server)).unwrap();
    for shown in [format!("{telemetry:?}"), format!("{:?}", options(&server))] {
        assert!(shown.contains("/otel/v1/traces") && !shown.contains("S3cret"), "{shown}");
    }
    assert_eq!(telemetry.finish().await, TelemetryReport::default());
}
