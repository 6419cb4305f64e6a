//! How a QR code looks, as far as a phone can still read it.

use fast_qr::ECL;
use std::fmt;
use std::str::FromStr;

/// How much of the code may be hidden or dirty and it still scans: about 7, 15, 25 and 30 per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Level {
    /// 7 per cent.
    L,
    /// 15 per cent.
    M,
    /// 25 per cent.
    Q,
    /// 30 per cent: what is printed gets scratched, and only this one has room for a logo.
    #[default]
    H,
}

impl Level {
    pub(crate) const fn ecl(self) -> ECL {
        match self {
            Self::L => ECL::L,
            Self::M => ECL::M,
            Self::Q => ECL::Q,
            Self::H => ECL::H,
        }
    }
}

/// A colour, red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour(pub [u8; 3]);

impl Colour {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Relative luminance, 0 to 1, as the Web Content Accessibility Guidelines define it.
    fn luminance(self) -> f64 {
        let linear = self.0.map(|channel| {
            let part = f64::from(channel) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// Why a style is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StyleError {
    /// Not a size that is offered.
    #[error("size: a number of pixels from {} to {}", PIXELS.0, PIXELS.1)]
    Size,
    /// Not a level.
    #[error("level: one of l, m, q, h")]
    Level,
    /// Not a quiet zone that scanners accept.
    #[error("quiet: a number of modules from {} to {}", QUIET.0, QUIET.1)]
    Quiet,
    /// The dark one is no colour.
    #[error("dark: six hexadecimal digits, such as 1a2b3c")]
    Dark,
    /// The light one is no colour.
    #[error("light: six hexadecimal digits, such as ffffff")]
    Light,
    /// Scanners need dark modules on a light ground.
    #[error("dark must be the darker of the two colours")]
    Inverted,
    /// Scanners could not tell one from the other.
    #[error("dark and light are too much alike: their contrast must be at least {CONTRAST} to 1")]
    Contrast,
    /// Said twice.
    #[error("size, level, quiet, dark and light may each be given once")]
    Twice,
}

/// Pixels of a PNG: below, codes do not scan from a screen; above, print wants the SVG.
pub const PIXELS: (u32, u32) = (100, 2_048);
/// Modules of the quiet zone. The standard wants four; two suffice on a ground of one colour.
pub const QUIET: (u8, u8) = (2, 16);
/// Contrast of the two colours at least, the ratio that legible text needs: cameras in bad light need no less.
pub const CONTRAST: f64 = 4.5;

impl FromStr for Level {
    type Err = StyleError;

    fn from_str(text: &str) -> Result<Self, StyleError> {
        match text {
            "l" | "L" => Ok(Self::L),
            "m" | "M" => Ok(Self::M),
            "q" | "Q" => Ok(Self::Q),
            "h" | "H" => Ok(Self::H),
            _ => Err(StyleError::Level),
        }
    }
}

/// Not a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not six hexadecimal digits, such as 1a2b3c")]
pub struct NotAColour;

impl FromStr for Colour {
    type Err = NotAColour;

    fn from_str(text: &str) -> Result<Self, NotAColour> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAColour);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| NotAColour)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

/// A look that scans: built only by [`Style::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Style {
    level: Level,
    quiet: u8,
    dark: Colour,
    light: Colour,
}

impl Default for Style {
    fn default() -> Self {
        Self { level: Level::H, quiet: 4, dark: Colour::BLACK, light: Colour::WHITE }
    }
}

impl Style {
    /// A look with a quiet zone of `quiet` modules.
    ///
    /// # Errors
    /// If a scanner could not read it.
    pub fn new(level: Level, quiet: u8, dark: Colour, light: Colour) -> Result<Self, StyleError> {
        if !(QUIET.0..=QUIET.1).contains(&quiet) {
            return Err(StyleError::Quiet);
        }
        let (low, high) = (dark.luminance(), light.luminance());
        if low >= high {
            return Err(StyleError::Inverted);
        }
        if (high + 0.05) / (low + 0.05) < CONTRAST {
            return Err(StyleError::Contrast);
        }
        Ok(Self { level, quiet, dark, light })
    }

