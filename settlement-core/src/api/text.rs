//! Texts that people give, as far as all of them are alike.

use super::Problem;
use crate::orders::event::is_reference;

/// Bytes of a label at most.
const LABEL_MAX: usize = 200;

/// Refuses a text of more than `most` bytes, or with control characters.
pub(crate) fn check_line(field: &str, text: &str, most: usize) -> Result<(), Problem> {
    if text.len() > most || text.chars().any(char::is_control) {
        return Err(Problem::invalid(field, format!("at most {most} bytes and no control characters")));
    }
    Ok(())
}

/// As [`check_line`], of a text that must be there.
pub(crate) fn check_filled(field: &str, text: &str, most: usize) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::invalid(field, "must not be empty"));
    }
    check_line(field, text, most)
}

/// Refuses what is no number of a payment. With a blank around it, it would be another one, and be booked again.
pub(crate) fn check_reference(text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::invalid("reference", "must not be empty"));
    }
    if is_reference(text) && text.trim() == text {
        return Ok(());
    }
    Err(Problem::invalid("reference", "1 to 128 bytes without control characters, and no blanks around them"))
}

/// Refuses a label that is too long for one: it says to people what a token or an endpoint is for.
pub(crate) fn check_label(label: &str) -> Result<(), Problem> {
    check_line("label", label, LABEL_MAX)
}
