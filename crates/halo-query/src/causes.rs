//! The causes of a dataset's errors, found when the first query asks.

use std::collections::HashMap;
use std::sync::OnceLock;

use halo_dataset::Dataset;

use crate::QueryError;

/// What is one cause among the error signatures of a dataset.
#[derive(Debug)]
pub(crate) struct Causes {
    dataset: Dataset,
    found: OnceLock<Result<HashMap<String, String>, String>>,
}

impl Causes {
    /// Those of a dataset.
    pub(crate) fn of_dataset(dataset: &Dataset) -> Self {
        Self { dataset: dataset.clone(), found: OnceLock::new() }
    }

    /// The template of the cause that a signature of the dataset is one wording of; itself when it stands alone.
    ///
    /// # Errors
    /// The dataset can't be read.
    pub(crate) fn of<'a>(&'a self, signature: &'a str) -> Result<&'a str, QueryError> {
        let found = self.found.get_or_init(|| {
            let signatures = self.dataset.error_signatures().map_err(|error| error.to_string())?;
            Ok(halo_dataset::causes(&signatures))
        });
        let causes = found.as_ref().map_err(|error| QueryError::internal(error.as_str()))?;
        Ok(causes.get(signature).map_or(signature, String::as_str))
    }
}
