//! The world the traces come from: services, their tools and intents, models, tenants, regions and versions.

use super::tools::ToolSpec;
use crate::rng::Rng;

/// How a service is instrumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenInference (Arize Phoenix).
    OpenInference,
    /// OpenTelemetry GenAI with its new names.
    GenAi,
    /// Vercel AI SDK.
    Vercel,
    /// OpenLLMetry / Traceloop.
    Traceloop,
    /// pydantic-ai with Logfire.
    Pydantic,
}

/// What users come for: the tools a turn calls in order.
pub(crate) struct Intent {
    /// Part of the slot names `ask.<domain>.<key>` and `answer.<domain>.<key>`.
    pub(crate) key: &'static str,
    /// How often it is drawn.
    pub(crate) weight: i64,
    /// The tools in order; a leading `?` marks one that only half of the traces call.
    pub(crate) steps: &'static [&'static str],
}

/// One service with its own agent.
pub(crate) struct Service {
    /// `service.name`.
    pub(crate) name: &'static str,
    /// Part of the slot names.
    pub(crate) domain: &'static str,
    /// Name of the main agent.
    pub(crate) agent: &'static str,
    /// Its instrumentation.
    pub(crate) dialect: Dialect,
    /// Share of all traces, in weights.
    pub(crate) share: i64,
    /// Four harness versions in order of release.
    pub(crate) versions: [&'static str; 4],
    /// Models with weights.
    pub(crate) models: &'static [(&'static str, i64)],
    /// Slot of the house rules that follow the system prompt.
    pub(crate) rules: &'static str,
    /// Tools on offer.
    pub(crate) tools: &'static [ToolSpec],
    /// What users want.
    pub(crate) intents: &'static [Intent],
    /// Whether users of other languages come here.
    pub(crate) worldwide: bool,
}

