//! Host functions as Python sees them.

use rustpython_vm::builtins::PyTypeRef;
use rustpython_vm::function::{FuncArgs, PyMethodFlags};
use rustpython_vm::{PyObjectRef, PyResult, VirtualMachine};
use serde_json::Value;

use super::link::Link;
use super::streams::Streams;
use super::values::{to_json, to_python};
use crate::bind::bind;
use crate::host::HostFunction;
use crate::protocol::{LINE_BYTES_MAX, Reply, Request};

/// Asks the parent and waits.
#[derive(Clone)]
pub(super) struct Answers {
    pub(super) link: Link,
    pub(super) streams: Streams,
    /// `HaloError`.
    pub(super) error_class: PyTypeRef,
}

impl Answers {
    /// The Python function of a host function. Its name and documentation live as long as the process.
    pub(super) fn function(&self, function: &HostFunction, vm: &VirtualMachine) -> PyObjectRef {
        let answers = self.clone();
        let host = function.clone();
        let doc = format!("{}\n\n{}", function.signature(), function.doc);
        let call = move |arguments: FuncArgs, vm: &VirtualMachine| answers.call(&host, arguments, vm);
        let name: &'static str = function.name.clone().leak();
        let definition = vm.ctx.new_method_def(name, call, PyMethodFlags::empty(), Some(doc.leak()));
        definition.build_function(vm).into()
    }

    fn call(&self, function: &HostFunction, arguments: FuncArgs, vm: &VirtualMachine) -> PyResult {
        let positional: Vec<Value> = arguments.args.iter().map(|value| to_json(value, vm)).collect::<PyResult<_>>()?;
        let mut named = Vec::new();
        for (name, value) in arguments.kwargs {
            named.push((name, to_json(&value, vm)?));
        }
        let arguments = bind(function, positional, named).map_err(|text| vm.new_type_error(text))?;
        let call = Reply::Call { function: function.name.clone(), arguments };
        let line = serde_json::to_string(&call).map_err(|error| vm.new_value_error(error.to_string()))?;
        if line.len() > LINE_BYTES_MAX / 2 {
            return Err(vm.new_value_error(format!(
                "the arguments of {} are {} MB, at most {} fit; pass less",
                function.name,
                line.len() >> 20,
                LINE_BYTES_MAX >> 21
            )));
        }
        self.streams.flush();
        self.link.send_line(line);
        match self.link.receive() {
            Some(Request::Answer { answer: Ok(value) }) => to_python(value, vm),
            Some(Request::Answer { answer: Err(message) }) => {
                Err(vm.new_exception_msg(self.error_class.clone(), message.into()))
            }
            // The parent is gone or mad; the process ends with its input.
            _ => Err(vm.new_exception_empty(vm.ctx.exceptions.system_exit.to_owned())),
        }
    }
}
