//! Failures that pass, failures that do not, and what is said about them.

use std::time::Instant;

use super::*;

/// One failing attempt, then a good one; the error told on the way holds these words.
async fn check_passes(failing: Reply, words: &str) {
    let (asked, _) = play([failing, Reply::text("fine")]).await;
    assert_eq!(asked.retries().len(), 1, "{words}: {:?}", asked.events);
    assert!(asked.retries()[0].contains(words), "{words}: {:?}", asked.retries());
    let reply = asked.result.unwrap();
    assert_eq!((reply.content.as_str(), reply.attempts, reply.usage.requests), ("fine", 2, 1));
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for status in [408, 409, 429, 500, 502, 503, 529] {
        check_passes(Reply::status(status), &format!("it answered with status {status}: it gave no reason")).await;
    }
    check_passes(Reply::rate_limited("0"), "status 429: Rate limit reached").await;
    check_passes(Reply::reset(), "the request did not get through").await;
    check_passes(Reply::text("cut in the middle").cut_after(2), "its answer broke off").await;
    check_passes(Reply::text("never begun").cut_after(0), "its answer broke off").await;
    check_passes(
        Reply::raw_stream(["data: {\"choices\": [{\"delta\": {\"content\": \"x\"}}]}\n\n"]),
        "before it was complete",
    )
    .await;
    check_passes(Reply::garbage(), "something that is no completion (text/event-stream)").await;
    check_passes(Reply::web_page(), "no completion (text/html): <!doctype html><title>Sign in").await;
    check_passes(Reply::json(200, &json!({"hello": 1})), "no completion (application/json): {\"hello\":1}").await;
    check_passes(Reply::raw_stream(["data: {broken\n\n"]), "an event that is no JSON").await;
    check_passes(Reply::raw_stream(["data: [DONE]\n\n"]), "its answer was empty").await;
    let overloaded = json!({"message": "Overloaded", "type": "overloaded_error"});
    check_passes(Reply::text("half").error_in_stream(overloaded.clone()), "status 529: Overloaded").await;
    check_passes(Reply::text("half").not_streamed().error_in_stream(overloaded), "status 529: Overloaded").await;
}

#[tokio::test]
async fn silence_counts_as_failure() {
    let model =
        ScriptedModel::start([Reply::stall(), Reply::text("half a").stall_after(2), Reply::text("fine")]).unwrap();
    let mut options = options(model.base_url());
    options.timeouts.response = Duration::from_millis(60);
    options.timeouts.idle = Duration::from_millis(60);
    let asked = ask_with(options).await;
    assert_eq!(asked.retries(), ["it did not answer within 0.06 s", "its answer fell silent for 0.06 s"]);
    assert_eq!(asked.result.unwrap().content, "fine");
}

/// An endpoint that sends a comment every few milliseconds and never a reply.
#[tokio::test]
async fn an_answer_that_drips_for_ever_ends() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let endpoint = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut ignored = [0_u8; 64 << 10];
            let _read = stream.read(&mut ignored).await.unwrap();
            let mut pace = tokio::time::interval(Duration::from_millis(5));
            let mut piece = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
            while stream.write_all(piece.as_bytes()).await.is_ok() {
                piece = ": still thinking\n\n";
                pace.tick().await;
            }
        }
    });
    let mut options = options(format!("http://{address}/v1"));
    options.timeouts.total = Duration::from_millis(80);
    options.retry.attempts_max = 2;
    let asked = ask_with(options).await;
    endpoint.abort();
    let words = "its answer was not complete after 0.08 s";
    assert_eq!(asked.retries(), [words]);
    assert!(matches!(asked.result, Err(LlmError::Unavailable { attempts: 2, last, .. }) if last == words));
}

#[tokio::test]
async fn a_reply_that_is_complete_needs_no_orderly_end() {
    // Role, text and finish reason; usage and `[DONE]` never come.
    let model = ScriptedModel::start([Reply::text("short").stall_after(3), Reply::text("short").cut_after(3)]).unwrap();
    let mut options = options(model.base_url());
    options.timeouts.idle = Duration::from_millis(60);
    let client = ModelClient::new(options).unwrap();
    for _ in 0..2 {
        let reply = ask(&client).await.result.unwrap();
        assert_eq!((reply.content.as_str(), reply.attempts), ("short", 1));
    }
}

#[tokio::test]
async fn waits_as_long_as_the_endpoint_asks_within_the_bound() {
    let (asked, _) = play([Reply::rate_limited("3600"), Reply::text("fine")]).await;
    let wait = asked.events.iter().find_map(|event| match event {
        ModelEvent::Retry { attempt: 1, wait, .. } => Some(*wait),
        _ => None,
    });
    let wait = wait.unwrap();
    assert!(wait >= Duration::from_millis(3) && wait <= Duration::from_millis(4), "{wait:?}");
}

