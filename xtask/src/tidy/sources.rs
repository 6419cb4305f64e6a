//! Rules about the text of source files.

use super::Source;

/// Hashes that are quick rather than safe from who chooses the keys, spelled in halves as below. The standard library's
/// is keyed with random bits in each process.
const QUICK_HASHES: [&str; 4] = [
    concat!("fold", "hash"),
    concat!("fx", "hash"),
    concat!("a", "hash::"),
    concat!("BuildHasher", "Default"),
];
/// Where maps may have one: the core alone chooses what is in them.
const KEYS_FROM_THE_CORE: [&str; 3] = [
    "redirector/src/table/",
    "settlement-core/src/attribution/catalogue.rs",
    "settlement-core/src/attribution/dated.rs",
];

/// Every file that breaks a rule.
pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    let named = |Source { path, text }: &Source| {
        breaches_of(path, text).into_iter().map(|breach| format!("{path}: {breach}")).collect::<Vec<_>>()
    };
    sources.iter().flat_map(named).collect()
}

fn breaches_of(path: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let name = path.rsplit('/').next().unwrap_or(path);
    if matches!(name, "utils.rs" | "util.rs" | "helpers.rs" | "common.rs" | "misc.rs") {
        breaches.push("name the noun that the file is about".to_owned());
    }
    let is_test_file = path.contains("/tests/") || name == "tests.rs" || path.contains("/examples/");
    if !is_test_file && !text.starts_with("//!") {
        breaches.push("the first line says what the file is for (//!)".to_owned());
    }
    // Spelled in halves, so that this file does not find itself.
    for unfinished in
        [concat!("todo", "!("), concat!("unimple", "mented!("), concat!("FIX", "ME"), concat!("XX", "X")]
    {
        if text.contains(unfinished) {
            breaches.push(format!("unfinished: {unfinished}"));
        }
    }
    let from_the_core = KEYS_FROM_THE_CORE.iter().any(|place| path.starts_with(place));
    let chosen_by_strangers = path.contains("/src/") && !from_the_core;
    for quick in QUICK_HASHES.iter().filter(|quick| chosen_by_strangers && text.contains(**quick)) {
        breaches.push(format!("{quick}: strangers may choose these keys; the standard hash is keyed"));
    }
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with(concat!("#[ign", "ore"))
            && !line.contains("needs a server: cargo xtask test starts it")
            && !line.contains("needs a program: cargo xtask test installs it")
        {
            let why = "a test is ignored for another reason than a server or a program";
            breaches.push(format!("line {}: {why}", number + 1));
        }
        if line.starts_with(concat!("match", "es!(")) && line.ends_with(");") {
            breaches.push(format!("line {}: a bare match statement asserts nothing", number + 1));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_found() {
        let ignored = concat!("//! A.\n#[ign", "ore]\n");
        let rows = [
            ("a/src/lib.rs", "//! A.\n", 0),
            ("a/src/lib.rs", "fn main() {}\n", 1),
            ("a/src/utils.rs", "//! A.\n", 1),
            ("a/src/lib.rs", concat!("//! A.\nfn a() { todo", "!() }\n"), 1),
            ("a/src/lib.rs", ignored, 1),
            ("a/tests/x.rs", "fn a() {}\n", 0),
            ("a/src/lib.rs", concat!("//! A.\nuse fold", "hash::fast::RandomState;\n"), 1),
            (
                "settlement-core/src/attribution/recorded.rs",
                concat!("//! A.\nuse fold", "hash::HashMap;\n"),
                1,
            ),
            ("settlement-core/src/attribution/dated.rs", concat!("//! A.\nuse fold", "hash::HashMap;\n"), 0),
            ("redirector/src/table/mod.rs", concat!("//! A.\nuse fold", "hash::fast::RandomState;\n"), 0),
        ];
        for (path, text, expected) in rows {
            assert_eq!(breaches_of(path, text).len(), expected, "{path}: {text}");
        }
    }
}
