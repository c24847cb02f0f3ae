//! What complaints of real endpoints change.

use super::*;
use crate::tests::options;

fn refusal(message: &str) -> Refusal<'_> {
    Refusal { status: 400, message, code: "invalid_request_error" }
}

/// The dialect after these complaints, and what was told.
fn after(options: &ModelOptions, complaints: &[&str]) -> (Dialect, Vec<String>) {
    let (mut dialect, note) = Dialect::of(options);
    let mut notes: Vec<String> = note.into_iter().collect();
    for complaint in complaints {
        let (next, note) = dialect.after_complaint(options, refusal(complaint)).expect(complaint);
        assert_ne!(next, dialect, "{complaint}");
        dialect = next;
        notes.push(note);
    }
    (dialect, notes)
}

/// Nothing changes after this complaint.
fn check_final(dialect: &Dialect, options: &ModelOptions, complaint: &str) {
    assert_eq!(dialect.after_complaint(options, refusal(complaint)), None, "{complaint}");
}

#[test]
fn fields_that_endpoints_do_not_know_are_left_out_one_after_another() {
    let options = options(ModelApi::ChatCompletions, "m");
    let (dialect, _) = after(
        &options,
        &[
            "Unknown field: stream_options",
            "unsupported parameter max_completion_tokens",
            "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) is supported.",
            "'response_format' of type 'json_schema' is not supported",
        ],
    );
    let (begun, _) = Dialect::of(&options);
    let expected = Dialect {
        stream_options: false,
        max_completion_tokens: false,
        temperature: false,
        output_schema: false,
        ..begun.clone()
    };
    assert_eq!(dialect, expected);
    check_final(&dialect, &options, "stream_options, again");
    check_final(&dialect, &options, "temperature is still not supported");
    check_final(&begun, &options, "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, got 3.");
    check_final(&begun, &options, "Only a temperature between 0 and 1 is supported.");
    let unauthorized = Refusal { status: 401, ..refusal("no stream_options for you") };
    assert_eq!(begun.after_complaint(&options, unauthorized), None);
}

#[test]
fn an_endpoint_that_wants_the_responses_api_gets_it() {
    let options = options(ModelApi::ChatCompletions, "gpt-5.4-mini");
    let (dialect, _) = after(
        &options,
        &["Function tools with reasoning_effort are not supported for gpt-5.4-mini in /v1/chat/completions. \
           Please use /v1/responses instead."],
    );
    assert_eq!((dialect.api, dialect.effort.as_deref()), (ModelApi::Responses, Some("low")));
    let gone = Refusal { status: 404, ..refusal("This model is only supported in v1/responses.") };
    assert_eq!(Dialect::of(&options).0.after_complaint(&options, gone).unwrap().0.api, ModelApi::Responses);
    let (without, _) = after(
        &ModelOptions { api: ModelApi::Responses, ..options },
        &["Encrypted content is not supported with this model."],
    );
    assert!(!without.encrypted_reasoning);
}

#[test]
fn effort_is_mapped_to_what_the_family_or_the_endpoint_knows() {
    let check = |model: &str, asked: &str, complaints: &[&str], sent: Option<&str>, told: &[&str]| {
        let mut options = options(ModelApi::Responses, model);
        options.reasoning_effort = Some(asked.into());
        let (dialect, notes) = after(&options, complaints);
        assert_eq!(dialect.effort.as_deref(), sent, "{model} {asked}");
        assert_eq!(notes, told, "{model} {asked}");
    };
    check("gpt-5.4", "xhigh", &[], Some("xhigh"), &[]);
    check("o3", "xhigh", &[], Some("high"), &["the model does not know the reasoning effort xhigh; asking with high"]);
    check("gpt-4o", "low", &[], None, &["the model does not take the reasoning effort low; asking without"]);
    check("gpt-4o", "none", &[], None, &[]);
    check("gpt-5.4", "utmost", &[], Some("utmost"), &[]);
    check(
        "some-model",
        "minimal",
        &["Unsupported value for reasoning.effort: 'minimal'. Supported values are: 'none', 'low', and 'high'."],
        Some("low"),
        &["the model does not know the reasoning effort minimal; asking with low"],
    );
    check(
        "some-model",
        "low",
        &["\"some-model\" does not support thinking"],
        None,
        &["the model does not take the reasoning effort low; asking without"],
    );
}

#[test]
fn claude_is_told_to_think_in_the_way_it_knows() {
    let options = |model: &str, effort: &str| ModelOptions {
        reasoning_effort: Some(effort.into()),
        max_output_tokens: None,
        ..options(ModelApi::AnthropicMessages, model)
    };
    let refused = "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \
                   \"output_config.effort\" to control thinking behavior.";
    let (dialect, _) = after(&options("my-claude-proxy-4", "high"), &[refused]);
    assert_eq!((dialect.thinking, dialect.effort.as_deref()), (Thinking::Adaptive, Some("high")));
    let (dialect, _) = after(
        &options("claude-next", "high"),
        &["adaptive thinking is not supported on this model", "thinking is not supported at all"],
    );
    assert_eq!((dialect.thinking, dialect.effort), (Thinking::Budget, None));
    let (dialect, _) =
        after(&options("claude-opus-5", "xhigh"), &["No effort 'xhigh'. Supported levels: high, low, max, medium."]);
    assert_eq!((dialect.thinking, dialect.effort.as_deref()), (Thinking::Adaptive, Some("max")));
    let (dialect, _) = after(&options("claude-fable-5", "none"), &["thinking.type: disabled is not supported"]);
    assert_eq!(dialect.effort, None);
    // The temperature goes first: the same complaint speaks of thinking.
    let (dialect, _) =
        after(&options("claude-opus-4-1", "low"), &["`temperature` may only be set to 1 when thinking is enabled."]);
    assert_eq!((dialect.temperature, dialect.effort.as_deref()), (false, Some("low")));
}

#[test]
fn claude_is_told_what_does_not_fit() {
    let note = |model: &str, effort: &str, max: u64| {
        let options = ModelOptions {
            reasoning_effort: Some(effort.into()),
            max_output_tokens: Some(max),
            ..options(ModelApi::AnthropicMessages, model)
        };
        Dialect::of(&options).1
    };
    assert_eq!(note("claude-opus-4-1", "low", 9000), None);
    assert_eq!(
        note("claude-opus-4-1", "medium", 4000).unwrap(),
        "a reply of at most 4000 tokens has no room for 8192 tokens of thinking; asking for 2000"
    );
    assert_eq!(
        note("claude-opus-4-1", "low", 900).unwrap(),
        "a reply of at most 900 tokens has no room for thinking; asking without"
    );
    assert_eq!(note("claude-opus-5", "high", 900), None);
    assert_eq!(
        note("claude-3-5-haiku-latest", "high", 900).unwrap(),
        "the model does not take the reasoning effort high; asking without"
    );
    assert_eq!(note("claude-3-5-haiku-latest", "none", 900), None);
}

#[test]
fn a_bound_of_ours_becomes_the_models_and_one_of_the_users_stays() {
    let complaint =
        "max_tokens: 49152 > 32000, which is the maximum allowed number of output tokens for claude-opus-4-1";
    let mut options = options(ModelApi::AnthropicMessages, "claude-opus-4-1");
    check_final(&Dialect::of(&options).0, &options, complaint);
    options.max_output_tokens = None;
    let (dialect, notes) = after(&options, &[complaint]);
    assert_eq!(dialect.max_tokens_max, Some(32_000));
    assert_eq!(notes, ["the model's replies have at most 32000 tokens; asking for that"]);
    check_final(&dialect, &options, complaint);
}
