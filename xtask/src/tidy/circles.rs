//! Within a crate: its nouns, the folders and files right below `src`, know each other in one direction only, so that each
//! can be read behind those that it rests on.

use super::Source;
use std::collections::{BTreeMap, BTreeSet};

/// Who imports whom.
type Imports<'a> = BTreeMap<&'a str, BTreeSet<String>>;

/// One circle of each crate that has any. What tests import is theirs to say.
pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    let mut crates: BTreeMap<&str, Imports<'_>> = BTreeMap::new();
    let shipped = |source: &&Source| !source.path.ends_with("tests.rs") && !source.path.contains("/tests/");
    for Source { path, text } in sources.iter().filter(shipped) {
        let Some((of, within)) = path.split_once("/src/") else { continue };
        let noun = within.split(['/', '.']).next().unwrap_or(within);
        crates.entry(of).or_default().entry(noun).or_default().extend(imported(text));
    }
    let circles = crates.iter().filter_map(|(of, imports)| Some((of, circle(imports)?)));
    circles.map(|(of, circle)| format!("{of}: these import each other: {}", circle.join(" -> "))).collect()
}

/// The nouns that a file names behind `crate::`, comments and tests left out.
fn imported(text: &str) -> BTreeSet<String> {
    let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let lines = shipped.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    code.split("crate::").skip(1).flat_map(nouns).collect()
}

/// The first names of a path or, of `{a, b::c, d::{e, f}}`, of each path in it.
fn nouns(path: &str) -> Vec<String> {
    let Some(list) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut depth, mut begins, mut found) = (1_u32, true, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' => begins = depth == 1,
            _ if begins && c.is_alphabetic() => {
                found.push(name(&list[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    found
}

/// The name that a text begins with.
fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// A way through the imports that comes back to where it began.
fn circle<'a>(imports: &'a Imports<'a>) -> Option<Vec<&'a str>> {
    let mut done = BTreeSet::new();
    imports.keys().find_map(|noun| walk(noun, imports, &mut Vec::new(), &mut done))
}

fn walk<'a>(
    noun: &'a str,
    imports: &'a Imports<'a>,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    if let Some(begin) = way.iter().position(|passed| *passed == noun) {
        way.push(noun);
        return Some(way.split_off(begin));
    }
    if !done.insert(noun) {
        return None;
    }
    way.push(noun);
    let mut known = imports.get(noun).into_iter().flatten().filter(|known| *known != noun);
    let found = known.find_map(|known| walk(known, imports, way, done));
    way.pop();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_named() {
        let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
        let orders = source("core/src/orders/judge.rs", "use crate::ledger::post;\n// crate::plans\n");
        let ledger = source("core/src/ledger.rs", "use crate::{\n    Core, plans::{self, orders},\n};\n");
        let plans = |text| source("core/src/plans/mod.rs", text);
        let rows = [
            (plans("use crate::params;\n"), vec![]),
            (plans("#[cfg(test)]\nmod tests {\n    use crate::orders;\n}\n"), vec![]),
            (
                plans("fn a() { crate::orders::b() }\n"),
                vec!["core: these import each other: ledger -> plans -> orders -> ledger"],
            ),
        ];
        for (plans, expected) in rows {
            assert_eq!(breaches(&[orders.clone(), ledger.clone(), plans]), expected);
        }
    }
}
