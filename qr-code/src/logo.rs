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
        data_uri(&self.picture)
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
fn on_white(picture: &DynamicImage) -> RgbImage {
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

/// A picture as a data URI.
pub(crate) fn data_uri(picture: &RgbImage) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg(picture)))
}

/// As JPEG, because photographs are what is shown.
fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    // Writing RGB into memory cannot fail.
    let written = picture.write_to(&mut bytes, image::ImageFormat::Jpeg);
    debug_assert!(written.is_ok());
    bytes.into_inner()
}

/// The middle of a PNG or JPEG as a JPEG of `side` pixels: for lists, in which nobody's picture is large.
///
/// # Errors
/// If it cannot be read within the bounds.
pub fn thumbnail(bytes: &[u8], side: u32) -> Result<Vec<u8>, LogoError> {
    Ok(jpeg(&square(&read(bytes)?, side)))
}

/// The middle of a picture, in `side` pixels, without transparency.
pub(crate) fn square(picture: &DynamicImage, side: u32) -> RgbImage {
    on_white(&picture.resize_to_fill(side, side, image::imageops::FilterType::Triangle))
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
    fn bombs_are_refused_before_they_are_unpacked() {
        let mut bytes = Vec::new();
        // The head alone says how large it is; what follows is not looked at.
        png::Encoder::new(&mut bytes, 30_000, 30_000).write_header().unwrap();
        assert!(matches!(thumbnail(&bytes, 160), Err(LogoError::Unreadable(image::ImageError::Limits(_)))));
        // Within the sides, but 288 MB.
        let mut bytes = Vec::new();
        let mut deep = png::Encoder::new(&mut bytes, SIDE_MAX, SIDE_MAX);
        deep.set_color(png::ColorType::Rgba);
        deep.set_depth(png::BitDepth::Sixteen);
        deep.write_header().unwrap().write_chunk(png::chunk::IDAT, &[]).unwrap();
        assert!(matches!(thumbnail(&bytes, 160), Err(LogoError::Unreadable(image::ImageError::Limits(_)))));
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>";
        assert!(matches!(thumbnail(svg, 160), Err(LogoError::Format)));
        assert!(matches!(thumbnail(b"GIF89a\x01\0\x01\0", 160), Err(LogoError::Unreadable(_))));
    }

    #[test]
    fn of_a_picture_that_moves_the_first_moment_is_taken() {
        let mut bytes = Vec::new();
        let mut moving = png::Encoder::new(&mut bytes, 2, 2);
        moving.set_color(png::ColorType::Rgb);
        moving.set_animated(2, 0).unwrap();
        let mut writer = moving.write_header().unwrap();
        writer.write_image_data(&[250; 12]).unwrap();
        writer.write_image_data(&[0; 12]).unwrap();
        writer.finish().unwrap();
        let small = image::load_from_memory(&thumbnail(&bytes, 4).unwrap()).unwrap().to_rgb8();
        assert!(
            (small.width(), small.height()) == (4, 4) && small.pixels().all(|p| p.0.iter().all(|c| *c > 240))
        );
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
