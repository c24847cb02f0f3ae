//! The kinds of column, and the macro that makes a table's row, batch builder and documentation from one list.

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder, StringViewBuilder,
    TimestampNanosecondBuilder,
};
use arrow::datatypes::{DataType, Field, TimeUnit};
use hashbrown::HashMap;
use std::sync::Arc;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// UTF-8 text.
    Text,
    /// 64-bit signed integer.
    Int,
    /// 64-bit float.
    Float,
    /// True or false.
    Bool,
    /// Time as nanoseconds since 1970, UTC.
    Time,
    /// List of texts.
    TextList,
    /// A text that is stored once: the column `NAME_id` holds the id of a row of `texts.parquet`, SQL shows the text.
    TextRef,
    /// JSON whose long parts are stored once: what stands for them is in `holes.rs`, SQL shows the whole.
    Skeleton,
    /// List of ids of texts or messages.
    IdList,
    /// Shown by SQL and not stored: it follows from other columns.
    Derived,
}

impl ColumnKind {
    /// The Arrow type that SQL shows.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text | Self::TextRef | Self::Skeleton | Self::Derived => DataType::Utf8View,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::TextList => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
            Self::IdList => DataType::List(Arc::new(Field::new("item", DataType::Int64, true))),
        }
    }

    /// The Arrow type of what is stored; `None` when nothing is.
    #[must_use]
    pub fn stored_type(self) -> Option<DataType> {
        match self {
            Self::TextRef => Some(DataType::Int64),
            Self::Derived => None,
            _ => Some(self.data_type()),
        }
    }

    /// The type as users write it in SQL.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::Text | Self::TextRef | Self::Skeleton | Self::Derived => "text",
            Self::Int => "bigint",
            Self::Float => "double",
            Self::Bool => "boolean",
            Self::Time => "timestamp",
            Self::TextList => "text[]",
            Self::IdList => "bigint[]",
        }
    }
}

/// A column of a table: the one place its meaning is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name in SQL.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Meaning, unit and source.
    pub doc: &'static str,
    /// Kept for halo's own use and not part of the SQL table.
    pub internal: bool,
}

impl Column {
    /// The Arrow field that SQL shows. Every column may be null: traces come from strangers.
    #[must_use]
    pub fn field(&self) -> Field {
        Field::new(self.name, self.kind.data_type(), true)
    }

    /// Name of the column in the Parquet file.
    #[must_use]
    pub fn stored_name(&self) -> String {
        if self.kind == ColumnKind::TextRef { format!("{}_id", self.name) } else { self.name.to_owned() }
    }

    /// The Arrow field in the Parquet file; `None` of a column that is not stored.
    #[must_use]
    pub fn stored_field(&self) -> Option<Field> {
        Some(Field::new(self.stored_name(), self.kind.stored_type()?, true))
    }
}

