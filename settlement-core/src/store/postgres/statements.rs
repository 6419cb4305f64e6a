//! What a connection has prepared: the statements used last, so many and no more.
//!
//! Most texts of the core are fixed. Some are put together (lists, filters of a search), and how many of those there are is
//! not for a connection to know: each costs memory here and in the server's process. A statement that is let go is closed
//! on the server, too.

use std::collections::HashMap;

/// Prepared statements by text; `S` is what the client calls one.
pub(super) struct Statements<S> {
    most: usize,
    known: HashMap<String, Known<S>>,
    /// How often anything was asked for.
    asked: u64,
}

struct Known<S> {
    statement: S,
    /// The count when it was asked for last.
    asked: u64,
}

impl<S: Clone> Statements<S> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, known: HashMap::new(), asked: 0 }
    }

    /// The statement of a text, which is now the one used last.
    pub(super) fn get(&mut self, sql: &str) -> Option<S> {
        self.asked += 1;
        let known = self.known.get_mut(sql)?;
        known.asked = self.asked;
        Some(known.statement.clone())
    }

    /// Keeps a statement; lets go of the one not used for longest if there would be too many.
    pub(super) fn keep(&mut self, sql: &str, statement: S) {
        self.asked += 1;
        if self.known.len() >= self.most && !self.known.contains_key(sql) {
            // Looked for one by one: it was just prepared over the network, which takes far longer.
            let oldest = self.known.iter().min_by_key(|(_, known)| known.asked);
            if let Some(text) = oldest.map(|(text, _)| text.clone()) {
                self.known.remove(&text);
            }
        }
        self.known.insert(sql.to_owned(), Known { statement, asked: self.asked });
    }

    /// The connection is a new one, on which nothing is prepared.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let mut statements = Statements::new(2);
        statements.keep("a", 1);
        statements.keep("b", 2);
        assert_eq!(statements.get("a"), Some(1));
        statements.keep("c", 3);
        assert_eq!([statements.get("a"), statements.get("b"), statements.get("c")], [Some(1), None, Some(3)]);
    }

    #[test]
    fn what_is_there_already_takes_nobodys_place() {
        let mut statements = Statements::new(2);
        statements.keep("a", 1);
        statements.keep("b", 2);
        statements.keep("b", 3);
        assert_eq!([statements.get("a"), statements.get("b")], [Some(1), Some(3)]);
    }

    #[test]
    fn a_new_connection_knows_nothing() {
        let mut statements = Statements::new(2);
        statements.keep("a", 1);
        statements.forget();
        assert_eq!(statements.get("a"), None);
    }
}
