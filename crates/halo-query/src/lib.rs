//! A dataset and a SQL string to a bounded result, and the tools that a model gets to look at traces.
//!
//! [`TraceSession::open`] makes the tables `spans` and `traces` of a dataset known to a query engine once a run;
//! [`TraceSession::query`] runs one read-only statement within [`QueryLimits`].
//!
//! [`QueryStream`] gives the same rows as they come, [`render`] and [`RowWriter`] write them in five formats. [`tools`] makes the tools,
//! [`list_functions`] and [`reference()`] document what SQL knows, [`summary`] tells what a dataset holds, and
//! [`TraceSession::find_quotes`] tells whether quotes stand in the spans they cite.
//!
//! This crate knows DataFusion, and nobody else does. It knows nothing of model endpoints, agents or terminals.
//!
//! ```
//! use halo_query::{QueryLimits, SessionOptions, TraceSession};
//! # use halo_testkit::{TestSpan, tiny_dataset};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), halo_query::QueryError> {
//! # let (_folder, dataset) = tiny_dataset(&[TestSpan::tool("t1", "s1").output("Error: no such order")]);
//! let options = SessionOptions { threads: 2, memory_bytes: 1 << 30 };
//! let session = TraceSession::open(&dataset, options).await?;
//! let limits = QueryLimits {
//!     rows_max: 100,
//!     bytes_max: 1 << 20,
//!     time_max: std::time::Duration::from_secs(30),
//! };
//! let sql = "SELECT trace_id, result_failure(output) AS failure FROM spans WHERE span_type = 'TOOL'";
//! let result = session.query(sql, &limits, &Default::default()).await?;
//! assert_eq!(result.texts("failure"), Some(vec![Some("error".to_owned())]));
//! # Ok(())
//! # }
//! ```

mod attributes;
mod bounds;
mod causes;
mod cell;
mod census;
mod content;
mod decoded;
mod describe;
mod engine_error;
mod error;
mod function_docs;
mod functions;
mod guard;
mod kept;
mod line_diff;
mod marked;
mod new_table;
mod outcomes;
mod overview;
mod own_tables;
mod pattern;
mod prompts;
mod quotes;
mod reference;
mod render;
mod result;
mod rewrite;
mod saved;
mod scan;
mod search;
mod session;
mod stop;
mod stream;
mod tables;
mod trace_json;
mod trace_steps;
mod trace_tools;
mod watch;

pub use error::{LimitKind, QueryError};
pub use function_docs::list_functions;
pub use marked::{Mark, MarkedText};
pub use overview::summary;
pub use quotes::QuoteStatus;
pub use reference::{reference, tables};
pub use render::{Format, RenderOptions, RowWriter, render};
pub use result::{QueryLimits, QueryResult, ResultColumn, RowBatch};
pub use saved::data_tables;
pub use session::{SessionOptions, TraceSession};
pub use stream::QueryStream;
pub use trace_json::{WriteTraceError, write_trace_json};
pub use trace_tools::{DATA_NOTE, Reader, SpanChoice, View, show_spans, show_trace, tools};
