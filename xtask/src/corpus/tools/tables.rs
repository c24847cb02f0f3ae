//! The tables of tools, one per service.

use super::{Param, Reply, ToolSpec};

const fn need(name: &'static str, kind: &'static str, from: &'static str) -> Param {
    Param { name, kind, required: true, from }
}

const fn may(name: &'static str, kind: &'static str, from: &'static str) -> Param {
    Param { name, kind, required: false, from }
}

const fn read(name: &'static str, about: &'static str, params: &'static [Param], reply: Reply, ms: i64) -> ToolSpec {
    ToolSpec { name, about, params, reply, ms, write: false }
}

const fn write(name: &'static str, about: &'static str, params: &'static [Param], done: &'static str) -> ToolSpec {
    ToolSpec { name, about, params, reply: Reply::Done(done), ms: 420, write: true }
}

/// Tools of the support desk.
pub(crate) const SUPPORT: &[ToolSpec] = &[
    read(
        "lookup_order",
        "Find an order by its number",
        &[need("order_id", "string", "order")],
        Reply::Record(&[
            ("order_id", "order"),
            ("item", "item"),
            ("total", "amount"),
            ("ordered_on", "date"),
            ("customer", "name"),
            ("account", "tenant"),
            ("note", "note"),
        ]),
        180,
    ),
    read(
        "check_policy",
        "Search the policy",
        &[need("query", "string", "item"), may("top_k", "integer", "=3")],
        Reply::Docs("doc.kb", 3),
        260,
    ),
    write(
        "refund_order",
        "Refund an order",
        &[
            need("order_id", "string", "order"),
            need("amount", "number", "#amount"),
            may("reason", "string", "=damaged"),
        ],
        "refunded",
    ),
    read(
        "track_shipment",
        "State of a parcel",
        &[need("order_id", "string", "order"), may("carrier", "string", "=any")],
        Reply::Record(&[("order_id", "order"), ("last_seen", "city"), ("due", "date"), ("state", "=in_transit")]),
        310,
    ),
    write(
        "update_order",
        "Change a field of an order",
        &[
            need("order_id", "string", "order"),
            need("field", "string", "=shipping_address"),
            need("value", "string", "city"),
        ],
        "updated",
    ),
    write(
        "transfer_to_agent",
        "Hand the case to another agent",
        &[need("to", "string", "=billing"), need("summary", "string", "order")],
        "transferred",
    ),
];

/// Tools of the travel concierge.
pub(crate) const TRAVEL: &[ToolSpec] = &[
    read(
        "search_flights",
        "Search flights",
        &[
            need("origin", "string", "city"),
            need("destination", "string", "city2"),
            need("date", "string", "date"),
            may("max_results", "integer", "=5"),
        ],
        Reply::Offers("flight"),
        900,
    ),
    read("get_fare_rules", "Rules of a fare", &[need("flight", "string", "flight")], Reply::Docs("doc.travel", 2), 300),
    write(
        "book_flight",
        "Book a flight",
        &[need("flight", "string", "flight"), need("date", "string", "date"), need("passenger", "string", "employee")],
        "booked",
    ),
    read(
        "search_hotels",
        "Search hotels",
        &[
            need("city", "string", "city2"),
            need("check_in", "string", "date"),
            need("nights", "integer", "#days"),
            may("guests", "integer", "=1"),
        ],
        Reply::Offers("hotel"),
        1100,
    ),
    write(
        "book_hotel",
        "Book a hotel",
        &[need("hotel", "string", "hotel"), need("check_in", "string", "date"), need("nights", "integer", "#days")],
        "booked",
    ),
    read(
        "get_reservation",
        "Find a reservation",
        &[need("reservation_id", "string", "order")],
        Reply::Record(&[
            ("reservation_id", "order"),
            ("passenger", "employee"),
            ("flight", "flight"),
            ("date", "date"),
            ("paid", "amount"),
        ]),
        240,
    ),
    write("cancel_reservation", "Cancel a reservation", &[need("reservation_id", "string", "order")], "cancelled"),
];

/// Tools of the code assistant.
pub(crate) const CODING: &[ToolSpec] = &[
    read(
        "search_code",
        "Search the repository",
        &[need("pattern", "string", "func"), may("path", "string", "=.")],
        Reply::Record(&[("file", "file"), ("symbol", "func"), ("line", "#count"), ("matches", "#n")]),
        140,
    ),
    read(
        "read_file",
        "Read a file",
        &[need("path", "string", "file"), may("offset", "integer", "=0")],
        Reply::Text(&["doc.code_noise", "doc.code", "doc.code_noise"]),
        40,
    ),
    write(
        "edit_file",
        "Replace text in a file",
        &[need("path", "string", "file"), need("old", "string", "func"), need("new", "string", "=patched")],
        "written",
    ),
    read("run_tests", "Run the tests", &[may("path", "string", "=tests")], Reply::Text(&["doc.tests_ok"]), 6_500),
];

