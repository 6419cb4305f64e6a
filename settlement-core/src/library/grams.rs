//! Cutting texts into what the index knows: characters and pairs of neighbours. Pure.

use std::collections::BTreeSet;

/// What a text is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// A product's name.
    Title,
    /// Its shop's name.
    Shop,
}

impl Field {
    const fn letter(self) -> char {
        match self {
            Self::Title => 't',
            Self::Shop => 's',
        }
    }
}

/// A text as it is compared: lower case, full-width forms as their plain ones, and every kind of space as one.
pub(crate) fn fold(text: &str) -> String {
    let plain = |c: char| match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
        _ if c.is_whitespace() => ' ',
        _ => c,
    };
    text.chars().map(plain).flat_map(char::to_lowercase).collect()
}

/// The terms of a folded text: each character but spaces, and each two neighbours without a space.
pub(crate) fn terms(field: Field, folded: &str) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    let mut before = ' ';
    for c in folded.chars() {
        if c != ' ' {
            terms.insert(format!("{}{c}", field.letter()));
            if before != ' ' {
                terms.insert(format!("{}{before}{c}", field.letter()));
            }
        }
        before = c;
    }
    terms
}

/// A query as words that must all be there.
pub(crate) fn words(query: &str) -> Vec<String> {
    fold(query).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The terms that a text must have to hold a word; pairs say more than characters, so those are left out where there
/// are pairs.
pub(crate) fn terms_of_word(field: Field, word: &str) -> BTreeSet<String> {
    let all = terms(field, word);
    if word.chars().count() < 2 {
        return all;
    }
    all.into_iter().filter(|term| term.chars().count() == 3).collect()
}

/// Whether having a word's terms may be less than holding the word: from three characters on.
pub(crate) fn needs_a_look(word: &str) -> bool {
    word.chars().count() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_any_length_is_within_the_terms_of_its_text() {
        let text = fold("316不锈钢保温杯 Ｘｌ");
        let have = terms(Field::Title, &text);
        for word in ["保温杯", "温杯", "杯", "316", "16不", "XL", "x"] {
            assert!(terms_of_word(Field::Title, &fold(word)).is_subset(&have), "{word}");
        }
        for word in ["杯x", "保杯", "玻", "x1"] {
            assert!(!terms_of_word(Field::Title, &fold(word)).is_subset(&have), "{word}");
        }
        assert!(terms_of_word(Field::Shop, "杯").is_disjoint(&have), "a shop's name is another field");
    }

    #[test]
    fn words_are_what_spaces_part() {
        assert_eq!(words(" 保温杯\u{3000}ＡＢ "), ["保温杯", "ab"]);
        assert!(words("  ").is_empty());
    }
}
