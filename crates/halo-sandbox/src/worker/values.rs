//! Values between Python and JSON.

use rustpython_vm::builtins::{PyDict, PyFloat, PyInt, PyList, PyStr, PyTuple};
use rustpython_vm::{AsObject as _, PyObject, PyObjectRef, PyResult, VirtualMachine};
use serde_json::{Map, Number, Value};

/// Deepest nesting of a value that is passed on. A value that contains itself ends here.
const DEPTH_MAX: usize = 60;

/// A Python value as JSON. Tuples become lists, keys become text as `json.dumps` makes them.
///
/// # Errors
/// `TypeError` or `ValueError` for what JSON has no form for.
pub(super) fn to_json(object: &PyObject, vm: &VirtualMachine) -> PyResult<Value> {
    convert(object, 0, vm)
}

fn convert(object: &PyObject, depth: usize, vm: &VirtualMachine) -> PyResult<Value> {
    if depth > DEPTH_MAX {
        return Err(vm.new_value_error(format!(
            "a value that is nested deeper than {DEPTH_MAX}, or contains itself, can't be passed to a host function"
        )));
    }
    if vm.is_none(object) {
        return Ok(Value::Null);
    }
    if object.is(&vm.ctx.true_value) || object.is(&vm.ctx.false_value) {
        return Ok(Value::Bool(object.is(&vm.ctx.true_value)));
    }
    if let Some(text) = object.downcast_ref::<PyStr>() {
        let text = text.to_str().ok_or_else(|| vm.new_value_error("text with a lone surrogate can't be passed on"))?;
        return Ok(Value::String(text.to_owned()));
    }
    if let Some(number) = object.downcast_ref::<PyInt>() {
        return integer(number, vm);
    }
    if let Some(number) = object.downcast_ref::<PyFloat>() {
        let number = Number::from_f64(number.to_f64());
        return number.map(Value::Number).ok_or_else(|| {
            vm.new_value_error("NaN and infinity can't be passed to a host function; pass None instead")
        });
    }
    let items = match (object.downcast_ref::<PyList>(), object.downcast_ref::<PyTuple>()) {
        (Some(list), _) => list.borrow_vec().to_vec(),
        (None, Some(tuple)) => tuple.as_slice().to_vec(),
        (None, None) => return dict(object, depth, vm),
    };
    items.iter().map(|item| convert(item, depth + 1, vm)).collect::<PyResult<_>>().map(Value::Array)
}

fn integer(number: &PyInt, vm: &VirtualMachine) -> PyResult<Value> {
    let big = number.as_bigint();
    if let Ok(small) = i64::try_from(big) {
        return Ok(Value::from(small));
    }
    match u64::try_from(big) {
        Ok(large) => Ok(Value::from(large)),
        Err(_) => {
            Err(vm.new_value_error("an integer of more than 64 bits can't be passed on; pass str(value) instead"))
        }
    }
}

fn dict(object: &PyObject, depth: usize, vm: &VirtualMachine) -> PyResult<Value> {
    let Some(dict) = object.downcast_ref::<PyDict>() else {
        return Err(vm.new_type_error(format!(
            "a value of type {} can't be passed to a host function; pass str(value), list(value) or a dict instead",
            object.class().name()
        )));
    };
    let mut map = Map::new();
    for (key, value) in dict.items_vec() {
        let name = match convert(&key, depth + 1, vm)? {
            Value::String(text) => text,
            key @ (Value::Null | Value::Bool(_) | Value::Number(_)) => key.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(vm.new_type_error("keys of a dict that is passed on must be text"));
            }
        };
        map.insert(name, convert(&value, depth + 1, vm)?);
    }
    Ok(Value::Object(map))
}

/// A JSON value as Python's. Its depth is bounded by the parser it came through.
///
/// # Errors
/// None that code could cause; those of the interpreter's dicts.
pub(super) fn to_python(value: Value, vm: &VirtualMachine) -> PyResult<PyObjectRef> {
    Ok(match value {
        Value::Null => vm.ctx.none(),
        Value::Bool(value) => vm.ctx.new_bool(value).into(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(small), _) => vm.ctx.new_int(small).into(),
            (None, Some(large)) => vm.ctx.new_int(large).into(),
            (None, None) => vm.ctx.new_float(number.as_f64().unwrap_or(f64::NAN)).into(),
        },
        Value::String(text) => vm.ctx.new_str(text).into(),
        Value::Array(items) => {
            let items: Vec<PyObjectRef> = items.into_iter().map(|item| to_python(item, vm)).collect::<PyResult<_>>()?;
            vm.ctx.new_list(items).into()
        }
        Value::Object(map) => {
            let dict = vm.ctx.new_dict();
            for (key, value) in map {
                dict.set_item(key.as_str(), to_python(value, vm)?, vm)?;
            }
            dict.into()
        }
    })
}
