//! A statement whose conditions depend on what is asked for.

use super::{Param, Row, StoreError, Tx};

/// The text of a statement as it grows, with the values that its marks stand for.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    sql: String,
    values: Vec<Param<'a>>,
}

impl<'a> Query<'a> {
    /// Begins with a text that has no marks.
    pub(crate) fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    /// The mark of one more value, for a text that is yet to be added.
    pub(crate) fn mark_of(&mut self, value: impl Into<Param<'a>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Adds a text. Each `?` in it stands for the next of the values.
    pub(crate) fn add<const N: usize>(&mut self, text: &str, values: [Param<'a>; N]) {
        debug_assert_eq!(text.matches('?').count(), N, "{text}");
        let mut parts = text.split('?');
        self.sql.push_str(parts.next().unwrap_or_default());
        for (part, value) in parts.zip(values) {
            let mark = self.mark_of(value);
            self.sql.push_str(&mark);
            self.sql.push_str(part);
        }
    }

    /// Adds a condition, if there is a value for its `?`.
    pub(crate) fn only(&mut self, condition: &str, value: Option<impl Into<Param<'a>>>) {
        if let Some(value) = value {
            self.add(&format!(" AND {condition}"), [value.into()]);
        }
    }

    /// What it finds.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn rows(&self, tx: &mut dyn Tx) -> Result<Vec<Row>, StoreError> {
        tx.query(&self.sql, &self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_for_the_values_in_their_order() {
        let mut query = Query::new("SELECT id FROM links WHERE TRUE");
        query.only("promoter = ?", Some("lily"));
        query.only("placement = ?", None::<&str>);
        let now = query.mark_of(7_i64);
        query.add(
            &format!(" AND expires < {now} AND (at < ? OR id > ?) LIMIT ?"),
            [Param::Int(8), "x".into(), Param::Int(9)],
        );
        let text = "SELECT id FROM links WHERE TRUE AND promoter = $1 AND expires < $2 AND (at < $3 OR id > $4) LIMIT $5";
        assert_eq!(query.sql, text);
        assert_eq!(query.values, ["lily".into(), Param::Int(7), Param::Int(8), "x".into(), Param::Int(9)]);
    }
}