#[tokio::test]
async fn gives_up_after_the_last_attempt() {
    let model = ScriptedModel::start_with_last([], Reply::error(503, "down\nfor\u{1b}[31m repair")).unwrap();
    let asked = ask_with(options(model.base_url())).await;
    assert_eq!(model.requests().len(), 4);
    assert_eq!(asked.retries().len(), 3);
    let url = format!("{}/chat/completions", model.base_url());
    let expected = LlmError::Unavailable {
        url: url.clone(),
        attempts: 4,
        last: "it answered with status 503: down for [31m repair".into(),
    };
    assert_eq!(asked.result, Err(expected.clone()));
    assert_eq!(
        expected.to_string(),
        format!(
            "4 requests in a row to the model endpoint {url} failed, the last one because it answered with status 503: down for [31m repair"
        )
    );
}

#[tokio::test]
async fn nobody_listening_is_a_failure_that_may_pass() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let asked = ask_with(options(format!("http://{address}/v1"))).await;
    let Err(LlmError::Unavailable { attempts: 4, last, .. }) = asked.result else {
        panic!("{:?}", asked.result);
    };
    assert!(last.contains("refused"), "{last}");
}

/// One refusal ends the request at once with this error.
async fn check_refused(reply: Reply, status: u16, message: &str) {
    let (asked, model) = play([reply]).await;
    assert_eq!(model.requests().len(), 1, "{status}: no second attempt");
    let expected =
        LlmError::Refused { url: format!("{}/chat/completions", model.base_url()), status, message: message.into() };
    assert_eq!(asked.result, Err(expected));
}

#[tokio::test]
async fn what_would_repeat_is_one_clear_error() {
    for status in [400, 401, 403, 404, 422] {
        check_refused(Reply::error(status, "no, thank you"), status, "no, thank you").await;
    }
    let quota = json!({"error": {"message": "You exceeded your quota", "type": "insufficient_quota"}});
    check_refused(Reply::json(429, &quota), 429, "You exceeded your quota").await;
    let wrong = json!({"message": "bad tool schema", "type": "invalid_request_error"});
    check_refused(Reply::text("half").error_in_stream(wrong), 400, "bad tool schema").await;
    let moved = Reply::status(308).header("location", "https://user:pw@other.example/v1?key=k");
    check_refused(moved, 308, "it redirects to https://other.example/v1").await;
}

#[tokio::test]
async fn a_conversation_that_is_too_long_has_its_own_error() {
    let (asked, model) = play([Reply::context_length_exceeded()]).await;
    let expected = LlmError::ContextLength {
        url: format!("{}/chat/completions", model.base_url()),
        message: "This model's maximum context length is 8192 tokens. Please reduce the length of the messages.".into(),
    };
    assert_eq!(asked.result, Err(expected));
}

#[tokio::test]
async fn cancelling_ends_a_stalled_request_at_once() {
    let model = ScriptedModel::start([Reply::stall()]).unwrap();
    let client = ModelClient::new(options(model.base_url())).unwrap();
    let cancel = CancellationToken::new();
    let for_task = cancel.clone();
    let task = tokio::spawn(async move {
        let messages = [Message::User { content: "hello".into() }];
        let request = ModelRequest { messages: &messages, tools: &[], cache_key: None, output_schema: None };
        client.stream(request, |_| {}, &for_task).await
    });
    let model = tokio::task::spawn_blocking(move || {
        assert!(model.wait_for_requests(1, Duration::from_secs(10)));
        model
    })
    .await
    .unwrap();
    let began = Instant::now();
    cancel.cancel();
    assert_eq!(task.await.unwrap(), Err(LlmError::Cancelled));
    assert!(began.elapsed() < Duration::from_secs(5));
    drop(model);
}

#[tokio::test]
async fn no_secret_is_ever_shown() {
    let echo = "Incorrect API key provided: sk-secret-key for hidden-team-token";
    let model = ScriptedModel::start([Reply::error(500, echo), Reply::error(401, echo)]).unwrap();
    let base_url = model.base_url().replace("http://", "http://somebody:password1@") + "?key=querykey1";
    let client = ModelClient::new(options(base_url)).unwrap();
    let asked = ask(&client).await;
    assert!(model.requests()[0].path.ends_with("?key=querykey1"), "the query is sent");
    let error = asked.result.clone().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the model endpoint {}/chat/completions refused the request with status 401: \
             Incorrect API key provided: [secret] for [secret]",
            model.base_url()
        )
    );
    let shown = format!("{client:?} {error} {error:?} {:?}", asked.events);
    for secret in ["sk-secret-key", "hidden-team-token", "password1", "querykey1"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let options = options("not an address".into());
    assert!(!format!("{options:?}").contains("sk-secret-key"));
}

#[test]
fn malformed_options_are_told_before_anything_is_sent() {
    let check = |change: fn(&mut ModelOptions), words: &str| {
        let mut options = options("https://api.example/v1".into());
        change(&mut options);
        let error = ModelClient::new(options).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    check(|o| o.base_url = "api.example/v1".into(), "the base URL is malformed: relative URL without a base");
    check(|o| o.base_url = "ftp://api.example".into(), "does not begin with http:// or https://");
    check(|o| o.api_key = Some("a\nb".into()), "the API key holds a character that no HTTP header may hold");
    check(|o| o.headers = vec![("a b".into(), "c".into())], "`a b` is no name of an HTTP header");
}
