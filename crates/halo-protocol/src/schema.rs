//! What `report.json` looks like, as a JSON schema for programs that read it.

use schemars::generate::SchemaSettings;

use crate::{FORMAT_VERSION, Report};

/// The JSON schema (draft 2020-12) of a [`Report`] as it is written: what `report.json` holds.
///
/// Its descriptions are the comments of the types. It is published as `docs/report.schema.json`.
///
/// ```
/// let schema = halo_protocol::report_schema();
/// assert_eq!(schema["title"], "Report of halo, format 1");
/// assert!(schema["properties"]["findings"].is_object());
/// ```
#[must_use]
pub fn report_schema() -> serde_json::Value {
    // What is written, not what is read: a reader gets every field that a writer never leaves out.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Report>();
    schema.insert("title".to_owned(), format!("Report of halo, format {FORMAT_VERSION}").into());
    schema.insert("$comment".to_owned(), "`None` in a description means null, or a field that is not there.".into());
    schema.to_value()
}
