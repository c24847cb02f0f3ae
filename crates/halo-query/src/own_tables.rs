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
use crate::tables::{Held, TABLES};
use crate::{QueryError, QueryLimits, TraceSession, outcomes};

/// The part of the memory of queries that such a table may take.
const OWN_SHARE: usize = 8;

/// Neighbours that together hold no more than so much, each group by its places.
fn groups(sizes: impl Iterator<Item = u64>, max: u64) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut held = 0;
    for (place, size) in sizes.enumerate() {
        match groups.last_mut().filter(|_| held + size <= max) {
            Some(group) => group.push(place),
            None => {
                groups.push(vec![place]);
                held = 0;
            }
        }
        held += size;
    }
    groups
}

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

    /// Sessions that hold the traces in parts of no more than about so many spans, each trace in one of them: statements that look at each trace by
    /// itself give in all parts together what they give here, and take no more memory than a part needs. A dataset that is no larger is one
    /// part. The parts know the tables that this session has of its own; `prompts` and `attribute_values` are those of the whole.
    ///
    /// # Errors
    /// A file of the dataset is missing or damaged.
    pub async fn parts(&self, spans_max: u64) -> Result<Vec<Self>, QueryError> {
        let makings = &self.shared.makings;
        let segments = &makings.dataset.manifest().segments;
        let groups = groups(segments.iter().map(|segment| segment.spans), spans_max);
        if groups.len() < 2 {
            return Ok(vec![self.clone()]);
        }
        let mut held: Vec<Held<'_>> = groups.iter().map(|group| Held::Segments(group)).collect();
        held.extend(makings.straddle.iter().map(|_| Held::Straddling));
        let mut parts = Vec::new();
        for held in held {
            let of_this = |error: DataFusionError| self.shared.translate(&error);
            let is_own = |name: &str| !TABLES.iter().any(|table| table.name == name);
            let context = self.context_with(is_own).await.map_err(of_this)?;
            makings.register(&context, held).await?;
            if let Some(given) = self.shared.outcomes.get() {
                outcomes::over_traces(&context, given).await.map_err(of_this)?;
            }
            parts.push(Self { shared: Arc::clone(&self.shared), own_context: Some(context) });
        }
        Ok(parts)
    }

    /// A context with the same tables and functions, to which more can be added.
    async fn copied_context(&self) -> Result<SessionContext, DataFusionError> {
        self.context_with(|_| true).await
    }

    /// A context with the same functions and some of the same tables.
    async fn context_with(&self, is_wanted: impl Fn(&str) -> bool) -> Result<SessionContext, DataFusionError> {
        let schema = MemorySchemaProvider::new();
        let known = self.context().catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA));
        for (schema_known, name) in
            known.iter().flat_map(|known| known.table_names().into_iter().map(move |name| (known, name)))
        {
            if let Some(table) = schema_known.table(&name).await?.filter(|_| is_wanted(&name)) {
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

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn groups_hold_neighbours_up_to_the_limit() {
        let of = |sizes: &[u64], max| groups(sizes.iter().copied(), max);
        assert_eq!(of(&[3, 3, 3, 9, 1], 6), [vec![0, 1], vec![2], vec![3], vec![4]]);
        assert_eq!(of(&[1, 2, 3], 10), [vec![0, 1, 2]]);
        assert_eq!(of(&[], 10), Vec::<Vec<usize>>::new());
    }
}
