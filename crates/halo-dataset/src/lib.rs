//! Spans as columns on disk: schema, batches, Parquet segments, manifest.
