//! What the program of this test has said in its log.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

static SAID: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Said;

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SAID.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is said from now on, by all tests of the program.
pub(crate) fn listen() {
    // Another test may have begun to.
    let _ = tracing_subscriber::fmt().with_writer(|| Said).try_init();
}

/// How often these words were said.
pub(crate) fn said(words: &str) -> usize {
    let said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&said).matches(words).count()
}