    /// Error correction.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Modules of quiet zone on every side.
    pub const fn quiet(&self) -> u8 {
        self.quiet
    }

    /// Colour of the modules.
    pub const fn dark(&self) -> Colour {
        self.dark
    }

    /// Colour of the ground.
    pub const fn light(&self) -> Colour {
        self.light
    }
}

/// What somebody asks for: a style, and for a PNG its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Wish {
    /// The look.
    pub style: Style,
    /// Pixels of a side.
    pub pixels: Option<u32>,
}

impl Wish {
    /// Reads `size`, `level`, `quiet`, `dark` and `light` among `pairs` of names and values. Other names are somebody
    /// else's (a messenger's `from=`, say) and are passed over.
    ///
    /// # Errors
    /// The first value that makes no sense, a name that comes twice, or a look that would not scan.
    pub fn read<'t>(pairs: impl IntoIterator<Item = (&'t str, &'t str)>) -> Result<Self, StyleError> {
        let (mut pixels, mut level, mut quiet, mut dark, mut light) = (None, None, None, None, None);
        for (name, value) in pairs {
            match name {
                "size" => once(&mut pixels, value.parse().map_err(|_| StyleError::Size)?)?,
                "level" => once(&mut level, value.parse()?)?,
                "quiet" => once(&mut quiet, value.parse().map_err(|_| StyleError::Quiet)?)?,
                "dark" => once(&mut dark, value.parse().map_err(|NotAColour| StyleError::Dark)?)?,
                "light" => once(&mut light, value.parse().map_err(|NotAColour| StyleError::Light)?)?,
                _ => {}
            }
        }
        if pixels.is_some_and(|pixels| !(PIXELS.0..=PIXELS.1).contains(&pixels)) {
            return Err(StyleError::Size);
        }
        let usual = Style::default();
        let style = Style::new(
            level.unwrap_or(usual.level),
            quiet.unwrap_or(usual.quiet),
            dark.unwrap_or(usual.dark),
            light.unwrap_or(usual.light),
        )?;
        Ok(Self { style, pixels })
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), StyleError> {
    if place.replace(value).is_some() { Err(StyleError::Twice) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Wish, StyleError> {
        Wish::read(query.split('&').filter_map(|pair| pair.split_once('=')))
    }

    #[test]
    fn what_is_not_said_is_as_usual_and_what_is_not_ours_is_passed_over() {
        assert_eq!(read("").unwrap(), Wish::default());
        let wish = read("size=600&level=m&from=timeline&quiet=2&dark=0a3d62&light=%23").unwrap_err();
        assert_eq!(wish, StyleError::Light);
        let wish = read("size=600&level=m&from=timeline&quiet=2&dark=0a3d62").unwrap();
        assert_eq!((wish.pixels, wish.style.level(), wish.style.quiet()), (Some(600), Level::M, 2));
        assert_eq!(wish.style.dark().to_string(), "#0a3d62");
    }

    #[test]
    fn what_would_not_scan_is_refused_by_name() {
        let rows = [
            ("size=99", StyleError::Size),
            ("size=2049", StyleError::Size),
            ("size=-1", StyleError::Size),
            ("level=x", StyleError::Level),
            ("quiet=1", StyleError::Quiet),
            ("quiet=17", StyleError::Quiet),
            ("dark=12345", StyleError::Dark),
            ("light=gggggg", StyleError::Light),
            ("dark=ffffff&light=000000", StyleError::Inverted),
            ("dark=888888&light=888888", StyleError::Inverted),
            ("dark=999999", StyleError::Contrast),
            ("size=200&size=300", StyleError::Twice),
        ];
        for (query, expected) in rows {
            assert_eq!(read(query), Err(expected), "{query}");
        }
    }

    #[test]
    fn contrast_is_the_one_of_the_guidelines() {
        // Grey 0x76 on white is the well-known edge of 4.5 to 1, 0x77 just misses it.
        assert!(read("dark=767676").is_ok());
        assert_eq!(read("dark=777777"), Err(StyleError::Contrast));
    }
}
