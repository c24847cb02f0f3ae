//! Saved tables on disk: an Arrow file each, with the statement it came from.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;

use super::Definition;
use crate::QueryError;

/// Keys of the statement and of what it is made of in the file's metadata.
const QUERY: &str = "halo.query";
const DEFINITIONS: &str = "halo.definitions";
const SUFFIX: &str = "arrow";

/// A table as a file holds it.
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) query: String,
    pub(super) definitions: Vec<Definition>,
    pub(super) schema: Arc<Schema>,
    pub(super) batches: Vec<RecordBatch>,
}

/// Writes a table. Aside and renamed: a killed process leaves the old file or the new one.
pub(super) fn write(folder: &Path, table: &Stored) -> Result<(), QueryError> {
    let Stored { name, query, definitions, schema, batches } = table;
    let path = folder.join(format!("{name}.{SUFFIX}"));
    let aside = folder.join(format!("{name}.{SUFFIX}.new"));
    let definitions = serde_json::to_string(definitions).map_err(|error| QueryError::internal(error.to_string()))?;
    let metadata = HashMap::from([(QUERY.to_owned(), query.clone()), (DEFINITIONS.to_owned(), definitions)]);
    let schema = schema.as_ref().clone().with_metadata(metadata);
    let written = || -> Result<(), ArrowError> {
        fs::create_dir_all(folder)?;
        let mut writer = FileWriter::try_new(BufWriter::new(File::create(&aside)?), &schema)?;
        for batch in batches {
            writer.write(batch)?;
        }
        writer.finish()?;
        drop(writer);
        fs::rename(&aside, &path)?;
        Ok(())
    };
    written()
        .map_err(|error| QueryError::internal(format!("cannot write the saved table `{}`: {error}", path.display())))
}

/// All tables of a folder, in the order of their names. No folder is no tables.
pub(super) fn read_all(folder: &Path) -> Result<Vec<Stored>, QueryError> {
    let broken = |path: &Path, error: &dyn std::fmt::Display| {
        QueryError::internal(format!("cannot read the saved table `{}`: {error}", path.display()))
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(broken(folder, &error)),
    };
    let mut tables = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| broken(folder, &error))?.path();
        let is_table = path.extension().is_some_and(|suffix| suffix == SUFFIX);
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_table) {
            tables.push(read(&path, name).map_err(|error| broken(&path, &error))?);
        }
    }
    tables.sort_by(|one: &Stored, other| one.name.cmp(&other.name));
    Ok(tables)
}

fn read(path: &Path, name: &str) -> Result<Stored, ArrowError> {
    let reader = FileReader::try_new(BufReader::new(File::open(path)?), None)?;
    let mut schema = reader.schema().as_ref().clone();
    let query = schema.metadata.remove(QUERY).unwrap_or_default();
    let definitions = schema.metadata.remove(DEFINITIONS).unwrap_or_default();
    let definitions = serde_json::from_str(&definitions).unwrap_or_default();
    let schema = Arc::new(schema);
    let mut batches = Vec::new();
    for batch in reader {
        batches.push(RecordBatch::try_new(Arc::clone(&schema), batch?.columns().to_vec())?);
    }
    Ok(Stored { name: name.to_owned(), query, definitions, schema, batches })
}
