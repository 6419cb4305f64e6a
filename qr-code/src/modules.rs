//! The modules of a code with their quiet zone, and the hole that a logo stands in.

use crate::{QrError, Style};
use fast_qr::qr::{QRBuilder, QRCode};

/// A logo takes at most this part of a side: 4 per cent of the area, with its margin under 8, of the 30 that the
/// highest level can spare (scratches need the rest).
const LOGO_PART: usize = 5;

/// The modules of a code.
pub(crate) struct Modules {
    code: QRCode,
    quiet: usize,
    /// First module of the hole and modules of its side, without the quiet zone; nothing is dark in it.
    hole: Option<(usize, usize)>,
}

impl Modules {
    pub(crate) fn of(text: &str, style: &Style, logo: bool) -> Result<Self, QrError> {
        if logo && style.level() != crate::Level::H {
            return Err(QrError::LogoNeedsLevelH);
        }
        let code = QRBuilder::new(text).ecl(style.level().ecl()).build().map_err(|_| QrError::TooLong)?;
        // Odd, as the code's own side is: so it stands in the middle.
        let hole = logo.then_some((code.size / LOGO_PART) | 1).map(|side| ((code.size - side) / 2, side));
        Ok(Self { code, quiet: usize::from(style.quiet()), hole })
    }

    /// Modules of a side, quiet zone included.
    pub(crate) const fn side(&self) -> usize {
        self.code.size + 2 * self.quiet
    }

    /// Where the logo stands: its first module and its side, quiet zone counted. Inside the hole, with half a module
    /// of margin on every side.
    pub(crate) fn logo_box(&self) -> Option<(f64, f64)> {
        let (start, side) = self.hole?;
        let modules = |count: usize| f64::from(u16::try_from(count).unwrap_or(u16::MAX));
        Some((modules(self.quiet + start) + 0.5, modules(side) - 1.0))
    }

    /// Whether the module is dark; the quiet zone and the hole are not.
    pub(crate) fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(self.quiet).filter(|at| *at < self.code.size);
        let (Some(x), Some(y)) = (inside(x), inside(y)) else { return false };
        let hidden = self.hole.is_some_and(|(start, side)| {
            let within = |at: usize| (start..start + side).contains(&at);
            within(x) && within(y)
        });
        !hidden && self.code[y][x].value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_hides_less_than_the_level_can_spare() {
        for len in [10, 40, 120, 400, 1_000] {
            let text = "x".repeat(len);
            let modules = Modules::of(&text, &Style::default(), true).unwrap();
            let (_, side) = modules.hole.unwrap();
            assert!(side % 2 == 1 && 100 * side * side < 8 * modules.code.size * modules.code.size, "{len}");
        }
    }

    #[test]
    fn the_quiet_zone_is_quiet_and_the_finders_corner_is_not() {
        let modules = Modules::of("https://yk.example/0123456789", &Style::default(), false).unwrap();
        assert!(modules.is_dark(4, 4) && !modules.is_dark(3, 3) && !modules.is_dark(4, 3));
        assert!(!modules.is_dark(modules.side(), 4));
    }
}
