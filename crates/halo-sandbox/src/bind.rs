//! Positional and named arguments of a call to the parameters of a host function, by Python's rules.

use serde_json::{Map, Value};

use crate::host::HostFunction;

/// Gives every parameter its value. The error is the text of a `TypeError`, with the signature.
pub(crate) fn bind(
    function: &HostFunction,
    positional: Vec<Value>,
    named: Vec<(String, Value)>,
) -> Result<Map<String, Value>, String> {
    let wrong = |what: String| Err(format!("{}() {what}; its signature is {}", function.name, function.signature()));
    if positional.len() > function.parameters.len() {
        return wrong(format!("takes {} but {} were given", counted(function.parameters.len()), positional.len()));
    }
    let mut bound = Map::new();
    for (parameter, value) in function.parameters.iter().zip(positional) {
        bound.insert(parameter.name.clone(), value);
    }
    for (name, value) in named {
        if !function.parameters.iter().any(|parameter| parameter.name == name) {
            return wrong(format!("got an unexpected keyword argument '{name}'"));
        }
        if bound.insert(name.clone(), value).is_some() {
            return wrong(format!("got multiple values for argument '{name}'"));
        }
    }
    for parameter in &function.parameters {
        match (bound.get(&parameter.name), &parameter.default) {
            (Some(value), default) => {
                // What may be left out may also be None, as in most Python libraries.
                if let (Value::Null, Some(default)) = (value, default) {
                    bound.insert(parameter.name.clone(), default.clone());
                } else if !parameter.kind.fits(value) {
                    let (annotation, given) = (parameter.kind.annotation(), python_type(value));
                    return wrong(format!("wants {annotation} for '{}' and got {given}", parameter.name));
                }
            }
            (None, Some(default)) => {
                bound.insert(parameter.name.clone(), default.clone());
            }
            (None, None) => return wrong(format!("is missing the argument '{}'", parameter.name)),
        }
    }
    Ok(bound)
}

fn counted(arguments: usize) -> String {
    match arguments {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    }
}

fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "None",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "a list with other values in it",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace_functions;
    use serde_json::json;

    fn bound(name: &str, positional: Value, named: Value) -> Result<Value, String> {
        let functions = trace_functions();
        let function = functions.iter().find(|function| function.name == name).unwrap();
        let (Value::Array(positional), Value::Object(named)) = (positional, named) else { panic!("a list and a map") };
        bind(function, positional, named.into_iter().collect()).map(Value::Object)
    }

    #[test]
    fn arguments_come_by_place_by_name_and_by_default() {
        let expected = json!({"trace_id": "t1", "page": 1});
        assert_eq!(bound("view_trace", json!(["t1"]), json!({})), Ok(expected.clone()));
        assert_eq!(bound("view_trace", json!([]), json!({"trace_id": "t1"})), Ok(expected.clone()));
        assert_eq!(bound("view_trace", json!(["t1", null]), json!({})), Ok(expected));
        assert_eq!(bound("view_trace", json!(["t1"]), json!({"page": 3})), Ok(json!({"trace_id": "t1", "page": 3})));
    }

    #[test]
    fn wrong_arguments_are_told_with_the_signature() {
        let sql = "its signature is sql(query: str) -> list[dict]";
        assert_eq!(bound("sql", json!([]), json!({})), Err(format!("sql() is missing the argument 'query'; {sql}")));
        assert_eq!(
            bound("sql", json!(["a", "b"]), json!({})),
            Err(format!("sql() takes 1 argument but 2 were given; {sql}"))
        );
        assert_eq!(
            bound("sql", json!(["a"]), json!({"query": "b"})),
            Err(format!("sql() got multiple values for argument 'query'; {sql}"))
        );
        assert_eq!(
            bound("sql", json!(["a"]), json!({"limit": 1})),
            Err(format!("sql() got an unexpected keyword argument 'limit'; {sql}"))
        );
        assert_eq!(
            bound("sql", json!([1.5]), json!({})),
            Err(format!("sql() wants str for 'query' and got float; {sql}"))
        );
    }
}
