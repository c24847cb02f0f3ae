//! Whole texts, as agents' traces have them, and what must hold for any text.

use proptest::prelude::*;

use super::*;

/// Compiled once: properties ask thousands of times.
fn builtin() -> &'static Redactor {
    static BUILTIN: std::sync::OnceLock<Redactor> = std::sync::OnceLock::new();
    BUILTIN.get_or_init(|| Redactor::builtin().unwrap())
}

/// The optional rules, too.
fn everything() -> &'static Redactor {
    static ALL: std::sync::OnceLock<Redactor> = std::sync::OnceLock::new();
    ALL.get_or_init(|| Redactor::from_rules("enable = ['us_ssn', 'phone', 'ipv4', 'ipv6']").unwrap())
}

/// The text with hashes cut short, so that a table can show what stands where.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut copied = 0;
    for mark in marks(text) {
        out.push_str(&text[copied..mark.start]);
        out.push('<');
        out.push_str(text[mark.clone()].split(':').nth(1).unwrap());
        out.push('>');
        copied = mark.end;
    }
    out.push_str(&text[copied..]);
    out
}

#[test]
fn texts_of_traces() {
    let redactor = builtin();
    let table = [
        (
            r#"curl https://api.openai.com/v1/chat -H "Authorization: Bearer sk-proj-Zk3vJx9Qm2LrT8wYb5NcHd7PfGsA4eUi""#,
            r#"curl https://api.openai.com/v1/chat -H "Authorization: Bearer <openai_key>""#,
        ),
        (
            r#"{"command":"psql postgres://app:s3cr3t@db.example.org/app -c 'select 1'"}"#,
            r#"{"command":"psql postgres://app:<url_password>@db.example.org/app -c 'select 1'"}"#,
        ),
        (
            r#"{"role":"tool","content":"{\"user\":{\"email\":\"ada@example.org\",\"password\":\"a\\\"b\\\"c\",\"card\":4111111111111111}}"}"#,
            r#"{"role":"tool","content":"{\"user\":{\"email\":\"<email>\",\"password\":\"<password>\",\"card\":\"<credit_card>\"}}"}"#,
        ),
        (
            "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\nDEBUG=1",
            "AWS_ACCESS_KEY_ID=<aws_access_key>\nAWS_SECRET_ACCESS_KEY=<api_key>\nDEBUG=1",
        ),
        (
            r#"{"password": "x ada@example.org y", "n": [4111111111111111, 2]}"#,
            r#"{"password": "<password>", "n": ["<credit_card>", 2]}"#,
        ),
        (
            r#"client = OpenAI(api_key="sk-0f3a9c17d2e84b5569a0c1d2e3f40516", base_url=URL)"#,
            r#"client = OpenAI(api_key="<openai_key>", base_url=URL)"#,
        ),
        (
            "Dear Ada <ada@example.org>, please pay to DE89 3704 0044 0532 0130 00 by card 4111-1111-1111-1111.",
            "Dear Ada <<email>>, please pay to <iban> by card <credit_card>.",
        ),
        (
            r#"Traceback: File "x.py", line 3, in <module>\n  login(password='hunter2')\nKeyError: 'token'"#,
            r#"Traceback: File "x.py", line 3, in <module>\n  login(password='<password>')\nKeyError: 'token'"#,
        ),
        (
            r#"{"dsn":"postgres://app:pa$${w}rd@db/app","password":"$ecret{1}"}"#,
            r#"{"dsn":"postgres://app:<url_password>@db/app","password":"<password>"}"#,
        ),
        (
            r#"{"headers":{"x-api-key":"0f3a9c17d2e84b55","cookie":"a=b"},"password":12345678}"#,
            r#"{"headers":{"x-api-key":"<api_key>","cookie":"a=b"},"password":"<password>"}"#,
        ),
        ("密码是 password=hunter2，谢谢", "密码是 password=<password>"),
    ];
    for (text, expected) in &table[..table.len() - 1] {
        assert_eq!(shown(&redactor.redact(text)), *expected);
    }
    let (text, start) = table[table.len() - 1];
    assert!(shown(&redactor.redact(text)).starts_with(start));
}

