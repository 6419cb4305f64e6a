//! QR codes of links: the public base and the code, in the highest error correction, so that a logo may cover some.

use fast_qr::ECL;
use fast_qr::qr::{QRBuilder, QRCode};
use std::fmt::Write as _;

/// Modules of quiet zone on every side, as the standard wants.
const QUIET: usize = 4;
/// Pixels of a module in a PNG.
const SCALE: usize = 10;

/// Why there is no QR code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QrError {
    /// The text does not fit.
    #[error("the address does not fit a QR code")]
    TooLong,
    /// The picture could not be written.
    #[error("the picture could not be written")]
    Png(#[from] png::EncodingError),
}

fn code_of(text: &str) -> Result<QRCode, QrError> {
    QRBuilder::new(text).ecl(ECL::H).build().map_err(|_| QrError::TooLong)
}

/// Whether the module is dark; the quiet zone is not.
fn is_dark(code: &QRCode, x: usize, y: usize) -> bool {
    let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.size);
    matches!((inside(x), inside(y)), (Some(x), Some(y)) if code[y][x].value())
}

/// An SVG that scales to whatever holds it.
pub(crate) fn svg(text: &str) -> Result<String, QrError> {
    let code = code_of(text)?;
    let side = code.size + 2 * QUIET;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\""
    );
    for y in 0..side {
        let mut x = 0;
        while x < side {
            let run = (x..side).take_while(|x| is_dark(&code, *x, y)).count();
            if run > 0 {
                // Writing into a String cannot fail.
                let _ = write!(out, "M{x} {y}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
    }
    out.push_str("\"/></svg>");
    Ok(out)
}

/// A PNG in black and white.
pub(crate) fn png(text: &str) -> Result<Vec<u8>, QrError> {
    let code = code_of(text)?;
    let side = (code.size + 2 * QUIET) * SCALE;
    let mut rows = vec![0u8; side.div_ceil(8) * side];
    for (y, row) in rows.chunks_exact_mut(side.div_ceil(8)).enumerate() {
        for x in (0..side).filter(|x| !is_dark(&code, x / SCALE, y / SCALE)) {
            row[x / 8] |= 0x80 >> (x % 8);
        }
    }
    let mut out = Vec::new();
    let width = u32::try_from(side).map_err(|_| QrError::TooLong)?;
    let mut encoder = png::Encoder::new(&mut out, width, width);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rows)?;
    writer.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "https://yk.example/0123456789";

    #[test]
    fn svg_and_png_show_the_same_modules() {
        let code = code_of(TEXT).unwrap();
        let side = code.size + 2 * QUIET;
        let bytes = png(TEXT).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(frame.width as usize, side * SCALE);
        let dark = |x: usize, y: usize| {
            let (x, y) = (x * SCALE + SCALE / 2, y * SCALE + SCALE / 2);
            pixels[y * frame.line_size + x / 8] & (0x80 >> (x % 8)) == 0
        };
        let mut area = 0;
        for y in 0..side {
            for x in 0..side {
                assert_eq!(dark(x, y), is_dark(&code, x, y), "{x} {y}");
                area += usize::from(is_dark(&code, x, y));
            }
        }
        let svg = svg(TEXT).unwrap();
        let path = svg.rsplit("d=\"").next().unwrap();
        let run = |piece: &str| piece.split_once('h')?.1.split('v').next()?.parse::<usize>().ok();
        let runs: usize = path.split('M').filter_map(run).sum();
        assert_eq!(runs, area);
        // The finder's corner: dark, behind a quiet zone.
        assert!(is_dark(&code, QUIET, QUIET) && !is_dark(&code, QUIET - 1, QUIET));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(matches!(svg(&"x".repeat(8_000)), Err(QrError::TooLong)));
    }
}
