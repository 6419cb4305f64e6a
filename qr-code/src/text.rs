//! The code for a terminal: two modules to a character cell, so that it comes out square.

use crate::modules::Modules;

/// Dark on light whatever the terminal's colours are: both are set (the standard 16 colours' black and white).
const COLOURS: &str = "\u{1b}[30;107m";
const USUAL: &str = "\u{1b}[0m";

pub(crate) fn draw(modules: &Modules) -> String {
    let side = modules.side();
    let mut out = String::new();
    for y in (0..side).step_by(2) {
        out.push_str(COLOURS);
        for x in 0..side {
            out.push(match (modules.is_dark(x, y), modules.is_dark(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        out.push_str(USUAL);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Style;

    #[test]
    fn every_module_is_a_half_of_a_cell() {
        let modules = Modules::of("https://yk.example/a", &Style::default(), false).unwrap();
        let text = draw(&modules);
        let lines: Vec<Vec<char>> = text
            .lines()
            .map(|line| line.trim_start_matches(COLOURS).trim_end_matches(USUAL).chars().collect())
            .collect();
        assert!(lines.iter().all(|line| line.len() == modules.side()));
        for y in 0..modules.side() {
            for (x, cell) in lines[y / 2].iter().enumerate() {
                let upper = y % 2 == 0;
                let dark = matches!((cell, upper), ('█', _) | ('▀', true) | ('▄', false));
                assert_eq!(dark, modules.is_dark(x, y), "{x} {y}");
            }
        }
    }
}