#[test]
fn what_only_looks_like_a_secret_survives() {
    let image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let texts = [
        r#"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","startTimeUnixNano":"1714557600123456789"}"#,
        "550e8400-e29b-41d4-a716-446655440000 12344111-1111-4111-8111-111111111111",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 commit 3470af8b6d2c1e",
        &format!("data:image/png;base64,{image}"),
        "1714557600 1714557600123 1714557600123456 2024-05-01T10:00:00.123456789Z 0.4532015112830366 -0.0042",
        r#"{"usage":{"prompt_tokens":4096,"completion_tokens":17,"total_tokens":4113},"model":"gpt-4o-mini-2024-07-18"}"#,
        r#"{"logprobs":[{"token":"Hello","logprob":-0.41234567890123456},{"token":" 2024","logprob":-1.5}]}"#,
        r#"{"id":"call_Zk3vJx9Qm2LrT8wYb5NcHd7P","name":"login","parameters":{"password":{"type":"string"}}}"#,
        "chatcmpl-Zk3vJx9Qm2LrT8wYb5NcHd7PfGsA4 toolu_01Zk3vJx9Qm2LrT8wYb5NcHd msg_0f3a9c17d2e84b55 resp_68af4030592c81938ec0a5fbab4a3e9f",
        "The token limit is 4096; risk-averse task-based desk-work. Keep it secret: tell nobody. Authorization: required",
        "from torch import nn  # x@w.T, q@k.transpose(1, 2)\n@app.route('/login')\ndef login(password: str, token: str | None = None): ...",
        "git clone git@github.com:halo/halo.git && npm i react@18.2.0 @types/node@20",
        r#"{"session.id":"c0ffee","user.id":"u-42","etag":"W/\"5e1-Zk3vJx9Qm2L\""}"#,
        "order 4111111111111112 of 2024, phone +49 30 901820, host 10.0.0.1",
    ];
    let redactor = builtin();
    for text in texts {
        assert!(matches!(redactor.redact(text), Cow::Borrowed(_)), "{} -> {}", text, redactor.redact(text));
    }
}

