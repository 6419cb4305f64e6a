//! Pictures of short links: QR codes as SVG and PNG, with a logo in the middle, and posters around them.
//!
//! A text and a [`Style`] go in, bytes come out: no I/O, no clock. A style that a phone could not read is refused when
//! it is made, so that every picture made from one scans; with somebody's picture in the middle, [`scans`] reads it back.

mod logo;
mod modules;
mod png;
mod poster;
mod scan;
mod style;
mod svg;
mod text;

pub use logo::{BYTES_MAX as LOGO_BYTES_MAX, Logo, LogoError, thumbnail};
pub use poster::{CODE as POSTER_CODE, Poster, PosterError, poster};
pub use scan::scans;
pub use style::{CONTRAST, Colour, Level, NotAColour, PIXELS, QUIET, Style, StyleError, Wish};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum QrError {
    /// The text does not fit the largest QR code of this level.
    #[error("the address does not fit a QR code of this level")]
    TooLong,
    /// Fewer than two pixels for each module.
    #[error("a picture of {pixels} pixels is too small for this code: it needs at least {least}")]
    TooSmall {
        /// Pixels asked for.
        pixels: u32,
        /// Pixels with which every module has two.
        least: u32,
    },
    /// A logo hides modules, and only the highest level has enough to spare.
    #[error("a logo needs level h")]
    LogoNeedsLevelH,
    /// The picture could not be written.
    #[error("the picture could not be written")]
    Png(#[from] ::png::EncodingError),
}

/// An SVG of `text` that scales to whatever holds it.
///
/// # Errors
/// If the text does not fit, or a logo asks for a higher level.
pub fn svg(text: &str, style: &Style, logo: Option<&Logo>) -> Result<String, QrError> {
    let modules = modules::Modules::of(text, style, logo.is_some())?;
    Ok(svg::draw(&modules, style, logo))
}

/// A PNG of `text`, `pixels` wide and high; every module has the same whole number of pixels, and what is left over
/// widens the quiet zone. `None` gives every module [`PIXELS_PER_MODULE`].
///
/// # Errors
/// If the text does not fit, the picture is too small for it, or a logo asks for a higher level.
pub fn png(text: &str, style: &Style, pixels: Option<u32>, logo: Option<&Logo>) -> Result<Vec<u8>, QrError> {
    let modules = modules::Modules::of(text, style, logo.is_some())?;
    png::draw(&modules, style, pixels, logo)
}

/// How wide a PNG of `text` must be at least, with or without a logo.
///
/// # Errors
/// If the text does not fit.
pub fn least_pixels(text: &str, style: &Style) -> Result<u32, QrError> {
    png::least(&modules::Modules::of(text, style, false)?)
}

/// `text` as lines of characters for a terminal.
///
/// # Errors
/// If the text does not fit.
pub fn terminal(text: &str, style: &Style) -> Result<String, QrError> {
    Ok(text::draw(&modules::Modules::of(text, style, false)?))
}

/// Pixels of a module where nobody says how large the picture is to be.
pub const PIXELS_PER_MODULE: u32 = 10;