const fn intent(key: &'static str, weight: i64, steps: &'static [&'static str]) -> Intent {
    Intent { key, weight, steps }
}

/// Tenants by size; the first is the biggest.
pub(crate) const TENANTS: [(&str, i64); 14] = [
    ("acme", 24),
    ("globex", 15),
    ("initech", 11),
    ("umbra", 9),
    ("hooli", 7),
    ("vandelay", 6),
    ("stark-log", 5),
    ("wonka", 5),
    ("tyrell", 4),
    ("cyberdyne", 4),
    ("soylent", 3),
    ("oscorp", 3),
    ("gringott", 2),
    ("duff", 2),
];

/// Regions with weights.
pub(crate) const REGIONS: [(&str, i64); 4] =
    [("us-east-1", 40), ("eu-west-1", 30), ("us-west-2", 18), ("ap-southeast-2", 12)];

/// Locales of the services that serve the world.
pub(crate) const LOCALES: [(&str, i64); 5] =
    [("en-US", 44), ("en-GB", 18), ("de-DE", 14), ("fr-FR", 12), ("es-ES", 12)];

/// The services; the two last ones carry no agent worth the name and are noise as a whole.
pub(crate) const SERVICES: [Service; 10] = [
    Service {
        name: "support-desk",
        domain: "support",
        agent: "front_desk",
        dialect: Dialect::OpenInference,
        share: 240,
        versions: ["3.8.0", "3.8.4", "3.9.0", "3.9.2"],
        models: &[("gpt-4o", 45), ("gpt-4.1-mini", 35), ("claude-sonnet-4", 20)],
        rules: "doc.kb",
        tools: super::tools::SUPPORT,
        intents: &[
            intent("refund", 50, &["lookup_order", "?check_policy", "refund_order"]),
            intent("where", 30, &["lookup_order", "track_shipment"]),
            intent("change", 20, &["lookup_order", "update_order"]),
        ],
        worldwide: true,
    },
    Service {
        name: "travel-concierge",
        domain: "travel",
        agent: "concierge",
        dialect: Dialect::GenAi,
        share: 170,
        versions: ["2.1.0", "2.2.0", "2.3.0", "2.4.1"],
        models: &[("gpt-4o", 40), ("claude-sonnet-4", 35), ("gemini-2.5-flash", 15), ("mistral-large-2", 10)],
        rules: "doc.travel",
        tools: super::tools::TRAVEL,
        intents: &[
            intent("flight", 52, &["search_flights", "?get_fare_rules", "book_flight"]),
            intent("hotel", 36, &["search_hotels", "book_hotel"]),
            intent("cancel", 12, &["get_reservation", "cancel_reservation"]),
        ],
        worldwide: true,
    },
    Service {
        name: "code-assistant",
        domain: "coding",
        agent: "coder",
        dialect: Dialect::Vercel,
        share: 120,
        versions: ["0.17.3", "0.18.0", "0.18.2", "0.19.0"],
        models: &[("claude-sonnet-4", 50), ("gemini-2.5-flash", 27), ("gpt-4o", 23)],
        rules: "doc.coding_rules",
        tools: super::tools::CODING,
        intents: &[
            intent("bug", 45, &["search_code", "read_file", "edit_file", "run_tests"]),
            intent("feature", 33, &["read_file", "edit_file", "run_tests"]),
            intent("explain", 22, &["search_code", "read_file"]),
        ],
        worldwide: false,
    },
    Service {
        name: "research-library",
        domain: "research",
        agent: "research_lead",
        dialect: Dialect::Traceloop,
        share: 145,
        versions: ["1.2.0", "1.3.0", "1.3.1", "1.4.0"],
        models: &[("gpt-4o", 40), ("claude-sonnet-4", 34), ("llama-3.3-70b", 26)],
        rules: "doc.library_rules",
        tools: super::tools::RESEARCH,
        intents: &[
            intent("question", 38, &["@retrieve"]),
            intent("compare", 32, &["@team"]),
            intent("summary", 30, &["@team"]),
        ],
        worldwide: false,
    },
    Service {
        name: "data-analyst",
        domain: "data",
        agent: "analyst",
        dialect: Dialect::Pydantic,
        share: 130,
        versions: ["2026.8.1", "2026.8.9", "2026.9.2", "2026.9.7"],
        models: &[("gpt-4.1-mini", 34), ("gemini-2.5-flash", 26), ("gpt-4o", 22), ("mistral-large-2", 18)],
        rules: "doc.data_rules",
        tools: super::tools::DATA,
        intents: &[
            intent("metric", 44, &["?list_tables", "describe_table", "run_query"]),
            intent("list", 32, &["describe_table", "list_records"]),
            intent("chart", 24, &["run_query", "make_chart"]),
        ],
        worldwide: false,
    },
    Service {
        name: "ops-copilot",
        domain: "ops",
        agent: "oncall_copilot",
        dialect: Dialect::OpenInference,
        share: 100,
        versions: ["1.12.0", "1.13.0", "1.14.0", "1.14.2"],
        models: &[("gpt-4o", 42), ("claude-sonnet-4", 32), ("gpt-4.1-mini", 26)],
        rules: "doc.runbook",
        tools: super::tools::OPS,
        intents: &[
            intent("incident", 48, &["get_metrics", "query_logs", "?get_deploy", "restart_service"]),
            intent("deploy", 27, &["get_deploy", "query_logs"]),
            intent("alert", 25, &["get_metrics", "query_logs", "page_owner"]),
        ],
        worldwide: false,
    },
    Service {
        name: "legal-review",
        domain: "legal",
        agent: "contract_reviewer",
        dialect: Dialect::GenAi,
        share: 80,
        versions: ["5.0.2", "5.1.0", "5.1.3", "5.2.0"],
        models: &[("claude-sonnet-4", 46), ("gpt-4.1-mini", 38), ("gpt-4o", 16)],
        rules: "doc.playbook",
        tools: super::tools::LEGAL,
        intents: &[
            intent("review", 50, &["fetch_contract", "extract_clauses"]),
            intent("compare", 28, &["fetch_contract", "compare_clauses"]),
            intent("draft", 22, &["fetch_contract", "draft_clause"]),
        ],
        worldwide: false,
    },
    Service {
        name: "hr-assistant",
        domain: "hr",
        agent: "hr_helper",
        dialect: Dialect::Traceloop,
        share: 84,
        versions: ["4.4.0", "4.5.0", "4.6.0", "4.6.1"],
        models: &[("gpt-4o", 44), ("gpt-4.1-mini", 32), ("mistral-large-2", 24)],
        rules: "doc.hr",
        tools: super::tools::HR,
        intents: &[
            intent("leave", 56, &["get_employee", "get_leave_balance", "submit_leave"]),
            intent("policy", 18, &["search_policy"]),
            intent("update", 26, &["get_employee", "update_record"]),
        ],
        worldwide: true,
    },
    Service {
        name: "intent-router",
        domain: "classifier",
        agent: "intent_router",
        dialect: Dialect::GenAi,
        share: 20,
        versions: ["1.0.0", "1.0.0", "1.0.1", "1.0.1"],
        models: &[("gpt-4.1-mini", 1)],
        rules: "",
        tools: &[],
        intents: &[],
        worldwide: false,
    },
    Service {
        name: "uptime-probe",
        domain: "probe",
        agent: "probe",
        dialect: Dialect::OpenInference,
        share: 20,
        versions: ["0.3.0", "0.3.0", "0.3.0", "0.3.0"],
        models: &[("gpt-4.1-mini", 1)],
        rules: "",
        tools: &[],
        intents: &[],
        worldwide: false,
    },
];

/// Days of one batch.
pub(crate) const DAYS: i64 = 28;
/// Nanoseconds of one day.
pub(crate) const DAY_NS: i64 = 86_400 * 1_000_000_000;
/// 2026-09-01T00:00:00Z, where batch A begins.
pub(crate) const START_NS: i64 = 1_788_220_800 * 1_000_000_000;

/// The facts of one trace that scopes speak about.
#[derive(Clone)]
pub(crate) struct Meta {
    /// 32 hexadecimal digits.
    pub(crate) trace_id: String,
    /// Its service.
    pub(crate) service: &'static Service,
    /// Harness version.
    pub(crate) version: String,
    /// Which of the four versions it is (a canary counts as the one it is built from).
    pub(crate) version_at: usize,
    /// Model asked for.
    pub(crate) model: &'static str,
    /// Tenant.
    pub(crate) tenant: &'static str,
    /// Region.
    pub(crate) region: &'static str,
    /// The user's locale.
    pub(crate) locale: &'static str,
    /// Deployment environment.
    pub(crate) env: &'static str,
    /// User id.
    pub(crate) user: String,
    /// Session id.
    pub(crate) session: String,
    /// Start in nanoseconds since 1970.
    pub(crate) start: i64,
    /// Day of the batch, from 0.
    pub(crate) day: i64,
    /// Whether this is batch B.
    pub(crate) second_batch: bool,
}

impl Meta {
    /// Language of the user, `en` for all that are not served in their own.
    pub(crate) fn language(&self) -> &'static str {
        self.locale.get(..2).unwrap_or("en")
    }
}

