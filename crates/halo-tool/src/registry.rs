//! Tools by name: what the model is told of, and the one place that calls them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use halo_protocol::ToolSpec;
use serde_json::Value;

use crate::{Tool, ToolContext, ToolError, ToolOutput};

/// A set of tools. Cheap to clone.
#[derive(Clone, Default)]
pub struct ToolRegistry {
    tools: BTreeMap<&'static str, Arc<dyn ErasedTool>>,
    /// Names in the order they were added: the order the model reads them in.
    order: Vec<&'static str>,
}

impl ToolRegistry {
    /// A registry without tools.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool; one of the same name is replaced.
    pub fn add<T: Tool>(&mut self, tool: T) {
        let name = tool.name();
        let parameters = schema_of::<T::Args>();
        let spec = ToolSpec { name: name.to_owned(), description: tool.description().trim().to_owned(), parameters };
        if self.tools.insert(name, Arc::new(Typed { tool, spec })).is_none() {
            self.order.push(name);
        }
    }

    /// What the model is told, in the order the tools were added.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        let mut specs: Vec<ToolSpec> =
            self.order.iter().filter_map(|name| self.tools.get(name)).map(|tool| tool.spec().clone()).collect();
        tell_once(&mut specs);
        specs
    }

    /// Whether a tool of this name is on offer.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.tools.contains_key(name)
    }

    /// Whether calls of this tool wait for models or other agents, see [`Tool::waits`]. `false` for unknown names.
    #[must_use]
    pub fn waits(&self, name: &str) -> bool {
        self.tools.get(name).is_some_and(|tool| tool.waits())
    }

    /// Adds all tools of another registry; those of the same name are replaced.
    pub fn extend(&mut self, other: &Self) {
        for name in &other.order {
            if let Some(tool) = other.tools.get(name)
                && self.tools.insert(name, Arc::clone(tool)).is_none()
            {
                self.order.push(name);
            }
        }
    }

    /// Calls a tool with the arguments as the model wrote them.
    ///
    /// # Errors
    /// An unknown name, arguments that are no JSON object or do not fit the schema: all [`ToolError::ForModel`] with what would fit. What the tool itself returns.
    pub async fn call(&self, name: &str, arguments: &str, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let Some(tool) = self.tools.get(name) else {
            return Err(ToolError::for_model(format!(
                "there is no tool `{name}`; the tools are: {}",
                self.order.join(", ")
            )));
        };
        // A model that needs no arguments often sends an empty string.
        let text = if arguments.trim().is_empty() { "{}" } else { arguments };
        let args: Value = serde_json::from_str(text).map_err(|error| {
            ToolError::for_model(format!(
                "the arguments of `{name}` are not valid JSON ({error}); send one JSON object"
            ))
        })?;
        tool.call(args, context).await
    }
}

impl std::fmt::Debug for ToolRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ToolRegistry").field(&self.order).finish()
    }
}

/// An object among the arguments that an earlier tool has as well, such as filters, is told by naming that tool: each request carries all
/// schemas, and a wrong argument is answered with its whole one.
fn tell_once(specs: &mut [ToolSpec]) {
    let mut told: Vec<(Value, String)> = Vec::new();
    for spec in specs {
        let Some(properties) = spec.parameters.get_mut("properties").and_then(Value::as_object_mut) else {
            continue;
        };
        for (name, schema) in properties {
            let Some(fields) = schema.get("properties").cloned() else {
                continue;
            };
            match told.iter().find(|(known, _)| *known == fields) {
                Some((_, tool)) => {
                    *schema = serde_json::json!({"type": "object", "description": format!("As `{name}` of {tool}.")});
                }
                None => told.push((fields, spec.name.clone())),
            }
        }
    }
}

fn schema_of<A: schemars::JsonSchema>() -> Value {
    let mut schema = schemars::generate::SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<A>()
        .to_value();
    // The dialect and the Rust type's name tell a model nothing.
    if let Value::Object(map) = &mut schema {
        map.remove("$schema");
        map.remove("title");
        map.entry("properties").or_insert_with(|| Value::Object(serde_json::Map::default()));
    }
    simplify(&mut schema);
    schema
}

