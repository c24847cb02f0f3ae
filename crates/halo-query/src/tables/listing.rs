//! Parquet files as a table.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::SessionContext;
use halo_dataset::DatasetError;

use super::internal;
use crate::QueryError;

/// A table over these files and no others, with this schema and no look into the files for one.
pub(super) fn listing(
    context: &SessionContext,
    files: &[PathBuf],
    schema: SchemaRef,
) -> Result<Arc<dyn TableProvider>, QueryError> {
    if files.is_empty() {
        return Ok(Arc::new(EmptyTable::new(schema)));
    }
    let urls = files.iter().map(|file| file_url(file)).collect::<Result<Vec<_>, _>>()?;
    let state = context.state();
    let format = ParquetFormat::default().with_options(state.default_table_options().parquet);
    let options = ListingOptions::new(Arc::new(format)).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
    let cache = context.runtime_env().cache_manager.get_file_statistic_cache();
    let table = ListingTable::try_new(config).map_err(internal)?.with_cache(cache);
    Ok(Arc::new(table))
}

/// All rows of a file.
pub(super) async fn read(
    context: &SessionContext,
    file: PathBuf,
    schema: SchemaRef,
) -> Result<Vec<RecordBatch>, QueryError> {
    let damaged = |error: datafusion::error::DataFusionError| {
        QueryError::Dataset(DatasetError::Damaged { path: file.clone(), reason: error.strip_backtrace() })
    };
    let table = listing(context, std::slice::from_ref(&file), schema)?;
    context.read_table(table).map_err(internal)?.collect().await.map_err(damaged)
}

/// A URL for exactly this file. Given a path, the engine would take `*`, `?` and `[` in it for a pattern.
fn file_url(file: &Path) -> Result<ListingTableUrl, QueryError> {
    let absolute = std::path::absolute(file).map_err(|source| DatasetError::Io {
        action: "find",
        path: file.to_owned(),
        source,
    })?;
    let text = absolute
        .to_str()
        .ok_or_else(|| QueryError::statement(format!("the path `{}` is no UTF-8 text", file.display())))?;
    let mut url = String::from("file://");
    if !text.starts_with('/') {
        url.push('/');
    }
    for byte in text.replace(std::path::MAIN_SEPARATOR, "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    ListingTableUrl::parse(url).map_err(internal)
}

/// The engine takes a missing file for an empty one; a dataset without one of its files is damaged.
pub(super) fn must_exist(file: &Path) -> Result<(), QueryError> {
    match std::fs::metadata(file) {
        Ok(_) => Ok(()),
        Err(error) => Err(DatasetError::Damaged { path: file.to_owned(), reason: error.to_string() }.into()),
    }
}
