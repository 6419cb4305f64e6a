//! The code as a PNG: two colours in one bit a pixel; with a logo, full colour.

use crate::modules::Modules;
use crate::{Colour, Logo, PIXELS_PER_MODULE, QrError, Style};
use png::{BitDepth, ColorType, Compression, Encoder, Filter};

/// Where the modules lie in the picture.
struct Raster<'m> {
    modules: &'m Modules,
    /// Pixels of a module.
    scale: usize,
    /// Pixels of a side.
    side: usize,
    /// Pixels before the first module.
    margin: usize,
}

impl Raster<'_> {
    /// The module that a pixel belongs to, if it is not before the first one.
    fn module(&self, at: usize) -> Option<usize> {
        Some(at.checked_sub(self.margin)? / self.scale)
    }

    fn is_dark(&self, x: usize, y: usize) -> bool {
        matches!((self.module(x), self.module(y)), (Some(x), Some(y)) if self.modules.is_dark(x, y))
    }

    /// All rows of pixels, each of `bytes` bytes. `draw` adds a row; the others of the same modules repeat it.
    fn rows(&self, bytes: usize, mut draw: impl FnMut(usize, &mut Vec<u8>)) -> Vec<u8> {
        let mut rows = Vec::with_capacity(bytes * self.side);
        for y in 0..self.side {
            if y > 0 && self.module(y) == self.module(y - 1) {
                rows.extend_from_within(rows.len() - bytes..);
            } else {
                draw(y, &mut rows);
            }
        }
        rows
    }
}

/// Pixels of a picture at least: modules of one pixel are read by few.
pub(crate) fn least(modules: &Modules) -> Result<u32, QrError> {
    u32::try_from(2 * modules.side()).map_err(|_| QrError::TooLong)
}

pub(crate) fn draw(
    modules: &Modules,
    style: &Style,
    pixels: Option<u32>,
    logo: Option<&Logo>,
) -> Result<Vec<u8>, QrError> {
    let least = least(modules)?;
    let pixels = pixels.unwrap_or(least / 2 * PIXELS_PER_MODULE);
    if pixels < least {
        return Err(QrError::TooSmall { pixels, least });
    }
    let side = pixels as usize;
    let scale = side / modules.side();
    let raster = Raster { modules, scale, side, margin: (side - scale * modules.side()) / 2 };
    match (logo, modules.logo_box()) {
        (Some(logo), Some(place)) => in_colour(&raster, style, logo, place, pixels),
        _ => in_two_colours(&raster, style, pixels),
    }
}

fn in_two_colours(raster: &Raster<'_>, style: &Style, pixels: u32) -> Result<Vec<u8>, QrError> {
    let bytes = raster.side.div_ceil(8);
    let rows = raster.rows(bytes, |y, rows| {
        let start = rows.len();
        rows.resize(start + bytes, 0);
        for x in (0..raster.side).filter(|x| !raster.is_dark(*x, y)) {
            rows[start + x / 8] |= 0x80 >> (x % 8);
        }
    });
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, pixels, pixels);
    if (style.dark(), style.light()) == (Colour::BLACK, Colour::WHITE) {
        encoder.set_color(ColorType::Grayscale);
    } else {
        encoder.set_color(ColorType::Indexed);
        encoder.set_palette([style.dark().0, style.light().0].concat());
    }
    encoder.set_depth(BitDepth::One);
    write(encoder, &rows)?;
    Ok(out)
}

fn in_colour(
    raster: &Raster<'_>,
    style: &Style,
    logo: &Logo,
    (at, wide): (f64, f64),
    pixels: u32,
) -> Result<Vec<u8>, QrError> {
    let mut rows = raster.rows(raster.side * 3, |y, rows| {
        for x in 0..raster.side {
            let colour = if raster.is_dark(x, y) { style.dark() } else { style.light() };
            rows.extend_from_slice(&colour.0);
        }
    });
    let scale = f64::from(u32::try_from(raster.scale).unwrap_or(u32::MAX));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of the picture's side, which is a u32"
    )]
    let [start, wide] = [at, wide].map(|modules| (modules * scale).floor() as usize);
    let start = raster.margin + start;
    let picture = logo.scaled(u32::try_from(wide.max(1)).map_err(|_| QrError::TooLong)?);
    for (x, y, pixel) in picture.enumerate_pixels() {
        let place = ((start + y as usize) * raster.side + start + x as usize) * 3;
        rows[place..place + 3].copy_from_slice(&pixel.0);
    }
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, pixels, pixels);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    write(encoder, &rows)?;
    Ok(out)
}

fn write(mut encoder: Encoder<'_, &mut Vec<u8>>, rows: &[u8]) -> Result<(), QrError> {
    // Most rows are the one above: their difference is nothing, and nothing is quick to compress.
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Up);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rows)?;
    writer.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "https://yk.example/0123456789";

    #[test]
    fn svg_and_png_show_the_same_modules() {
        let style = Style::default();
        let modules = Modules::of(TEXT, &style, false).unwrap();
        let side = modules.side();
        let scale = PIXELS_PER_MODULE as usize;
        let bytes = draw(&modules, &style, None, None).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(frame.width as usize, side * scale);
        let dark = |x: usize, y: usize| {
            let (x, y) = (x * scale + scale / 2, y * scale + scale / 2);
            pixels[y * frame.line_size + x / 8] & (0x80 >> (x % 8)) == 0
        };
        let mut area = 0;
        for y in 0..side {
            for x in 0..side {
                assert_eq!(dark(x, y), modules.is_dark(x, y), "{x} {y}");
                area += usize::from(modules.is_dark(x, y));
            }
        }
        let path = crate::svg::runs(&modules);
        let run = |piece: &str| piece.split_once('h')?.1.split('v').next()?.parse::<usize>().ok();
        assert_eq!(path.split('M').filter_map(run).sum::<usize>(), area);
    }

    #[test]
    fn each_row_of_modules_is_drawn_once() {
        let modules = Modules::of(TEXT, &Style::default(), false).unwrap();
        let (side, scale) = (modules.side() * 9 + 5, 9);
        let raster = Raster { modules: &modules, scale, side, margin: 2 };
        let mut drawn = Vec::new();
        let rows = raster.rows(1, |y, rows| {
            drawn.push(y);
            rows.push(u8::from(raster.is_dark(side / 2, y)));
        });
        let first_of_each = [0].into_iter().chain((0..=modules.side()).map(|module| 2 + module * scale));
        assert_eq!(drawn, first_of_each.collect::<Vec<_>>());
        assert!(rows.iter().enumerate().all(|(y, row)| *row == u8::from(raster.is_dark(side / 2, y))));
        assert_eq!(rows.len(), side);
    }

    #[test]
    fn a_picture_has_the_size_that_was_asked_for_or_is_refused() {
        let modules = Modules::of(TEXT, &Style::default(), false).unwrap();
        for pixels in [100, 333, 2_048] {
            let bytes = draw(&modules, &Style::default(), Some(pixels), None).unwrap();
            let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
            assert_eq!((reader.info().width, reader.info().height), (pixels, pixels));
        }
        let too_small = draw(&modules, &Style::default(), Some(10), None);
        assert!(matches!(too_small, Err(QrError::TooSmall { pixels: 10, .. })));
    }
}
