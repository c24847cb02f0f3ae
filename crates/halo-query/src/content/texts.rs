//! Texts by their ids.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Int64Type;
use datafusion::common::Result;
use halo_dataset::{ContentStore, Loaded};

use super::failed;

/// `text_of(id)`
pub(super) fn text_of(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let ids: Vec<Option<i64>> = columns[0].as_primitive::<Int64Type>().iter().collect();
    texts(store, &ids)
}

/// The texts of these ids.
pub(super) fn texts(store: &ContentStore, ids: &[Option<i64>]) -> Result<ArrayRef> {
    let mut loaded = Loaded::default();
    store.load_texts(ids.iter().flatten().copied(), &mut loaded).map_err(failed)?;
    Ok(Arc::new(loaded.text_array(ids).map_err(failed)?))
}
