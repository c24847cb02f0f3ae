//! Reports made by hand: a travel-booking agent with four systemic faults, an empty dataset, a clean one, a
//! failed run.

use halo_protocol::{
    CheckOutcome, Count, Coverage, DatasetSummary, Evidence, FORMAT_VERSION, Finding, FindingSource, Interval,
    NamedQuery, RefusedFinding, Report, RunEnd, RunInfo, RunMode, ScopeEntry, Severity, Usage,
};

#[path = "sample_course.rs"]
mod course;

fn text(words: &str) -> String {
    words.to_owned()
}

fn counts(values: &[(&str, u64)]) -> Vec<Count> {
    values.iter().map(|(value, traces)| Count { value: text(value), traces: *traces }).collect()
}

fn evidence(trace: &str, span: &str, quote: &str) -> Evidence {
    Evidence { trace_id: text(trace), span_id: text(span), quote: text(quote) }
}

fn scope(key: &str, value: &str, (affected, population): (u64, u64), lift: f64, p_value: f64) -> ScopeEntry {
    ScopeEntry { key: text(key), value: text(value), affected, population, among: 150, lift, p_value }
}

/// A finding with counts and nothing else to tell.
pub(crate) fn finding(id: &str, severity: Severity, affected: u64, population: u64) -> Finding {
    Finding {
        id: text(id),
        title: format!("Fault {id}"),
        category: text("tool_use"),
        severity,
        claim: text("It happens."),
        cause: text("The harness lets it happen."),
        fix: text("Do not let it happen."),
        affected_sql: text("SELECT trace_id FROM traces WHERE false"),
        population_sql: text("SELECT trace_id FROM traces"),
        affected,
        population,
        rate: if population == 0 { 0.0 } else { affected as f64 / population as f64 },
        interval: Interval::wilson(affected, population),
        scope: Vec::new(),
        evidence: Vec::new(),
        code: vec![],
        outcomes: None,
        trend: Vec::new(),
        conversations: Vec::new(),
        sample_trace_ids: (0..affected.min(20)).map(|n| format!("{id}-run-{n:03}")).collect(),
        source: FindingSource::Check { name: text("a_check") },
        verified: true,
    }
}

fn samples(numbers: &[u32]) -> Vec<String> {
    numbers.iter().map(|number| format!("4be1d20c77{number:022x}")).collect()
}

fn charged_twice() -> Finding {
    Finding {
        title: text("A payment that timed out is sent again and charges the card twice"),
        category: text("retry"),
        claim: text(
            "After `charge_card` times out, the harness repeats the call with the same amount and no idempotency key. \
             The first charge had gone through, so the traveller pays twice.",
        ),
        cause: text(
            "The retry wrapper around tools treats a timeout as \"nothing happened\" for every tool, also for those with \
             a side effect. Version 2.3.1 put `charge_card` behind that wrapper.",
        ),
        fix: text(
            "Send an `idempotency_key` per booking with `charge_card`, and take it out of the blind retry: after a timeout \
             call `get_charge_status` first.\nAdd a contract test that times out after the charge was taken.",
        ),
        affected_sql: text(
            "SELECT trace_id\nFROM tool_calls\nWHERE tool_name = 'charge_card'\nGROUP BY trace_id, arguments\n\
             HAVING count(*) FILTER (WHERE NOT failed OR failure_code = 'timeout') > 1",
        ),
        population_sql: text("SELECT DISTINCT trace_id FROM tool_calls WHERE tool_name = 'charge_card'"),
        scope: vec![
            scope("service.version", "2.3.1", (14, 40), 2.8, 0.000_000_2),
            scope("payment.provider", "northpay", (11, 52), 1.69, 0.031),
        ],
        evidence: vec![
            evidence(
                "4be1d20c770000000000000000000011",
                "9c21f07be4a85d30",
                "{\"error\":\"timeout\",\"after_ms\":10000,\"detail\":\"no answer from northpay\"}",
            ),
            evidence(
                "4be1d20c770000000000000000000011",
                "9c21f07be4a85d34",
                "{\"status\":\"captured\",\"charge_id\":\"ch_88213\",\"amount\":\"412.80 EUR\",\"duplicate_of\":\"ch_88209\"}",
            ),
        ],
        code: vec![halo_protocol::CodeCitation {
            place: "agent/refunds.py:40-41".into(),
            text: text("result = call(\"refund\", order)\nreply(\"Your money is on its way\")"),
            commit: Some("4f2c9d1a7be0553312aa".into()),
        }],
        outcomes: Some(halo_protocol::OutcomeContrast {
            failed_affected: 11,
            failed: 31,
            passed_affected: 2,
            passed: 96,
        }),
        trend: course::days(&[
            (0, 9),
            (0, 8),
            (0, 10),
            (0, 9),
            (0, 11),
            (0, 3),
            (0, 0),
            (0, 12),
            (2, 9),
            (3, 10),
            (4, 11),
            (3, 10),
            (2, 10),
        ]),
        conversations: vec![course::charged_twice("9c21f07be4a85d30"), course::charged_twice("9c21f07be4a85d34")],
        sample_trace_ids: samples(&[17, 23, 31, 44, 58, 59, 72, 80, 91, 103, 117, 120, 131, 140]),
        source: FindingSource::Check { name: text("side_effect_retried") },
        ..finding("f-1a7c90", Severity::Critical, 14, 112)
    }
}

