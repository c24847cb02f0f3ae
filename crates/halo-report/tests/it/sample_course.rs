//! What the findings of the sample say over time and around their quotes.

use halo_protocol::{Conversation, TrendPoint, Turn, TurnRole};

/// A course of days from 2 March on.
pub(crate) fn days(counts: &[(u64, u64)]) -> Vec<TrendPoint> {
    let point = |(day, (affected, population)): (usize, &(u64, u64))| {
        let day = format!("2026-03-{:02}", day + 2);
        TrendPoint { from: day.clone(), to: day, affected: *affected, population: *population }
    };
    counts.iter().enumerate().map(point).collect()
}

/// A turn: whose, of which span, the name of the tool or nothing, what is said.
type Said<'a> = (TurnRole, &'a str, &'a str, &'a str);

/// A conversation of a trace around a span.
pub(crate) fn conversation(trace_id: &str, span_id: &str, turns: &[Said<'_>]) -> Conversation {
    let turn = |(role, span, name, text): &Said<'_>| Turn {
        span_id: (*span).to_owned(),
        role: *role,
        name: (!name.is_empty()).then(|| (*name).to_owned()),
        text: text.trim_end_matches('…').to_owned(),
        is_cut: text.ends_with('…'),
        is_quoted: *span == span_id,
    };
    Conversation { trace_id: trace_id.to_owned(), span_id: span_id.to_owned(), turns: turns.iter().map(turn).collect() }
}

/// The call that times out and the one that charges again.
pub(crate) fn charged_twice(span_id: &str) -> Conversation {
    use TurnRole::{Assistant, Other, ToolCall, ToolResult, User};
    let (first, second) = ("9c21f07be4a85d30", "9c21f07be4a85d34");
    let amount = "{\"booking\":\"B-2207\",\"amount\":\"412.80 EUR\"}";
    conversation(
        "4be1d20c770000000000000000000011",
        span_id,
        &[
            (
                User,
                "9c21f07be4a85d11",
                "",
                "Lisbon to Oslo on the 3rd, window seat please. My card is the one on file.",
            ),
            (ToolCall, "9c21f07be4a85d20", "hold_seat", "{\"flight\":\"ZQ 418\",\"seat\":\"12A\"}"),
            (ToolResult, "9c21f07be4a85d20", "hold_seat", "{\"held_until\":\"14:20\"}"),
            (Assistant, "9c21f07be4a85d2a", "", "Seat 12A is held. I charge your card now."),
            (ToolCall, first, "charge_card", amount),
            (
                ToolResult,
                first,
                "charge_card",
                "{\"error\":\"timeout\",\"after_ms\":10000,\"detail\":\"no answer from northpay\"}",
            ),
            (Other, "9c21f07be4a85d31", "retry_wrapper", "attempt 2 of 3"),
            (ToolCall, second, "charge_card", amount),
            (
                ToolResult,
                second,
                "charge_card",
                "{\"status\":\"captured\",\"charge_id\":\"ch_88213\",\"amount\":\"412.80 EUR\",\"duplicate_of\":\"ch_88209\"}",
            ),
            (
                Assistant,
                "9c21f07be4a85d40",
                "",
                "All done! Your booking B-2207 is paid and the ticket is on its way to your inbox. You will…",
            ),
        ],
    )
}

/// A search in the past that finds nothing, and the answer made of it.
pub(crate) fn dates_guessed() -> Vec<Conversation> {
    use TurnRole::{Assistant, ToolCall, ToolResult, User};
    let trace = "4be1d20c770000000000000000000005";
    let (search, answer) = ("03d5b1c2a9e84f70", "03d5b1c2a9e84f77");
    let turns = [
        (User, "03d5b1c2a9e84f60", "", "Flights from Lisbon to Oslo on 3 April?"),
        (ToolCall, search, "search_flights", "{\"from\":\"LIS\",\"to\":\"OSL\",\"date\":\"2024-04-03\"}"),
        (ToolResult, search, "search_flights", "{}"),
        (
            Assistant,
            answer,
            "",
            "Let me see. I am sorry, there are no flights from Lisbon to Oslo on 3 April. Shall I look for trains?",
        ),
        (User, "03d5b1c2a9e84f80", "", "Strange, I took one last year. Fine, trains then."),
    ];
    vec![conversation(trace, search, &turns), conversation(trace, answer, &turns)]
}
