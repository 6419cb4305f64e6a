//! An error in one line, with everything that lies below it: each error says its own level only, and a log in JSON does
//! not ask for the causes.

use std::error::Error;

/// The error, its cause, the cause of that, and so on.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        below = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the table could not be saved")]
    struct Above(#[source] std::io::Error);

    #[test]
    fn the_last_cause_is_said_too() {
        let error = Above(std::io::Error::other("no space is left"));
        assert_eq!(with_causes(&error), "the table could not be saved: no space is left");
    }
}