#[test]
fn one_value_has_one_mark() {
    let redactor = builtin();
    let hash = |text: &str| {
        let masked = redactor.redact(text).into_owned();
        let mark = marks(&masked).first().cloned().unwrap();
        masked[mark.end - 11..mark.end - 1].to_owned()
    };
    assert_eq!(hash("4111 1111 1111 1111"), hash(r#"{"n":4111111111111111}"#));
    assert_eq!(hash("password=hunter2"), hash(r#"{"args":"{\"passwd\":\"hunter2\"}"}"#));
    assert_eq!(hash("password=hunter2"), hash("redis://x:hunter2@cache"));
    assert_ne!(hash("password=hunter2"), hash("password=hunter3"));
    // Marks in datasets that exist already: this hash may never change.
    assert_eq!(redactor.redact("ada@example.org"), "[REDACTED:email:3366a250dc]");
    let salted = redactor.clone().with_salt(b"0123456789abcdef").redact("ada@example.org").into_owned();
    assert_ne!(salted, redactor.redact("ada@example.org"));
    assert_ne!(salted, redactor.clone().with_salt(b"0123456789abcdeg").redact("ada@example.org"));
}

#[test]
fn fields_are_masked_by_their_name() {
    let redactor = builtin();
    let mut counts = RedactionCounts::default();
    let mut masked = |name: &str, value: &str| shown(&redactor.redact_field(name, value, &mut counts));
    assert_eq!(masked("db.password", "correct horse"), "<password>");
    assert_eq!(masked("http.request.header.x-api-key", "0f3a9c17d2e84b55"), "<api_key>");
    assert_eq!(masked("userPassword", "hunter2"), "<password>");
    assert_eq!(masked("openai_api_key", "sk-0f3a9c17d2e84b5569a0c1d2e3f40516"), "<openai_key>");
    assert_eq!(masked("password", "is ada@example.org"), "<password>");
    assert_eq!(masked("password", "[REDACTED:password:3f9a2c41d0]"), "<password>");
    for (name, value) in [
        ("gen_ai.usage.input_tokens", "4096"),
        ("password", "***"),
        ("token", "Hello"),
        ("password_policy", "at least 8"),
        ("compass", "north"),
    ] {
        assert_eq!(masked(name, value), value, "{name}");
    }
    assert_eq!(counts.to_string(), "3 password, 1 api_key, 1 openai_key");
}

#[test]
fn rules_are_listed() {
    let redactor = builtin();
    assert!(redactor.rules().any(|rule| rule == RuleInfo { id: "email", what: "E-mail addresses" }));
    assert!(!redactor.rules().any(|rule| rule.id == "phone"));
}

#[test]
fn hostile_text_costs_no_more_than_its_length() {
    let redactor = builtin();
    let started = std::time::Instant::now();
    for part in [
        "sk-",
        "-eyJ",
        "eyJa.",
        "-----BEGIN RSA PRIVATE KEY-----",
        "://a:",
        "password:",
        "a@",
        "4111",
        "\\\"secret\\\": \\\"",
        "AA11",
    ] {
        redactor.redact(&part.repeat(40_000 / part.len()));
    }
    assert!(started.elapsed().as_secs() < 30);
}

/// Pieces of which secrets are made, so that chance puts together what random characters never would.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "password",
        "api_key",
        "token",
        "secret",
        "=",
        ": ",
        ":",
        "\"",
        "\\\"",
        "\\\\\\\"",
        "'",
        "\\n",
        "\n",
        " ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "(",
        ")",
        "hunter2",
        "ada@example.org",
        "@",
        "sk-0f3a9c17d2e84b5569a0c1d2e3f40516",
        "4111111111111111",
        "4111 1111 1111 1111",
        "DE89370400440532013000",
        "https://",
        "u:p@",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "-----BEGIN PRIVATE KEY-----",
        "MIIEow",
        "[REDACTED:email:3f9a2c41d0]",
        "[REDACTED:",
        "0123456789",
        "é",
        "--password ",
        "a",
        "-",
        "_",
        ".",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1",
        ".eyJzdWIiOiIxMjM0",
        "\\u003c",
        "%3D",
        "\u{1f600}",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn twice_is_once(text in pieces()) {
        let redactor = everything();
        let once = redactor.redact(&text).into_owned();
        prop_assert!(matches!(redactor.redact(&once), Cow::Borrowed(_)), "{} -> {}", once, redactor.redact(&once));
    }

    #[test]
    fn any_text_is_taken_and_no_match_changes_nothing(text in any::<String>(), lower in "[a-z ,.;!?\n]{0,200}") {
        let redactor = everything();
        redactor.redact(&text);
        // Without a digit, a quote or a sign between key and value there is nothing to find.
        prop_assert!(matches!(redactor.redact(&lower), Cow::Borrowed(_)));
    }

    #[test]
    fn what_surrounds_a_secret_stays_and_the_secret_goes(before in "[a-z \n]{0,30}", behind in "[ \n][a-z \n]{0,30}", digits in "[A-Z][0-9]{2}[a-zA-Z0-9]{30}") {
        let secret = format!("ghp_{digits}xyz");
        let text = format!("{before} {secret}{behind}");
        let masked = builtin().redact(&text).into_owned();
        prop_assert!(!masked.contains(&digits));
        prop_assert!(masked.starts_with(&before) && masked.ends_with(&behind));
        prop_assert_eq!(marks(&masked).len(), 1);
    }

    #[test]
    fn passwords_of_any_characters_go_and_json_stays(password in "[ -z|~é]{4,40}", depth in 0_usize..3) {
        // What stands for a value is left alone, by intention.
        prop_assume!(!masked_as_placeholder(&password));
        let mut text = serde_json::json!({"user": "u", "password": password, "n": 1}).to_string();
        for _ in 0..depth {
            text = serde_json::json!({"content": text}).to_string();
        }
        let masked = everything().redact(&text).into_owned();
        let mut value: serde_json::Value = serde_json::from_str(&masked).unwrap();
        for _ in 0..depth {
            value = serde_json::from_str(value["content"].as_str().unwrap()).unwrap();
        }
        prop_assert_eq!(&value["n"], &serde_json::json!(1));
        let left = value["password"].as_str().unwrap();
        prop_assert_eq!(marks(left).first().cloned(), Some(0..left.len()));
    }

    #[test]
    fn json_stays_json(text in pieces(), number in prop::sample::select(vec![4_111_111_111_111_111_u64, 17])) {
        let inner = serde_json::json!({"a": text, "n": number, "l": [number, text, number]}).to_string();
        let outer = serde_json::json!({"content": inner}).to_string();
        let masked = everything().redact(&outer).into_owned();
        let outer: Result<serde_json::Value, _> = serde_json::from_str(&masked);
        prop_assert!(outer.is_ok(), "{}", masked);
        let content = outer.unwrap()["content"].as_str().unwrap().to_owned();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&content).is_ok(), "{}", content);
    }
}

fn masked_as_placeholder(password: &str) -> bool {
    let json = serde_json::json!({"password": password}).to_string();
    matches!(builtin().redact(&json), Cow::Borrowed(_))
}
