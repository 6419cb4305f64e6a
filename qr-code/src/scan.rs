//! Reads a picture back as a phone would: what stands in the middle of a code may hide too much of it.

use image::ImageFormat;

/// Whether a decoder finds exactly one code in this PNG, and reads `text` in it.
pub fn scans(png: &[u8], text: &str) -> bool {
    let Ok(picture) = image::load_from_memory_with_format(png, ImageFormat::Png) else { return false };
    let grey = picture.to_luma8();
    let (wide, high) = (grey.width() as usize, grey.height() as usize);
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(wide, high, |x, y| {
        // Within the picture, whose sides are u32.
        u32::try_from(x).and_then(|x| Ok(grey.get_pixel(x, u32::try_from(y)?).0[0])).unwrap_or(u8::MAX)
    });
    let codes = prepared.detect_grids();
    matches!(codes.as_slice(), [code] if code.decode().is_ok_and(|(_, read)| read == text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Logo, Style, Wish, png};

    const LINK: &str = "https://yk.example/7Qm2xKd9Wz";

    fn logo() -> Logo {
        let checked = image::RgbImage::from_fn(90, 60, |x, y| {
            image::Rgb([if (x / 5 + y / 5) % 2 == 0 { 0 } else { 255 }; 3])
        });
        let mut bytes = std::io::Cursor::new(Vec::new());
        checked.write_to(&mut bytes, ImageFormat::Png).unwrap();
        Logo::read(&bytes.into_inner()).unwrap()
    }

    #[test]
    fn what_we_draw_is_read_back_with_a_logo_and_without() {
        for size in ["200", "300", "600", "1024"] {
            let wish = Wish::read([("size", size)]).unwrap();
            for logo in [None, Some(logo())] {
                let drawn = png(LINK, &wish.style, wish.pixels, logo.as_ref()).unwrap();
                assert!(scans(&drawn, LINK), "{size} {}", logo.is_some());
                assert!(!scans(&drawn, "https://yk.example/other"));
            }
        }
    }

    #[test]
    fn a_code_of_which_too_much_is_hidden_is_not_read_back() {
        let drawn = png(LINK, &Style::default(), None, None).unwrap();
        let mut picture = image::load_from_memory_with_format(&drawn, ImageFormat::Png).unwrap().to_rgb8();
        let (side, third) = (picture.width(), picture.width() / 3);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            if (third..side - third / 2).contains(&x) && (third..side - third / 2).contains(&y) {
                *pixel = image::Rgb([255; 3]);
            }
        }
        let mut hidden = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut hidden, ImageFormat::Png).unwrap();
        assert!(!scans(&hidden.into_inner(), LINK));
        assert!(!scans(b"no picture", LINK));
    }
}