/// Takes out what a model does not need and some endpoints refuse: number formats, and `null` beside the type of a field that may be
/// left out anyway. A `null` that comes all the same is still accepted.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("format").is_some_and(Value::is_string) {
                map.remove("format");
            }
            // What is unknown is refused when it is called; a model need not be told.
            if map.get("additionalProperties") == Some(&Value::Bool(false)) {
                map.remove("additionalProperties");
            }
            if map.get("minimum").is_some_and(|least| least.as_f64() == Some(0.0)) {
                map.remove("minimum");
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            map.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// A tool whose argument type is hidden, so that a registry can hold many.
trait ErasedTool: Send + Sync {
    fn spec(&self) -> &ToolSpec;
    fn waits(&self) -> bool;
    fn call<'a>(&'a self, args: Value, context: &'a ToolContext) -> BoxFuture<'a, Result<ToolOutput, ToolError>>;
}

struct Typed<T> {
    tool: T,
    spec: ToolSpec,
}

impl<T: Tool> ErasedTool for Typed<T> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn waits(&self) -> bool {
        self.tool.waits()
    }

    fn call<'a>(&'a self, args: Value, context: &'a ToolContext) -> BoxFuture<'a, Result<ToolOutput, ToolError>> {
        async move {
            let typed: T::Args = serde_json::from_value(args).map_err(|error| {
                ToolError::for_model(format!(
                    "the arguments of `{}` do not fit: {error}; its schema is {}",
                    self.spec.name, self.spec.parameters
                ))
            })?;
            self.tool.call(typed, context).await
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use tokio_util::sync::CancellationToken;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct AddArgs {
        /// First number.
        a: i64,
        /// Second number, 0 when absent.
        b: Option<i64>,
    }

    struct Add;

    impl Tool for Add {
        type Args = AddArgs;
        fn name(&self) -> &'static str {
            "add"
        }
        fn description(&self) -> &'static str {
            "Adds two numbers."
        }
        async fn call(&self, args: AddArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
            Ok(ToolOutput::text((args.a + args.b.unwrap_or(0)).to_string()))
        }
    }

    async fn call(name: &str, arguments: &str) -> Result<String, String> {
        let mut registry = ToolRegistry::new();
        registry.add(Add);
        let context =
            ToolContext { cancel: CancellationToken::new(), agent_id: "root".into(), tool_call_id: "c1".into() };
        registry.call(name, arguments, &context).await.map(|o| o.text).map_err(|e| e.to_string())
    }

    #[tokio::test]
    async fn calls_and_tells_the_model_what_would_fit() {
        assert_eq!(call("add", r#"{"a": 2, "b": 3}"#).await, Ok("5".to_owned()));
        assert_eq!(call("sub", "{}").await, Err("there is no tool `sub`; the tools are: add".to_owned()));
        let broken = call("add", r#"{"a": 2"#).await.unwrap_err();
        assert!(broken.starts_with("the arguments of `add` are not valid JSON (EOF while parsing"), "{broken}");
        let wrong = call("add", r#"{"a": "two"}"#).await.unwrap_err();
        assert!(wrong.contains(r#"invalid type: string "two", expected i64"#), "{wrong}");
        assert!(wrong.contains(r#""description":"First number.""#), "{wrong}");
    }

    #[derive(Deserialize, JsonSchema)]
    struct Nested {
        /// Which.
        filters: Option<Filters>,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Filters {
        /// A name.
        name: Option<String>,
    }

    struct Named(&'static str);

    impl Tool for Named {
        type Args = Nested;
        fn name(&self) -> &'static str {
            self.0
        }
        fn description(&self) -> &'static str {
            "Filters."
        }
        async fn call(&self, args: Nested, _: &ToolContext) -> Result<ToolOutput, ToolError> {
            Ok(ToolOutput::text(args.filters.and_then(|filters| filters.name).unwrap_or_default()))
        }
    }

    #[test]
    fn an_object_that_was_told_is_told_by_name() {
        let mut registry = ToolRegistry::new();
        registry.add(Named("first"));
        registry.add(Named("second"));
        let specs = registry.specs();
        let fields = |at: usize| &specs[at].parameters["properties"]["filters"];
        assert_eq!(fields(0)["properties"]["name"]["description"], "A name.");
        let expected = serde_json::json!({"type": "object", "description": "As `filters` of first."});
        assert_eq!(fields(1), &expected);
    }

    #[test]
    fn the_schema_is_derived_from_the_arguments() {
        let mut registry = ToolRegistry::new();
        registry.add(Add);
        let expected = serde_json::json!({
            "type": "object",
            "properties": {
                "a": {"type": "integer", "description": "First number."},
                "b": {"type": "integer", "description": "Second number, 0 when absent."}
            },
            "required": ["a"]
        });
        assert_eq!(registry.specs()[0].parameters, expected);
    }
}
