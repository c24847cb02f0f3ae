//! A session with tables of its own: results that many statements build on, made once.

use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider,
};
use datafusion::common::DataFusionError;
use datafusion::datasource::MemTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::SessionContext;
use tokio_util::sync::CancellationToken;

use crate::session::{CATALOG, SCHEMA};
use crate::{QueryError, QueryLimits, TraceSession};

/// The part of the memory of queries that such a table may take.
const OWN_SHARE: usize = 8;

impl TraceSession {
    /// The same session with one more table, which only it knows: the rows of this statement, kept in memory. Tables saved later in the session
    /// it was made from are not seen.
    ///
    /// # Errors
    /// As [`query`](Self::query); the rows are more than the limits allow, or columns have no names of their own.
    pub async fn with_table(
        &self,
        name: &str,
        sql: &str,
        limits: &QueryLimits,
        cancel: &CancellationToken,
    ) -> Result<Self, QueryError> {
        let bytes_max = limits.bytes_max.min(self.shared.memory_bytes / OWN_SHARE);
        let limits = QueryLimits { bytes_max, ..*limits };
        let (schema, batches) = self.whole(sql, &limits, cancel).await?;
        let added = || async {
            let table = MemTable::try_new(schema, vec![batches])?;
            let context = self.copied_context().await?;
            context.register_table(name, Arc::new(table))?;
            Ok(context)
        };
        let context = added().await.map_err(|error: DataFusionError| self.shared.translate(&error))?;
        Ok(Self { shared: Arc::clone(&self.shared), own_context: Some(context) })
    }

    /// A context with the same tables and functions, to which more can be added.
    async fn copied_context(&self) -> Result<SessionContext, DataFusionError> {
        let schema = MemorySchemaProvider::new();
        let known = self.context().catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA));
        for (schema_known, name) in
            known.iter().flat_map(|known| known.table_names().into_iter().map(move |name| (known, name)))
        {
            if let Some(table) = schema_known.table(&name).await? {
                schema.register_table(name, table)?;
            }
        }
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::new(schema))?;
        let list = MemoryCatalogProviderList::new();
        list.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        let state = SessionStateBuilder::new_from_existing(self.context().state()).with_catalog_list(Arc::new(list));
        Ok(SessionContext::new_with_state(state.build()))
    }
}
