//! How runs ended, as the user says by SQL: it takes the place of what the spans say themselves, in `traces` and in all that is made of it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::{Signature, Volatility};
use datafusion::prelude::SessionContext;
use halo_dataset::TRACE_COLUMNS;
use tokio_util::sync::CancellationToken;

use crate::session::OWN_LIMITS;
use crate::{QueryError, TraceSession, functions};

/// Outcomes by trace.
pub(crate) type Outcomes = HashMap<String, &'static str>;

/// Name of the lookup.
const GIVEN: &str = "outcome_given";

impl TraceSession {
    /// Takes the outcomes of traces from a statement that returns `trace_id` and `outcome`: success, failure or unknown, or a truth value. Traces
    /// that it does not return keep what their spans say. Gives how many it returned. To be called before anything else of the session.
    ///
    /// # Errors
    /// As [`query`](Self::query); a column is missing, or a value is none of these.
    pub async fn set_outcomes(&self, sql: &str, cancel: &CancellationToken) -> Result<usize, QueryError> {
        let result = self.query(sql, &OWN_LIMITS, cancel).await?;
        let column = |name: &str| {
            let wrong = || QueryError::Statement {
                message: format!("the statement for outcomes returns no column {name}"),
                hint: Some("it must return trace_id and outcome".to_owned()),
            };
            result.texts(name).ok_or_else(wrong)
        };
        let mut given = Outcomes::new();
        for (id, outcome) in column("trace_id")?.into_iter().zip(column("outcome")?) {
            let (Some(id), Some(outcome)) = (id, outcome) else { continue };
            let known = match outcome.as_str() {
                "success" | "true" => "success",
                "failure" | "false" => "failure",
                "unknown" => "unknown",
                other => {
                    return Err(QueryError::Statement {
                        message: format!("`{other}` is no outcome"),
                        hint: Some("success, failure, unknown, true and false are".to_owned()),
                    });
                }
            };
            given.insert(id, known);
        }
        let count = given.len();
        let given = Arc::new(given);
        over_traces(&self.shared.context, &given).await.map_err(|error| self.shared.translate(&error))?;
        let _kept = self.shared.outcomes.set(Arc::clone(&given));
        self.shared.surveys.take_outcomes(given);
        Ok(count)
    }
}

/// Puts `traces` with these outcomes in the place of the table.
pub(crate) async fn over_traces(context: &SessionContext, given: &Arc<Outcomes>) -> Result<(), DataFusionError> {
    // A context made of another one is told not to make what it has already.
    let config = context.copied_config().with_create_default_catalog_and_schema(true);
    let workshop = SessionContext::new_with_config(config);
    workshop.register_table("traces", context.table_provider("traces").await?)?;
    let given = Arc::clone(given);
    let takes = Signature::exact(vec![DataType::Utf8View], Volatility::Immutable);
    workshop.register_udf(functions::lookup(GIVEN, takes, move |id| given.get(id).copied()));
    let columns = TRACE_COLUMNS.iter().filter(|column| !column.internal).map(|column| match column.name {
        "outcome" => format!("coalesce({GIVEN}(trace_id), outcome) AS outcome"),
        name => name.to_owned(),
    });
    let sql = format!("SELECT {} FROM traces", columns.collect::<Vec<_>>().join(", "));
    let plan = workshop.state().create_logical_plan(&sql).await?;
    context.deregister_table("traces")?;
    context.register_table("traces", Arc::new(ViewTable::new(plan, None)))?;
    Ok(())
}