/// Builds one column. Implemented by the marker types [`Text`], [`Int`] and so on, which the table macro names.
pub(crate) trait Kind {
    /// Value of a cell.
    type Value<'a>: Copy;
    /// Arrow builder.
    type Builder;
    /// The kind.
    const KIND: ColumnKind;
    /// An empty builder.
    fn builder() -> Self::Builder;
    /// Adds a cell.
    fn append(builder: &mut Self::Builder, value: Self::Value<'_>);
    /// The column built so far, when the kind is stored; the builder is empty afterwards.
    fn finish(builder: &mut Self::Builder) -> Option<ArrayRef>;
}

macro_rules! kind {
    ($(#[$doc:meta])* $name:ident, $value:ty, $builder:ty, $new:expr) => {
        $(#[$doc])*
        pub(crate) struct $name;
        impl Kind for $name {
            type Value<'a> = Option<$value>;
            type Builder = $builder;
            const KIND: ColumnKind = ColumnKind::$name;
            fn builder() -> $builder {
                $new
            }
            fn append(builder: &mut $builder, value: Self::Value<'_>) {
                builder.append_option(value);
            }
            fn finish(builder: &mut $builder) -> Option<ArrayRef> {
                Some(Arc::new(builder.finish()))
            }
        }
    };
}

/// Texts go into blocks of this size; a longer text has a block of its own. Sorting moves references into the blocks, never text. Small, because
/// nearly every one of some fifty columns has one that is mostly empty.
const TEXT_BLOCK_BYTES: u32 = 32 * 1024;

kind!(
    /// Marks a text column.
    Text, &'a str, StringViewBuilder, StringViewBuilder::new().with_fixed_block_size(TEXT_BLOCK_BYTES)
);
kind!(
    /// Marks an integer column.
    Int, i64, Int64Builder, Int64Builder::new()
);
kind!(
    /// Marks a float column.
    Float, f64, Float64Builder, Float64Builder::new()
);
kind!(
    /// Marks a boolean column.
    Bool, bool, BooleanBuilder, BooleanBuilder::new()
);
kind!(
    /// Marks a time column.
    Time, i64, TimestampNanosecondBuilder, TimestampNanosecondBuilder::new().with_timezone("UTC")
);

kind!(
    /// Marks a column of references to texts.
    TextRef, i64, Int64Builder, Int64Builder::new()
);
kind!(
    /// Marks a column of JSON with holes.
    Skeleton, &'a str, StringViewBuilder, StringViewBuilder::new().with_fixed_block_size(TEXT_BLOCK_BYTES)
);

/// Marks a text column of few and long values, such as the attributes of resources: each is held once per batch.
pub(crate) struct SharedText;

/// Builds a [`SharedText`] column.
pub(crate) struct SharedTextBuilder {
    inner: StringViewBuilder,
    /// Values that have a block of their own.
    blocks: HashMap<Box<str>, u32>,
}

/// Values of a batch that are shared; what comes after them is held as often as it comes.
const SHARED_TEXTS_MAX: usize = 256;

/// A text up to this length stands in its view.
const INLINE_BYTES_MAX: usize = 12;

impl SharedTextBuilder {
    fn append_shared(&mut self, text: &str) {
        let block = match self.blocks.get(text) {
            Some(block) => *block,
            None if self.blocks.len() < SHARED_TEXTS_MAX => {
                let block = self.inner.append_block(text.as_bytes().to_vec().into());
                self.blocks.insert(text.into(), block);
                block
            }
            None => return self.inner.append_value(text),
        };
        let view = u32::try_from(text.len()).ok().and_then(|len| self.inner.try_append_view(block, 0, len).ok());
        if view.is_none() {
            self.inner.append_value(text);
        }
    }
}

impl Kind for SharedText {
    type Value<'a> = Option<&'a str>;
    type Builder = SharedTextBuilder;
    const KIND: ColumnKind = ColumnKind::Text;
    fn builder() -> Self::Builder {
        SharedTextBuilder { inner: Text::builder(), blocks: HashMap::new() }
    }
    fn append(builder: &mut Self::Builder, value: Option<&str>) {
        match value {
            Some(text) if text.len() > INLINE_BYTES_MAX => builder.append_shared(text),
            _ => builder.inner.append_option(value),
        }
    }
    fn finish(builder: &mut Self::Builder) -> Option<ArrayRef> {
        builder.blocks.clear();
        Text::finish(&mut builder.inner)
    }
}

/// Marks a column of lists of ids; an empty list is null.
pub(crate) struct IdList;

impl Kind for IdList {
    type Value<'a> = &'a [i64];
    type Builder = ListBuilder<Int64Builder>;
    const KIND: ColumnKind = ColumnKind::IdList;
    fn builder() -> Self::Builder {
        ListBuilder::new(Int64Builder::new())
    }
    fn append(builder: &mut Self::Builder, value: &[i64]) {
        builder.values().append_slice(value);
        builder.append(!value.is_empty());
    }
    fn finish(builder: &mut Self::Builder) -> Option<ArrayRef> {
        Some(Arc::new(builder.finish()))
    }
}

/// Marks a column that is not stored.
pub(crate) struct Derived;

impl Kind for Derived {
    type Value<'a> = ();
    type Builder = ();
    const KIND: ColumnKind = ColumnKind::Derived;
    fn builder() {}
    fn append((): &mut (), (): ()) {}
    fn finish((): &mut ()) -> Option<ArrayRef> {
        None
    }
}

/// Marks a column of text lists.
pub(crate) struct TextList;

impl Kind for TextList {
    type Value<'a> = &'a [String];
    type Builder = ListBuilder<StringBuilder>;
    const KIND: ColumnKind = ColumnKind::TextList;
    fn builder() -> Self::Builder {
        ListBuilder::new(StringBuilder::new())
    }
    fn append(builder: &mut Self::Builder, value: &[String]) {
        for text in value {
            builder.values().append_value(text);
        }
        builder.append(true);
    }
    fn finish(builder: &mut Self::Builder) -> Option<ArrayRef> {
        Some(Arc::new(builder.finish()))
    }
}

/// The type of a row's field. Spelled out rather than taken from [`Kind`], which is private and must not show in a public struct.
macro_rules! value_type {
    (Text, $life:lifetime) => { Option<&$life str> };
    (SharedText, $life:lifetime) => { Option<&$life str> };
    (Int, $life:lifetime) => { Option<i64> };
    (Float, $life:lifetime) => { Option<f64> };
    (Bool, $life:lifetime) => { Option<bool> };
    (Time, $life:lifetime) => { Option<i64> };
    (TextList, $life:lifetime) => { &$life [String] };
    (TextRef, $life:lifetime) => { Option<i64> };
    (Skeleton, $life:lifetime) => { Option<&$life str> };
    (IdList, $life:lifetime) => { &$life [i64] };
    (Derived, $life:lifetime) => { () };
}
pub(crate) use value_type;

/// Makes a row struct, a batch builder and the column list of a table from one list of columns, so that they can't disagree.
macro_rules! table {
    (
        $(#[$row_doc:meta])* row $row:ident;
        $(#[$builder_doc:meta])* builder $builder:ident;
        $(#[$columns_doc:meta])* columns $columns:ident;
        $( $name:ident : $kind:ident $( [ $internal:ident ] )? = $doc:literal; )*
    ) => {
        $(#[$row_doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq)]
        pub struct $row<'a> {
            $( #[doc = $doc] pub $name: crate::column::value_type!($kind, 'a), )*
        }

        $(#[$columns_doc])*
        pub const $columns: &[crate::column::Column] = &[
            $( crate::column::Column {
                name: stringify!($name),
                kind: <crate::column::$kind as crate::column::Kind>::KIND,
                doc: $doc,
                internal: false $( || stringify!($internal).len() > 0 )?,
            }, )*
        ];

        $(#[$builder_doc])*
        pub struct $builder {
            rows: usize,
            schema: arrow::datatypes::SchemaRef,
            $( $name: <crate::column::$kind as crate::column::Kind>::Builder, )*
        }

        impl Default for $builder {
            fn default() -> Self {
                let fields: Vec<_> = $columns.iter().filter_map(crate::column::Column::stored_field).collect();
                Self {
                    rows: 0,
                    schema: std::sync::Arc::new(arrow::datatypes::Schema::new(fields)),
                    $( $name: <crate::column::$kind as crate::column::Kind>::builder(), )*
                }
            }
        }

        impl $builder {
            /// Adds a row.
            pub fn push(&mut self, row: &$row<'_>) {
                $( <crate::column::$kind as crate::column::Kind>::append(&mut self.$name, row.$name); )*
                self.rows += 1;
            }

            /// Rows added since the last batch.
            #[must_use]
            pub fn rows(&self) -> usize {
                self.rows
            }

            /// The rows as one batch; the builder is empty afterwards.
            ///
            /// # Errors
            /// Columns of different length, which would be a bug.
            pub fn finish(&mut self) -> crate::Result<arrow::array::RecordBatch> {
                self.rows = 0;
                let columns = [
                    $( <crate::column::$kind as crate::column::Kind>::finish(&mut self.$name), )*
                ];
                let stored = columns.into_iter().flatten().collect();
                Ok(arrow::array::RecordBatch::try_new(std::sync::Arc::clone(&self.schema), stored)?)
            }
        }
    };
}
pub(crate) use table;
