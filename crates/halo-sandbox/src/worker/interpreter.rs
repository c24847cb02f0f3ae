//! RustPython, set up so that code finds the language and the host functions, and nothing else.

use rustpython_vm::builtins::{PyBaseExceptionRef, PyCode, PyStrRef, PyType};
use rustpython_vm::common::rc::PyRc;
use rustpython_vm::compiler::{CompileError, Mode, ast, parser};
use rustpython_vm::scope::Scope;
use rustpython_vm::signal::{UserSignalReceiver, user_signal_channel};
use rustpython_vm::vm::{Paths, Settings};
use rustpython_vm::{AsObject as _, Interpreter as Python, Py, PyObjectRef, PyRef, PyResult, VirtualMachine};

use super::answers::Answers;
use super::link::Link;
use super::streams::Streams;
use super::traceback::{Sources, raised, unreadable};
use crate::protocol::{Done, Raised, Start};

/// Deepest recursion of Python functions, Python's own default. The interpreter's stack is large enough for it in any build.
const RECURSION_MAX: usize = 1_000;

/// Modules that make objects out of bytes which the interpreter then trusts.
const UNSAFE_MODULES: [&str; 2] = ["marshal", "_remote_debugging"];

/// One interpreter with the variables of a session.
pub(super) struct Interpreter {
    python: Python,
    /// The variables, and a function that puts `sys` and the builtins into order before code begins; or why they are not there.
    ready: Result<(Scope, PyObjectRef), Raised>,
    streams: Streams,
    sources: Sources,
    link: Link,
    value_chars_max: usize,
}

impl Interpreter {
    /// Starts the interpreter and defines the host functions.
    pub(super) fn new(start: &Start, link: Link) -> Self {
        let (sender, receiver) = user_signal_channel();
        link.interrupter.connect(sender);
        let python = build(receiver);
        let streams = Streams::new(start.output_chars, link.clone());
        let mut interpreter = Self {
            python,
            ready: Err(internal("the interpreter is not set up")),
            streams,
            sources: Sources::default(),
            link,
            value_chars_max: start.output_chars,
        };
        interpreter.prepare(start);
        interpreter
    }

    /// Runs the two files of Python beside this one, which hide what can't work and put clear errors in its place.
    fn prepare(&mut self, start: &Start) {
        let (streams, link) = (self.streams.clone(), self.link.clone());
        let prepared = self.python.enter(|vm| -> PyResult<(Scope, PyObjectRef)> {
            restrict(vm);
            let error_class = vm.ctx.new_exception_type("halo", "HaloError", None);
            let answers = Answers { link, streams: streams.clone(), error_class: error_class.clone() };
            vm.builtins.set_attr("HaloError", error_class, vm)?;
            for function in &start.functions {
                let name = vm.ctx.intern_str(function.name.as_str());
                vm.builtins.set_attr(name, answers.function(function, vm), vm)?;
            }
            let hidden = vm.new_scope_with_builtins();
            let set = |name: &'static str, value: PyObjectRef| hidden.globals.set_item(name, value, vm);
            let write = move |text: PyStrRef| streams.write(&text.to_string_lossy());
            set("_write", vm.new_function("write", write).into())?;
            set("_set_recursion_limit", vm.new_function("setrecursionlimit", set_recursion_limit).into())?;
            set("_os_source", vm.ctx.new_str(include_str!("os.py")).into())?;
            let code = vm.compile(include_str!("prelude.py"), Mode::Exec, "<halo>".to_owned());
            let code = code.map_err(|error| vm.new_syntax_error(&error, None))?;
            vm.run_code_obj(code, hidden.clone())?;
            know_types(vm.ctx.types.object_type, vm);
            let reset = hidden.globals.get_item("reset", vm)?;
            Ok((vm.new_scope_with_main()?, reset))
        });
        // An exception here is a fault of this crate; every run then tells of it.
        self.ready = prepared.map_err(|error| self.python.enter(|vm| raised(&error, &self.sources, vm)));
    }

    /// Runs one piece of code in the variables of the session.
    pub(super) fn run(&mut self, code: &str) -> Done {
        let file = self.sources.add(code);
        let Self { python, ready, sources, link, .. } = self;
        let (scope, reset) = match ready {
            Ok(ready) => ready,
            Err(error) => return Done { error: Some(error.clone()), ..Done::default() },
        };
        let value_chars_max = self.value_chars_max;
        let mut done = python.enter(|vm| {
            vm.recursion_limit.set(RECURSION_MAX);
            vm.use_tracing.set(false);
            vm.trace_func.replace(vm.ctx.none());
            vm.profile_func.replace(vm.ctx.none());
            if reset.call((), vm).is_err() {
                let error = internal("the interpreter was damaged by earlier code");
                return Done { error: Some(error), ..Done::default() };
            }
            let parts = match compile(code, &file, vm) {
                Ok(parts) => parts,
                Err(error) => return Done { error: Some(unreadable(&error, &file, sources)), ..Done::default() },
            };
            link.interrupter.step();
            let ended = parts.run(scope, vm).and_then(|value| shown(value, value_chars_max, vm));
            link.interrupter.step();
            vm.recursion_limit.set(RECURSION_MAX);
            match ended {
                Ok(value) => Done { value, ..Done::default() },
                Err(exception) => over(&exception, sources, vm),
            }
        });
        (done.printed_end, done.printed_missing) = self.streams.finish();
        done
    }
}

