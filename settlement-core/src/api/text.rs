//! Texts that people give, as far as all of them are alike.

use super::Problem;

/// Bytes of a label at most.
const LABEL_MAX: usize = 200;
/// Bytes of a number or name from outside, such as an order's, at most.
pub(crate) const TEXT_MAX: usize = 128;

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

/// Whether a number or name from outside is one to keep: not empty, at most [`TEXT_MAX`] bytes, and without control
/// characters, by which lists are paged.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_MAX && !text.chars().any(char::is_control)
}

/// Refuses what is no number or name from outside to keep.
pub(crate) fn check_name(field: &str, text: &str) -> Result<(), Problem> {
    if is_name(text) {
        return Ok(());
    }
    Err(Problem::invalid(field, format!("1 to {TEXT_MAX} bytes without control characters")))
}

/// As [`check_name`], of one that is to stand in a path.
pub(crate) fn check_name_in_path(field: &str, text: &str) -> Result<(), Problem> {
    if is_name(text) && !text.contains('/') {
        return Ok(());
    }
    Err(Problem::invalid(field, format!("1 to {TEXT_MAX} bytes without `/` or control characters")))
}

/// Refuses what is no number of a payment. With a blank around it, it would be another one, and be booked again.
pub(crate) fn check_reference(text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::invalid("reference", "must not be empty"));
    }
    if is_name(text) && text.trim() == text {
        return Ok(());
    }
    let detail = format!("1 to {TEXT_MAX} bytes without control characters, and no blanks around them");
    Err(Problem::invalid("reference", detail))
}

/// Refuses a label that is too long for one: it says to people what a token or an endpoint is for.
pub(crate) fn check_label(label: &str) -> Result<(), Problem> {
    check_line("label", label, LABEL_MAX)
}