/// Draws the facts of a trace that starts at `start`.
pub(crate) fn draw_meta(rng: &mut Rng, start: i64, second_batch: bool) -> Meta {
    let service = &SERVICES[rng.weighted(SERVICES.iter().map(|service| service.share))];
    let origin = START_NS + if second_batch { DAYS * DAY_NS } else { 0 };
    let day = (start - origin) / DAY_NS;
    let version_at = draw_version(rng, start - origin, second_batch);
    let tenant_at = rng.weighted(TENANTS.iter().map(|entry| entry.1));
    let locale = if service.worldwide {
        LOCALES[rng.weighted(LOCALES.iter().map(|entry| entry.1))].0
    } else {
        rng.pick(&["en-US", "en-US", "en-GB"])
    };
    Meta {
        trace_id: rng.hex(32),
        service,
        version: service.versions[version_at].to_owned(),
        version_at,
        model: service.models[rng.weighted(service.models.iter().map(|entry| entry.1))].0,
        tenant: TENANTS[tenant_at].0,
        region: REGIONS[rng.weighted(REGIONS.iter().map(|entry| entry.1))].0,
        locale,
        env: if rng.chance(94) { "production" } else { "staging" },
        user: format!("{}-u{:05}", TENANTS[tenant_at].0, rng.skewed(400) * 7 + rng.between(0, 6)),
        session: format!("sess-{}", rng.hex(12)),
        start,
        day,
        second_batch,
    }
}

/// Rollouts in batch A at days 7, 14 and 21, each over two days; in batch B all rings stand still, so that the shares
/// of the versions, and with them the rates of their faults, stay the same.
fn draw_version(rng: &mut Rng, since: i64, second_batch: bool) -> usize {
    if second_batch {
        return rng.index(4);
    }
    let shifted = since + rng.between(-DAY_NS, DAY_NS);
    let at = (shifted / (7 * DAY_NS)).clamp(0, 3);
    usize::try_from(at).unwrap_or(0)
}