fn build(receiver: UserSignalReceiver) -> Python {
    let mut settings = Settings::default();
    settings.isolated = true;
    settings.ignore_environment = true;
    settings.import_site = false;
    settings.user_site_directory = false;
    settings.install_signal_handlers = false;
    settings.write_bytecode = false;
    settings.allow_external_library = false;
    let builder = Python::builder(settings);
    let modules = rustpython_stdlib::stdlib_module_defs(&builder.ctx);
    builder
        .add_native_modules(&modules)
        .add_frozen_modules(rustpython_pylib::FROZEN_STDLIB)
        .init_hook(move |vm| {
            vm.set_user_signal_channel(receiver);
            if let Some(state) = PyRc::get_mut(&mut vm.state) {
                // Where the program lies is nobody's business.
                state.config.paths = Paths::default();
                for name in UNSAFE_MODULES {
                    state.module_defs.remove(name);
                }
            }
        })
        .build()
}

/// Takes away the ways to make bytecode by hand, which the interpreter would run unchecked.
fn restrict(vm: &VirtualMachine) {
    let code = vm.ctx.types.code_type;
    code.slots.new.store(None);
    let mut attributes = code.attributes.write();
    for name in ["__new__", "replace", "__replace__"] {
        attributes.shift_remove(vm.ctx.intern_str(name));
    }
}

/// Makes the names of all types known. The interpreter expects them to be when code looks at types, and for some they are not.
fn know_types(class: &Py<PyType>, vm: &VirtualMachine) {
    let name = class.name().to_string();
    vm.ctx.intern_str(name.rsplit('.').next().unwrap_or_default());
    let below: Vec<PyObjectRef> = class.subclasses.read().iter().filter_map(|weak| weak.upgrade()).collect();
    for class in below.iter().filter_map(|object| object.downcast_ref::<PyType>()) {
        know_types(class, vm);
    }
}

/// Code whose last statement is an expression has a value, as in a notebook.
struct Parts {
    statements: PyRef<PyCode>,
    last: Option<PyRef<PyCode>>,
}

impl Parts {
    fn run(self, scope: &Scope, vm: &VirtualMachine) -> PyResult {
        let nothing = vm.run_code_obj(self.statements, scope.clone())?;
        match self.last {
            Some(last) => vm.run_code_obj(last, scope.clone()),
            None => Ok(nothing),
        }
    }
}

fn compile(code: &str, file: &str, vm: &VirtualMachine) -> Result<Parts, CompileError> {
    let whole = vm.compile(code, Mode::Exec, file.to_owned())?;
    let module = parser::parse_module(code).map(parser::Parsed::into_syntax).ok();
    let Some(ast::Stmt::Expr(last)) = module.as_ref().and_then(|module| module.body.last()) else {
        return Ok(Parts { statements: whole, last: None });
    };
    let (start, end) = (last.range.start().to_usize(), last.range.end().to_usize());
    let (Some(before), Some(expression)) = (code.get(..start), code.get(start..end)) else {
        return Ok(Parts { statements: whole, last: None });
    };
    // Empty lines keep its line numbers right.
    let line = before.matches('\n').count();
    let expression = format!("{}{expression}", "\n".repeat(line));
    let statements = vm.compile(before, Mode::Exec, file.to_owned())?;
    // What stands in brackets of its own reads otherwise without them; then it is a statement like any other.
    match vm.compile(&expression, Mode::Eval, file.to_owned()) {
        Ok(last) => Ok(Parts { statements, last: Some(last) }),
        Err(_) => Ok(Parts { statements: whole, last: None }),
    }
}

fn shown(value: PyObjectRef, chars_max: usize, vm: &VirtualMachine) -> PyResult<Option<String>> {
    if vm.is_none(&value) {
        return Ok(None);
    }
    let text = value.repr(vm)?;
    Ok(Some(halo_tool::clip_middle(&text.to_string_lossy(), chars_max)))
}

fn over(exception: &PyBaseExceptionRef, sources: &Sources, vm: &VirtualMachine) -> Done {
    if exception.fast_isinstance(vm.ctx.exceptions.system_exit) {
        return Done { has_exited: true, ..Done::default() };
    }
    Done { error: Some(raised(exception, sources, vm)), ..Done::default() }
}

fn internal(message: &str) -> Raised {
    let class = "InternalError".to_owned();
    Raised { traceback: format!("{class}: {message}"), class, message: message.to_owned() }
}

/// `sys.setrecursionlimit` that never allows more than the stack holds.
fn set_recursion_limit(limit: usize, vm: &VirtualMachine) -> PyResult<()> {
    if limit > RECURSION_MAX {
        return Err(vm.new_value_error(format!(
            "the recursion limit is {RECURSION_MAX} here and can't be raised; use a loop with a list as a stack"
        )));
    }
    vm.recursion_limit.set(limit.max(vm.current_recursion_depth() + 10));
    Ok(())
}
