//! Categories (类目): as a tree, and as a field in which one is chosen by its name.

use crate::failure::Failure;
use crate::form::Field;
use crate::list::{Page, everything};
use crate::who::SignedIn;
use serde::Deserialize;
use std::collections::HashMap;

/// A category as the API lists it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Category {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) banned: bool,
}

/// Categories that are offered to choose from; where there are more, one is typed.
const CHOICES: &str = "500";

/// All there are.
pub(crate) async fn all(who: &SignedIn) -> Result<Vec<Category>, Failure> {
    everything(who, "/v1/categories", &[]).await
}

/// The name of one that stands so deep: spaces of a character's width stay where others would be drawn together.
pub(crate) fn indented(depth: usize, name: &str) -> String {
    format!("{}{name}", "\u{3000}".repeat(depth))
}

/// A field in which a category is chosen by its name, or `none` of them.
pub(crate) async fn field(who: &SignedIn, label: &str, none: &str) -> Result<Field, Failure> {
    let some: Page<Category> = who.ask("/v1/categories", &[("limit", CHOICES)]).await?;
    if some.next_cursor.is_some() {
        return Ok(Field::text("category", label).optional());
    }
    let named = tree(some.items).into_iter().map(|(depth, of)| (of.id, indented(depth, &of.name)));
    let choices = std::iter::once((String::new(), none.to_owned())).chain(named).collect();
    Ok(Field::choice("category", label, choices).optional())
}

/// Each category behind the one that it belongs to, with how deep it is.
pub(crate) fn tree(all: Vec<Category>) -> Vec<(usize, Category)> {
    let mut below: HashMap<Option<String>, Vec<Category>> = HashMap::new();
    for of in all {
        below.entry(of.parent.clone()).or_default().push(of);
    }
    let mut ordered = Vec::new();
    let mut open: Vec<(usize, Category)> = Vec::new();
    let mut next = (0, None);
    loop {
        let (depth, parent) = next;
        open.extend(below.remove(&parent).into_iter().flatten().rev().map(|of| (depth, of)));
        let Some((depth, of)) = open.pop() else { return ordered };
        next = (depth + 1, Some(of.id.clone()));
        ordered.push((depth, of));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_stands_behind_the_one_it_belongs_to() {
        let of = |id: &str, parent: Option<&str>| Category {
            id: id.to_owned(),
            name: id.to_owned(),
            parent: parent.map(str::to_owned),
            banned: false,
        };
        let all = vec![
            of("a", Some("tea")),
            of("b", None),
            of("c", Some("a")),
            of("d", Some("tea")),
            of("tea", None),
        ];
        let ordered: Vec<_> = tree(all).into_iter().map(|(depth, of)| (depth, of.id)).collect();
        let expected = [(0, "b"), (0, "tea"), (1, "a"), (2, "c"), (1, "d")];
        assert_eq!(ordered, expected.map(|(depth, id)| (depth, id.to_owned())));
    }
}
