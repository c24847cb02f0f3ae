//! `explain_scope`: what sets some traces apart, as a tool for the model.

use std::fmt::Write as _;
use std::sync::Arc;

use halo_protocol::{Interval, ScopeEntry};
use halo_query::QueryError;
use halo_tool::{Tool, ToolContext, ToolError, ToolOutput, clip_middle};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::catalogue::ALL_TRACES;
use crate::gate::{contrast, told};
use crate::ground::{Ground, column};
use crate::scope::{START_DATE, find_scope};
use crate::statistics::as_f64;
use crate::trace_index::TraceSet;
use crate::trend::trend;
use crate::{CheckError, Gate, sql};

/// Prompts whose changes are shown, and characters of each.
const PROMPTS_SHOWN: usize = 3;
const CHANGE_CHARS_MAX: usize = 1500;

/// The tool.
pub(crate) struct ExplainScope {
    pub(crate) gate: Arc<Gate>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainScopeArgs {
    /// One SELECT of `trace_id`s.
    sql: String,
    /// Those to compare with; all when absent.
    population_sql: Option<String>,
}

impl Tool for ExplainScope {
    type Args = ExplainScopeArgs;

    fn name(&self) -> &'static str {
        "explain_scope"
    }

    fn description(&self) -> &str {
        include_str!("explain_scope.md").trim_end()
    }

    async fn call(&self, args: ExplainScopeArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        let ground = self.gate.ground().await.map_err(|error| ToolError::for_model(told(&error)))?;
        let population = args.population_sql.as_deref().map(sql::statement).filter(|sql| !sql.is_empty());
        let affected = traces(ground, "sql", &args.sql).await?;
        let population = traces(ground, "population_sql", population.unwrap_or(ALL_TRACES)).await?;
        let within = affected.both(&population);
        if within.len() == 0 {
            return Err(ToolError::for_model("`sql` gives no trace of the population; run it with the sql tool first"));
        }
        let left_out = affected.len() - within.len();
        let mut text = counts(ground, &within, &population);
        if left_out > 0 {
            let _ = writeln!(text, "{left_out} more traces of `sql` are not in the population and left out");
        }
        let scope = find_scope(&ground.index, &within, &population, &[]);
        entries(&mut text, &scope);
        over_time(&mut text, ground, &within, &population);
        for entry in &scope {
            changes(&mut text, ground, entry).await.map_err(|error| ToolError::for_model(told(&error)))?;
        }
        Ok(ToolOutput::text(text))
    }
}

async fn traces(ground: &Ground, field: &str, statement: &str) -> Result<TraceSet, ToolError> {
    match ground.traces(sql::statement(statement)).await {
        Ok((set, _)) => Ok(set),
        Err(CheckError::Query(QueryError::Cancelled)) => Err(ToolError::for_model("the run was interrupted")),
        Err(error) => Err(ToolError::for_model(format!("`{field}` does not run: {}", told(&error)))),
    }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * as_f64(part) / as_f64(whole.max(1)))
}

fn counts(ground: &Ground, affected: &TraceSet, population: &TraceSet) -> String {
    let (hits, size) = (affected.len(), population.len());
    let interval = Interval::wilson(hits, size);
    let mut text = format!(
        "{hits} of {size} traces ({}, 95 % interval {:.1} to {:.1} %)\n",
        percent(hits, size),
        interval.low * 100.0,
        interval.high * 100.0
    );
    if let Some(outcomes) = contrast(ground, affected, population) {
        let _ = writeln!(
            text,
            "among failed traces {} of {} ({}), among passed ones {} of {} ({})",
            outcomes.failed_affected,
            outcomes.failed,
            percent(outcomes.failed_affected, outcomes.failed),
            outcomes.passed_affected,
            outcomes.passed,
            percent(outcomes.passed_affected, outcomes.passed)
        );
    }
    text
}

fn entries(text: &mut String, scope: &[ScopeEntry]) {
    if scope.is_empty() {
        text.push_str("no attribute value and no day stands out: they are spread as the population is\n");
        return;
    }
    text.push_str("concentrated in, the strongest first; a value that only follows from one above it is left out:\n");
    for entry in scope {
        let others = (entry.among.saturating_sub(entry.population)).max(1);
        let _ = writeln!(
            text,
            "- {} = {}: {} of its {} traces ({}), lift {:.1} over all {} compared ({} others), p {:.1e}",
            entry.key,
            entry.value,
            entry.affected,
            entry.population,
            percent(entry.affected, entry.population),
            entry.lift,
            entry.among,
            others,
            entry.p_value
        );
    }
}

fn over_time(text: &mut String, ground: &Ground, affected: &TraceSet, population: &TraceSet) {
    let points = trend(&ground.index, affected, population);
    if points.len() < 2 {
        return;
    }
    text.push_str("over time: ");
    let points = points.iter().filter(|point| point.population > 0);
    let points = points.map(|point| format!("{} {}/{}", point.from, point.affected, point.population));
    text.push_str(&points.collect::<Vec<_>>().join(", "));
    text.push('\n');
}

/// How prompts and tool lists changed where a value came up.
async fn changes(text: &mut String, ground: &Ground, entry: &ScopeEntry) -> Result<(), CheckError> {
    let value = sql::literal(&entry.value);
    let condition = if entry.key == START_DATE {
        let day = sql::literal(entry.value.trim_start_matches("from ").trim_end_matches(" on"));
        format!("abs(date_part('epoch', first_seen) - date_part('epoch', CAST({day} AS TIMESTAMP))) < 2 * 86400")
    } else {
        // It came up with this value: the text before it was not seen with it.
        format!(
            "(array_has(versions, {value}) OR array_has(models, {value}) OR agent_name = {value} OR service_name = {value})"
        )
    };
    let statement = format!(
        "SELECT kind, agent_name, service_name, CAST(first_seen AS TEXT) AS first_seen, changes FROM prompts \
         WHERE previous_id IS NOT NULL AND length(changes) > 0 AND {condition} ORDER BY traces DESC, prompt_id LIMIT {PROMPTS_SHOWN}"
    );
    let result = ground.rows(&statement).await?;
    let read = |name| column(&result, name);
    let (kinds, agents, services) = (read("kind")?, read("agent_name")?, read("service_name")?);
    let (first, changes) = (read("first_seen")?, read("changes")?);
    for row in 0..kinds.len() {
        let of = |column: &[Option<String>]| column.get(row).cloned().flatten().unwrap_or_default();
        let what = if of(&kinds) == "tools" { "tool list" } else { "system prompt" };
        let whose =
            [of(&agents), of(&services)].into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" of ");
        let _ = writeln!(
            text,
            "{} = {}: {what} of {whose}, first seen {}, differs from the one before it:\n{}",
            entry.key,
            entry.value,
            of(&first).get(..16).unwrap_or_default(),
            clip_middle(&of(&changes), CHANGE_CHARS_MAX)
        );
    }
    Ok(())
}