/// Tools of the research library.
pub(crate) const RESEARCH: &[ToolSpec] = &[
    read(
        "search_library",
        "Search the library",
        &[need("query", "string", "topic"), may("top_k", "integer", "=4")],
        Reply::Docs("doc.research", 3),
        320,
    ),
    read(
        "delegate",
        "Give a sub-question to a researcher",
        &[need("task", "string", "topic")],
        Reply::Docs("doc.subnote", 1),
        100,
    ),
    read(
        "fetch_document",
        "Full text of a document",
        &[need("doc_id", "string", "docid")],
        Reply::Text(&["doc.research", "doc.research"]),
        450,
    ),
];

/// Tools of the data analyst.
pub(crate) const DATA: &[ToolSpec] = &[
    read(
        "list_tables",
        "List the tables",
        &[may("schema", "string", "=public")],
        Reply::Record(&[("tables", "tables")]),
        90,
    ),
    read(
        "describe_table",
        "Columns of a table",
        &[need("table", "string", "table")],
        Reply::Record(&[
            ("table", "table"),
            ("columns", "=id, account_id, region, amount, state, created_at"),
            ("rows", "#total"),
        ]),
        110,
    ),
    read(
        "run_query",
        "Run a SQL query",
        &[need("sql", "string", "sql"), need("limit", "integer", "=100")],
        Reply::Rows,
        850,
    ),
    read(
        "list_records",
        "List records by page",
        &[need("table", "string", "table"), may("filter", "string", "=balance > 0"), may("cursor", "string", "")],
        Reply::Page,
        420,
    ),
    write("start_export", "Start a long export", &[need("table", "string", "table")], "started"),
    write("get_job", "State of a job", &[need("job_id", "string", "docid")], "running"),
    read(
        "make_chart",
        "Draw a chart",
        &[need("title", "string", "metric"), need("kind", "string", "=bar")],
        Reply::Done("rendered"),
        700,
    ),
];

/// Tools of the operations copilot.
pub(crate) const OPS: &[ToolSpec] = &[
    read(
        "get_metrics",
        "Metrics of a service",
        &[need("service", "string", "service"), need("window_minutes", "integer", "=30")],
        Reply::Record(&[
            ("service", "service"),
            ("host", "host"),
            ("p95_ms", "#count"),
            ("error_rate_percent", "#n"),
            ("since", "hour"),
        ]),
        380,
    ),
    read(
        "query_logs",
        "Search logs",
        &[need("service", "string", "service"), need("query", "string", "log_query"), may("limit", "integer", "=50")],
        Reply::Text(&["doc.log_ok", "doc.log_ok"]),
        720,
    ),
    read(
        "get_deploy",
        "Last deployment of a service",
        &[need("service", "string", "service")],
        Reply::Record(&[
            ("service", "service"),
            ("finished", "hour"),
            ("replicas_ready", "#n"),
            ("state", "=complete"),
        ]),
        260,
    ),
    write(
        "restart_service",
        "Restart a service",
        &[need("service", "string", "service"), may("host", "string", "host")],
        "restarted",
    ),
    write(
        "page_owner",
        "Page the owner",
        &[need("service", "string", "service"), need("text", "string", "=please look")],
        "paged",
    ),
];

/// Tools of the contract reviewer.
pub(crate) const LEGAL: &[ToolSpec] = &[
    read(
        "fetch_contract",
        "Full text of a contract",
        &[need("title", "string", "contract"), need("party", "string", "party")],
        Reply::Text(&["doc.contract", "doc.contract", "doc.contract", "doc.contract", "doc.contract", "doc.contract"]),
        520,
    ),
    read(
        "extract_clauses",
        "Extract clauses",
        &[need("title", "string", "contract"), need("clause", "string", "clause")],
        Reply::Docs("doc.contract", 2),
        900,
    ),
    read(
        "compare_clauses",
        "Compare with the playbook",
        &[need("title", "string", "contract"), may("strict", "boolean", "=true")],
        Reply::Docs("doc.playbook", 3),
        1_200,
    ),
    write(
        "full_text_review",
        "Deep review of a whole contract (takes a minute or more)",
        &[need("title", "string", "contract")],
        "reviewed",
    ),
    read(
        "draft_clause",
        "Draft a clause from the library",
        &[need("clause", "string", "clause")],
        Reply::Docs("doc.contract", 1),
        800,
    ),
];

/// Tools of the HR assistant.
pub(crate) const HR: &[ToolSpec] = &[
    read(
        "get_employee",
        "Find an employee",
        &[need("full_name", "string", "employee")],
        Reply::Record(&[("employee", "employee"), ("employee_id", "docid"), ("site", "city"), ("note", "note")]),
        150,
    ),
    read(
        "get_leave_balance",
        "Days of leave left",
        &[need("employee_id", "string", "docid")],
        Reply::Record(&[("employee_id", "docid"), ("days_left", "#days_left")]),
        160,
    ),
    write(
        "submit_leave",
        "File leave",
        &[need("employee_id", "string", "docid"), need("from", "string", "date"), need("days", "integer", "#days")],
        "submitted",
    ),
    read(
        "search_policy",
        "Search HR policies",
        &[need("query", "string", "policy_query")],
        Reply::Docs("doc.hr", 3),
        280,
    ),
    write(
        "update_record",
        "Change a record",
        &[need("employee_id", "string", "docid"), need("field", "string", "=address"), need("value", "string", "city")],
        "updated",
    ),
];
