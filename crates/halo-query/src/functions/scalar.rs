//! One shape for halo's scalar functions: a name, types, and a function from columns to a column.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, Int64Array, StringViewArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use regex::Regex;

use crate::function_docs::Entry;
use crate::stop::Stop;

/// A function of SQL over whole columns.
pub(super) struct Function {
    name: &'static str,
    takes: Signature,
    returns: DataType,
    run: Run,
    documentation: Option<Documentation>,
}

/// From the columns of a call to its result.
type Lookup = dyn Fn(&Arguments) -> Result<ArrayRef> + Send + Sync;

/// What a function does.
enum Run {
    /// Nothing but its arguments tells its result, so that two of one name are the same.
    Pure(fn(&Arguments) -> Result<ArrayRef>),
    /// It looks something up that it holds.
    Holding(Arc<Lookup>),
}

impl Function {
    /// A function for whoever writes SQL.
    pub(super) fn documented(
        entry: &'static Entry,
        takes: Signature,
        returns: DataType,
        run: fn(&Arguments) -> Result<ArrayRef>,
    ) -> ScalarUDF {
        let (run, documentation) = (Run::Pure(run), Some(documentation(entry)));
        ScalarUDF::from(Self { name: entry.name, takes, returns, run, documentation })
    }

    /// A function for whoever writes SQL that looks something up.
    pub(super) fn documented_holding(
        entry: &'static Entry,
        takes: Signature,
        returns: DataType,
        run: impl Fn(&Arguments) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> ScalarUDF {
        let (run, documentation) = (Run::Holding(Arc::new(run)), Some(documentation(entry)));
        ScalarUDF::from(Self { name: entry.name, takes, returns, run, documentation })
    }

    /// A function that only the views call, and that looks something up.
    pub(super) fn holding(
        name: &'static str,
        takes: Signature,
        returns: DataType,
        run: impl Fn(&Arguments) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> ScalarUDF {
        ScalarUDF::from(Self { name, takes, returns, run: Run::Holding(Arc::new(run)), documentation: None })
    }
}

fn documentation(entry: &'static Entry) -> Documentation {
    let section = DocSection { include: true, label: entry.group.name(), description: None };
    Documentation::builder(section, entry.meaning, entry.signature).with_sql_example(entry.example).build()
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && match (&self.run, &other.run) {
                (Run::Pure(_), Run::Pure(_)) => true,
                (Run::Holding(one), Run::Holding(another)) => Arc::ptr_eq(one, another),
                _ => false,
            }
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.takes
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.documentation.as_ref()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments { name: self.name, args };
        Ok(ColumnarValue::Array(match &self.run {
            Run::Pure(run) => run(&arguments)?,
            Run::Holding(run) => run(&arguments)?,
        }))
    }
}

/// What a function is called with.
pub(super) struct Arguments {
    name: &'static str,
    args: ScalarFunctionArgs,
}

impl Arguments {
    /// The sign that the query is over.
    pub(super) fn stop(&self) -> Stop {
        Stop::of(&self.args.config_options)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.args.args.len()
    }

    /// The texts of the argument at this place.
    pub(super) fn texts(&self, index: usize) -> Result<StringViewArray> {
        Ok(cast(&self.array(index)?, &DataType::Utf8View)?.as_string_view().clone())
    }

    /// The whole numbers of the argument at this place.
    pub(super) fn ints(&self, index: usize) -> Result<Int64Array> {
        Ok(cast(&self.array(index)?, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
    }

    /// The pattern at this place, which must be one for all rows: it is compiled once a batch, which costs little beside matching it.
    pub(super) fn pattern(&self, index: usize) -> Result<Regex> {
        let ColumnarValue::Scalar(pattern) = &self.args.args[index] else {
            return exec_err!("the pattern of {} must be one text, not a column", self.name);
        };
        let Some(Some(pattern)) = pattern.try_as_str() else {
            return exec_err!("the pattern of {} must be a text", self.name);
        };
        crate::pattern::compile(pattern).map_err(|error| DataFusionError::Execution(error.to_string()))
    }

    fn array(&self, index: usize) -> Result<ArrayRef> {
        self.args.args[index].to_array(self.args.number_rows)
    }
}

/// A column of texts from one of texts; NULL stays NULL.
pub(super) fn map_texts(texts: &StringViewArray, map: impl Fn(&str) -> Option<Cow<'_, str>>) -> ArrayRef {
    let mut mapped = StringViewBuilder::with_capacity(texts.len());
    for text in texts {
        mapped.append_option(text.and_then(&map));
    }
    Arc::new(mapped.finish())
}