fn dates_guessed() -> Finding {
    Finding {
        title: text("Dates without a year are searched in the past"),
        category: text("context"),
        claim: text(
            "Asked for \"3 April\", the agent calls `search_flights` with a date in 2024. The tool answers with an empty \
             list and the agent tells the traveller that there are no flights.",
        ),
        cause: text(
            "The system prompt does not say which day it is, so the model falls back on the year it was trained in.",
        ),
        fix: text(
            "Put the current date into the system prompt at the start of each run. Let `search_flights` refuse past dates \
             with a message that says so, in place of an empty list.",
        ),
        affected_sql: text(
            "SELECT DISTINCT trace_id\nFROM tool_calls\nWHERE tool_name = 'search_flights'\n  \
             AND arguments->>'date' < '2026-01-01'",
        ),
        scope: vec![scope("model", "swift-4-mini", (31, 96), 1.46, 0.000_4)],
        outcomes: Some(halo_protocol::OutcomeContrast {
            failed_affected: 7,
            failed: 31,
            passed_affected: 21,
            passed: 96,
        }),
        evidence: vec![
            evidence("4be1d20c770000000000000000000005", "03d5b1c2a9e84f70", "{}"),
            evidence(
                "4be1d20c770000000000000000000005",
                "03d5b1c2a9e84f77",
                "I am sorry, there are no flights from Lisbon to Oslo on 3 April. Shall I look for trains?",
            ),
            evidence("4be1d20c770000000000000000000009", "03d5b1c2a9e84fa1", "no flights on 12 May, I am afraid"),
        ],
        code: vec![],
        trend: course::days(&[
            (3, 14),
            (2, 12),
            (4, 15),
            (2, 13),
            (3, 16),
            (1, 2),
            (0, 0),
            (3, 14),
            (4, 15),
            (3, 16),
            (2, 11),
            (4, 12),
            (2, 10),
        ]),
        conversations: course::dates_guessed(),
        sample_trace_ids: samples(&[5, 6, 9, 12, 17, 19, 21, 24, 26, 30, 33, 37, 38, 41, 45, 47, 50, 52, 55, 58]),
        source: FindingSource::Agent { name: text("root") },
        ..finding("f-b20e4d", Severity::High, 33, 150)
    }
}

