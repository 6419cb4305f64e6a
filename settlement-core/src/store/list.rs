//! The values of an `IN (...)` in a statement's text.

use super::Param;

/// Values with their marks, `$1, $2, ...`; further parameters of the statement come behind `values`.
///
/// The length is rounded up to a power of two by repeating the last value, so that a connection prepares and keeps a
/// dozen statements and not one for each length. No values at all make a list that nothing is in.
#[derive(Debug)]
pub(crate) struct List<'a> {
    /// What stands between the parentheses.
    pub marks: String,
    /// What it stands for.
    pub values: Vec<Param<'a>>,
}

impl<'a, P: Into<Param<'a>>> FromIterator<P> for List<'a> {
    fn from_iter<I: IntoIterator<Item = P>>(values: I) -> Self {
        let mut values: Vec<Param<'a>> = values.into_iter().map(Into::into).collect();
        let last = values.last().copied().unwrap_or(Param::Null);
        values.resize(values.len().next_power_of_two(), last);
        let marks: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
        Self { marks: marks.join(", "), values }
    }
}

impl<'a> List<'a> {
    /// Callers ask for so many at once.
    pub(crate) const MOST: usize = 1_024;

    /// The mark of one more parameter, which is put behind the values.
    pub(crate) fn mark_of(&mut self, value: impl Into<Param<'a>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_rounded_up_with_the_last_value() {
        let list: List<'_> = [7_i64, 8, 9].into_iter().collect();
        assert_eq!(list.marks, "$1, $2, $3, $4");
        assert_eq!(list.values, [7, 8, 9, 9].map(Param::Int));
    }

    #[test]
    fn nothing_is_in_an_empty_list() {
        let list: List<'_> = std::iter::empty::<i64>().collect();
        assert_eq!((list.marks.as_str(), list.values.as_slice()), ("$1", &[Param::Null][..]));
    }

    #[test]
    fn further_parameters_come_behind_the_values() {
        let mut list: List<'_> = [1_i64].into_iter().collect();
        assert_eq!(list.mark_of("1688"), "$2");
        assert_eq!(list.values, [Param::Int(1), Param::Text("1688")]);
    }
}
