//! What is wrong with a scenario file, and where.

use std::fmt;

/// A place in a file, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Place {
    /// Its line.
    pub(super) line: usize,
    /// Its column, in characters.
    pub(super) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where.
    pub(super) at: Place,
    /// What was expected.
    pub(super) message: String,
}

impl Fault {
    /// A mistake at a place.
    pub(super) fn new(at: Place, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// The name that was probably meant.
pub(super) fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |name: &&str| distance(word, name) <= 1 + name.len() / 4;
    names.into_iter().filter(near).min_by_key(|name| distance(word, name))
}

/// `unknown X: a, b or c`, with a guess where one is near.
pub(super) fn unknown<'a>(
    what: &str,
    word: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match did_you_mean(word, names.clone()) {
        Some(name) => format!("no {what} `{word}`; did you mean `{name}`?"),
        None => {
            let names: Vec<&str> = names.into_iter().collect();
            format!("no {what} `{word}`; there are {}", names.join(", "))
        }
    }
}

/// Insertions, deletions and replacements between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            let here = (corner + usize::from(x != *y)).min(left + 1).min(above + 1);
            corner = above;
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            left = here;
        }
        if let Some(cell) = row.get_mut(b.len()) {
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_recognised() {
        let names = ["click", "complete", "cancel_promotion", "close"];
        assert_eq!(did_you_mean("clik", names), Some("click"));
        assert_eq!(did_you_mean("cancle_promotion", names), Some("cancel_promotion"));
        assert_eq!(did_you_mean("banana", names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