fn long_search_results() -> Finding {
    let offer =
        "{\"flight\":\"ZQ 418\",\"from\":\"LIS\",\"to\":\"OSL\",\"fare_rules\":\"non-refundable, changes 60 EUR\"},";
    Finding {
        title: text("Search results fill the context until the traveller's wishes fall out of it"),
        category: text("context"),
        claim: text(
            "Each search puts 60 to 90 offers with full fare rules into the conversation. After the third search the first messages are cut.",
        ),
        cause: text(
            "`search_flights` returns all offers unpaged, and the harness cuts the oldest messages first, the request among them.",
        ),
        fix: text("Return the ten best offers with a cursor. Never cut the first user message."),
        affected_sql: text("SELECT trace_id FROM traces WHERE input_tokens > 120000"),
        evidence: vec![evidence(
            "4be1d20c770000000000000000000042",
            "77aa01be03c4d2f9",
            &format!("{{\"offers\":[{}{{\"truncated\":true}}]}}", offer.repeat(24)),
        )],
        code: vec![],
        trend: course::days(&[(0, 30), (2, 44), (7, 76)]),
        conversations: Vec::new(),
        sample_trace_ids: samples(&[2, 66, 70, 85, 99, 101, 122, 129, 143]),
        source: FindingSource::Check { name: text("context_overflow") },
        ..finding("f-77d3aa", Severity::Medium, 9, 150)
    }
}

fn polite_loop() -> Finding {
    Finding {
        title: text("Runs go on for one more turn after the traveller said goodbye"),
        category: text("termination"),
        claim: text(
            "After \"thanks, bye\" the agent calls `get_weather` once more and answers into an ended conversation.",
        ),
        cause: text("There is no tool or rule that ends a conversation."),
        fix: text("Give the agent an `end_conversation` tool, or stop on the client's hang-up event."),
        affected_sql: text("SELECT trace_id FROM traces WHERE final_output ILIKE '%safe travels%weather%'"),
        scope: vec![scope("locale", "de-DE", (2, 31), 4.84, 0.21)],
        evidence: vec![evidence("4be1d20c770000000000000000000061", "5e0d9f1b7c3a2468", "thanks, bye!")],
        code: vec![],
        trend: Vec::new(),
        conversations: Vec::new(),
        sample_trace_ids: samples(&[97, 133]),
        source: FindingSource::Agent { name: text("root/1") },
        ..finding("f-e5518b", Severity::Low, 2, 150)
    }
}

fn check(name: &str, title: &str, (affected, population): (u64, u64), findings: u64) -> CheckOutcome {
    let (name, title) = (text(name), text(title));
    CheckOutcome { name, title, affected, population, findings, one_offs: Vec::new(), untold: None, error: None }
}

fn checks() -> Vec<CheckOutcome> {
    vec![
        check("side_effect_retried", "Calls with a side effect sent again", (14, 112), 1),
        check("context_overflow", "Context grown past its limit", (9, 150), 1),
        CheckOutcome {
            one_offs: vec![evidence(
                "4be1d20c77000000000000000000002a",
                "b1c0ffee00d15ea5",
                "unknown tool: book_hotel",
            )],
            ..check("unknown_tool", "Calls of tools that were not offered", (1, 150), 0)
        },
        check("empty_answer", "Runs that end without an answer", (0, 150), 0),
        check("identical_calls", "The same call over and over", (0, 150), 0),
        check("retrieval_empty", "Retrievals that find nothing", (0, 0), 0),
        CheckOutcome {
            error: Some(text("the column cost_usd holds text in 3 rows")),
            ..check("cost_outlier", "Runs that cost far more than others", (0, 0), 0)
        },
    ]
}

fn dataset() -> DatasetSummary {
    DatasetSummary {
        traces: 150,
        spans: 3_818,
        llm_spans: 1_204,
        tool_spans: 1_631,
        error_spans: 87,
        error_traces: 41,
        outcomes: halo_protocol::OutcomeCounts { success: 96, failure: 31, unknown: 23 },
        input_tokens: 9_812_440,
        output_tokens: 301_117,
        first_time: Some(text("2026-03-02T06:12:44.120Z")),
        last_time: Some(text("2026-03-14T21:55:09.900Z")),
        services: counts(&[("booking-agent", 150)]),
        agents: counts(&[("concierge", 150), ("fare-finder", 88)]),
        models: counts(&[("swift-4-mini", 96), ("swift-4", 54)]),
        tools: counts(&[
            ("search_flights", 150),
            ("get_fare_rules", 141),
            ("charge_card", 112),
            ("hold_seat", 112),
            ("get_weather", 60),
            ("get_visa_rules", 38),
            ("search_trains", 31),
            ("send_itinerary", 29),
            ("cancel_booking", 12),
            ("get_charge_status", 4),
        ]),
    }
}

