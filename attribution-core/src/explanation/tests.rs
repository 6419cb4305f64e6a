use super::*;
use crate::attribute::tests::World;
use crate::policy::Preset;

fn told(preset: Preset, clicks: &[&str], order: &str, language: Language) -> String {
    let Explanation { sentence, steps } = explain(&World::new(preset, clicks, order).decide(), language);
    format!("{sentence}\n{}\n", steps.join("\n"))
}

#[test]
fn decisions_are_told_in_both_languages() {
    let clicks = ["a 06-01 10:00:00", "b 06-02 09:30:00", "c 06-03 10:00:05"];
    let mut text = String::new();
    for (title, preset, order) in [
        ("Won: last click, split in two", Preset::TaobaoLive, "06-03 10:00:00"),
        ("Won: locked to the first promoter", Preset::YouzanLock, "2021-06-03 10:00:00"),
        ("Lost: the window was over", Preset::Distributor1688, "07-03 10:00:00"),
    ] {
        for language in [Language::Zh, Language::En] {
            text += &format!("# {title}\n{}\n", told(preset, &clicks, order, language));
        }
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/explanations.txt");
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    assert!(text == expected, "{golden} differs; told now:\n{text}");
}
