//! The library's index (推广资源库): finds products by one, two and more characters of any script, and sorts them by the
//! rate and the commission that whoever asks would get.
//!
//! A text is cut into its single characters and its pairs of neighbours ([`grams`]): databases' own trigram indexes do
//! not serve words of two characters, which most Chinese words are. For each gram the index keeps the set of products
//! that hold it ([`docs`]), and beside the sets, in columns, what they are sorted by ([`columns`]). A query intersects
//! sets and picks the best by column ([`query`]), so its cost hardly depends on how common its words are.
//!
//! A change of the catalogue leaves a mark in its own transaction ([`library_marks`](crate::library_marks)); a query looks at marked products one by
//! one, until the job ([`refresh`]) has taken them into the index ([`mod@write`]). What a page shows of a product is
//! always computed from the rules at that moment; only membership and order come from here.

pub(crate) mod columns;
pub(crate) mod docs;
pub(crate) mod grams;
pub(crate) mod query;
pub(crate) mod refresh;
mod terms;
mod times;
mod write;

/// Rows read or written in one statement.
const ROWS: usize = 400;
