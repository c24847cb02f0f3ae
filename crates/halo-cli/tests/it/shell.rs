//! The SQL shell as a user meets it: on a terminal.

use std::io::{Read as _, Write as _};
use std::process::Child;
use std::sync::mpsc::{self, Receiver};

use nix::pty::{Winsize, openpty};

use crate::sandbox::{Sandbox, TIME_MAX, signal};

/// What is kept of a long output while something is waited for.
const KEPT_BYTES: usize = 1 << 16;

/// The shell on a terminal of its own.
struct Shell {
    child: Child,
    keys: std::fs::File,
    screen: Receiver<Vec<u8>>,
    shown: String,
}

impl Shell {
    fn start(sandbox: &Sandbox) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(&size, None).unwrap();
        let side = || terminal.slave.try_clone().unwrap();
        let mut command = sandbox.command(&["sql", "traces.halo"]);
        command.env("TERM", "xterm").env("PATH", "/usr/bin:/bin").env("PAGER", "sed 's/^/paged /'");
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        let mut output = std::fs::File::from(terminal.master.try_clone().unwrap());
        let (sender, screen) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The terminal ends with an error when the program has gone.
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                if sender.send(bytes[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys: terminal.master.into(), screen, shown: String::new() }
    }

    fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this is shown, behind what was waited for before; gives what came before it.
    #[track_caller]
    fn wait_for(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            let mut keep = self.shown.len().saturating_sub(KEPT_BYTES);
            while !self.shown.is_char_boundary(keep) {
                keep += 1;
            }
            self.shown.drain(..keep);
            let Ok(bytes) = self.screen.recv_timeout(TIME_MAX) else {
                signal("KILL", self.child.id());
                panic!("`{text}` was never shown; the screen ends with {}", self.shown);
            };
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Types a line at the prompt and waits for what it brings, and for the next prompt.
    #[track_caller]
    fn ask(&mut self, line: &str, answer: &str) -> String {
        self.type_keys(&format!("{line}\r"));
        let shown = self.wait_for(answer);
        self.wait_for("halo> ");
        shown
    }

    fn end(mut self) {
        self.type_keys("\u{4}");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_session_on_a_terminal() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let mut shell = Shell::start(&sandbox);
    shell.wait_for("14 spans of 3 traces");
    shell.wait_for("halo> ");
    // Several lines, and the prompt tells what is open.
    shell.type_keys("select count(*) as n, ('\r");
    shell.wait_for("   '> ");
    shell.type_keys(";' is null\r");
    shell.wait_for("   (> ");
    shell.ask(") as no from spans; select 'sec' || 'ond' as word;", "second");
    // Names are completed.
    shell.type_keys("select count(*) as calls from tool_c\t");
    shell.wait_for("tool_calls");
    shell.ask(";", "1 row in ");
    // Errors and Ctrl-C leave the shell alive.
    shell.ask("select nope from spans;", "there is no column `nope`");
    shell.ask(".nope", "there is no command `.nope`");
    shell.type_keys("select 1 as dropped\r");
    shell.wait_for("   -> ");
    shell.type_keys("\u{3}");
    shell.wait_for("halo> ");
    shell.ask("select 'st' || 'ill' as here;", "still");
    // More than the screen has goes to the pager.
    shell.ask("select value from generate_series(1, 99);", "paged ");
    shell.ask("\\d", "tool_calls");
    shell.ask(".pager off", "");
    shell.ask(".mode jsonl", "");
    // It runs when its first row is shown. Ctrl-C would come as a signal, too, were this the tests' own terminal.
    shell.type_keys(
        "select a.name as one, b.name as another from spans a, spans b, spans c, spans d, spans e, spans f;\r",
    );
    shell.wait_for("{\"one\":");
    signal("INT", shell.child.id());
    shell.wait_for("the query was cancelled");
    shell.wait_for("halo> ");
    shell.ask("select 'aga' || 'in' as word;", "again");
    shell.end();

    // What was typed is there the next time.
    let mut shell = Shell::start(&sandbox);
    shell.wait_for("halo> ");
    shell.type_keys("\u{1b}[A");
    shell.wait_for("'aga' || 'in'");
    shell.ask("", "again");
    shell.type_keys("\\q\r");
    assert_eq!(shell.child.wait().unwrap().code(), Some(0));
}