const ANSWER: &str = "The booking agent does its work in about two of three runs. Two things cost the most:\n\n\
    1. **Double charges** since release 2.3.1: see [finding 1](#finding-1). Roll the wrapper back today.\n\
    2. **Dates in the past**: one line in the system prompt repairs a fifth of all runs.\n\n\
    ## What I did not look at\n\n\
    Train bookings: only 31 runs have one. The provider's page on \
    [idempotent requests](https://docs.northpay.example/idempotency) describes the key.\n";

/// A model run over a travel-booking agent: four findings, one-offs, refused claims.
pub(crate) fn rich() -> Report {
    Report {
        format_version: FORMAT_VERSION,
        run: RunInfo {
            halo_version: text("0.1.0"),
            started_at: text("2026-03-15T09:30:12.004Z"),
            elapsed_ms: 252_300,
            mode: RunMode::Model { model: text("analyst-large") },
            prompt: Some(text("Why do travellers complain about bookings since last week?")),
            input: text("traces/booking-2026-03"),
            end: RunEnd::Complete,
        },
        dataset: dataset(),
        answer: Some(text(ANSWER)),
        findings: vec![charged_twice(), dates_guessed(), long_search_results(), polite_loop()],
        refused: vec![
            RefusedFinding {
                title: text("The agent invents visa rules"),
                reason: text(
                    "the quote \"no visa needed for any passport\" does not stand in span 11f0 of trace 4be1…0c",
                ),
            },
            RefusedFinding {
                title: text("Half of all runs end in an error"),
                reason: text("affected_sql counts 41 of 150 traces, the claim says 75"),
            },
        ],
        coverage: Coverage {
            traces_total: 150,
            traces_checked: 150,
            traces_read: 22,
            traces_hit: None,
            checks: checks(),
        },
        usage: Usage {
            requests: 31,
            input_tokens: 412_300,
            output_tokens: 18_455,
            cached_input_tokens: 330_112,
            cache_write_input_tokens: 0,
            reasoning_tokens: 9_100,
        },
        cost_usd: Some(0.27),
        queries: vec![NamedQuery {
            name: text("Runs per version and day"),
            sql: text(
                "SELECT attributes->>'service.version' AS version, date_trunc('day', start_time) AS day, count(*)\nFROM traces\nGROUP BY 1, 2\nORDER BY 2, 1",
            ),
        }],
    }
}

/// An offline run in which every check ran and nothing was found.
pub(crate) fn clean() -> Report {
    let names =
        [("empty_answer", "Runs that end without an answer"), ("identical_calls", "The same call over and over")];
    Report {
        run: RunInfo { mode: RunMode::Offline, prompt: None, elapsed_ms: 840, ..rich().run },
        answer: None,
        findings: Vec::new(),
        refused: Vec::new(),
        coverage: Coverage {
            traces_hit: None,
            traces_total: 150,
            traces_checked: 150,
            traces_read: 0,
            checks: names.map(|(name, title)| check(name, title, (0, 150), 0)).into(),
        },
        usage: Usage::default(),
        cost_usd: None,
        queries: Vec::new(),
        ..rich()
    }
}

/// An offline run over a dataset with nothing in it.
pub(crate) fn empty() -> Report {
    Report { dataset: DatasetSummary::default(), coverage: Coverage::default(), ..clean() }
}

/// A model run that lost its model after the first finding.
pub(crate) fn failed() -> Report {
    let rich = rich();
    Report {
        run: RunInfo {
            end: RunEnd::Failed { error: text("503 from http://127.0.0.1:9/v1 five times in a row.") },
            ..rich.run
        },
        answer: None,
        findings: vec![polite_loop()],
        refused: Vec::new(),
        coverage: Coverage { traces_read: 1, ..rich.coverage },
        usage: Usage { requests: 2, input_tokens: 9_000, output_tokens: 410, ..Usage::default() },
        queries: Vec::new(),
        ..rich
    }
}
