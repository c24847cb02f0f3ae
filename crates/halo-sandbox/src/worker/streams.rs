//! Where `print` goes: into a bounded record that is sent to the parent.

use std::cell::RefCell;
use std::rc::Rc;

use super::link::Link;
use super::printed::Printed;
use crate::protocol::Reply;

/// What is printed by the code that runs. Cheap to clone.
#[derive(Clone)]
pub(super) struct Streams {
    printed: Rc<RefCell<Printed>>,
    chars_max: usize,
    link: Link,
}

impl Streams {
    pub(super) fn new(chars_max: usize, link: Link) -> Self {
        Self { printed: Rc::new(RefCell::new(Printed::new(chars_max))), chars_max, link }
    }

    /// What `sys.stdout.write` does.
    pub(super) fn write(&self, text: &str) -> usize {
        let unsent = self.printed.borrow_mut().write(text);
        self.send(unsent);
        text.chars().count()
    }

    /// Sends what there is of the beginning, before something that may take long.
    pub(super) fn flush(&self) {
        let unsent = self.printed.borrow_mut().take_unsent();
        self.send(unsent);
    }

    /// Ends the record: its end and how many characters are missing before it. A new one begins.
    pub(super) fn finish(&self) -> (String, usize) {
        self.flush();
        self.printed.replace(Printed::new(self.chars_max)).finish()
    }

    fn send(&self, text: Option<String>) {
        if let Some(text) = text {
            self.link.send(&Reply::Printed { text });
        }
    }
}
