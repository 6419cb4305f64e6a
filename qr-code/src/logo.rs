//! A logo: somebody's picture, read with bounds, small and square.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageReader, Limits, RgbImage};
use std::io::Cursor;

/// Bytes of a picture at most.
pub const BYTES_MAX: usize = 4 << 20;
/// Pixels of a side at most, before anything is made of it.
const SIDE_MAX: u32 = 6_000;
/// Memory that reading one may take.
const MEMORY_MAX: u64 = 160 << 20;
/// Pixels of a side that are kept: sharp in the largest PNG, small in an SVG.
const SIDE_KEPT: u32 = 256;

/// Why a picture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogoError {
    /// Too many bytes.
    #[error("a picture may have at most {} MiB", BYTES_MAX >> 20)]
    TooLarge,
    /// Neither PNG nor JPEG, damaged, or too many pixels.
    #[error("not a PNG or JPEG that can be read")]
    Unreadable(#[source] image::ImageError),
    /// No such file format.
    #[error("neither PNG nor JPEG")]
    Format,
}

/// A picture for the middle of a code.
#[derive(Debug, Clone)]
pub struct Logo {
    picture: RgbImage,
}

impl Logo {
    /// Reads a PNG or JPEG. What is transparent becomes white; what is not square is cut to its middle.
    ///
    /// # Errors
    /// If it cannot be read within the bounds.
    pub fn read(bytes: &[u8]) -> Result<Self, LogoError> {
        let picture = read(bytes)?;
        let square = picture.resize_to_fill(SIDE_KEPT, SIDE_KEPT, image::imageops::FilterType::Lanczos3);
        Ok(Self { picture: on_white(&square) })
    }

    /// The picture as a small PNG, to be kept and [`read`](Self::read) again without loss.
    pub fn png(&self) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        // Writing RGB into memory cannot fail.
        let written = self.picture.write_to(&mut bytes, image::ImageFormat::Png);
        debug_assert!(written.is_ok());
        bytes.into_inner()
    }

    /// The picture in `side` pixels.
    pub(crate) fn scaled(&self, side: u32) -> RgbImage {
        image::imageops::resize(&self.picture, side, side, image::imageops::FilterType::Triangle)
    }

    /// The picture as a data URI.
    pub(crate) fn data_uri(&self) -> String {
        data_uri(&DynamicImage::ImageRgb8(self.picture.clone()))
    }
}

/// Reads a picture within the bounds.
pub(crate) fn read(bytes: &[u8]) -> Result<DynamicImage, LogoError> {
    if bytes.len() > BYTES_MAX {
        return Err(LogoError::TooLarge);
    }
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| LogoError::Format)?;
    if reader.format().is_none() {
        return Err(LogoError::Format);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    reader.decode().map_err(LogoError::Unreadable)
}

/// Without transparency.
pub(crate) fn on_white(picture: &DynamicImage) -> RgbImage {
    let rgba = picture.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        let mix = |channel: u8| {
            let mixed = (u16::from(channel) * u16::from(alpha) + 255 * (255 - u16::from(alpha))) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        image::Rgb([mix(red), mix(green), mix(blue)])
    })
}

/// A picture as a data URI. JPEG, because photographs are what is shown.
pub(crate) fn data_uri(picture: &DynamicImage) -> String {
    let mut bytes = Cursor::new(Vec::new());
    // Writing RGB into memory cannot fail.
    let written = picture.to_rgb8().write_to(&mut bytes, image::ImageFormat::Jpeg);
    debug_assert!(written.is_ok());
    format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes.into_inner()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(matches!(Logo::read(b"hello"), Err(LogoError::Format)));
        assert!(matches!(Logo::read(b"\x89PNG\r\n\x1a\nnothing more"), Err(LogoError::Unreadable(_))));
        assert!(matches!(Logo::read(&vec![0; BYTES_MAX + 1]), Err(LogoError::TooLarge)));
    }

    #[test]
    fn what_is_kept_is_the_same_picture() {
        let wide = RgbImage::from_fn(300, 200, |x, y| image::Rgb([x, y, x ^ y].map(|c| c.to_le_bytes()[0])));
        let mut bytes = Cursor::new(Vec::new());
        wide.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let logo = Logo::read(&bytes.into_inner()).unwrap();
        assert_eq!(Logo::read(&logo.png()).unwrap().picture, logo.picture);
        assert!(logo.png().len() <= 256 << 10, "it is kept");
    }

    #[test]
    fn what_is_transparent_becomes_white() {
        let picture =
            DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(2, 2, image::Rgba([10, 20, 30, 0])));
        assert_eq!(on_white(&picture).get_pixel(1, 1).0, [255; 3]);
    }
}
