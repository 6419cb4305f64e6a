//! Every picture that is offered is read again by a decoder that is not ours (zbarimg; rsvg-convert draws the SVGs).

#![expect(clippy::unwrap_used, reason = "a test may end where it cannot go on")]

use qr_code::{Colour, Level, Logo, Poster, QrError, Style, Wish, png, poster, svg};
use std::path::Path;
use std::process::Command;

const LINK: &str = "https://yk.example/7Qm2xKd9Wz";

/// What zbarimg reads in the picture.
fn decoded(picture: &Path) -> String {
    let output =
        Command::new("zbarimg").args(["--quiet", "--raw"]).arg(picture).output().expect("zbarimg runs");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

fn read_png(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("code.png");
    std::fs::write(&file, bytes).unwrap();
    decoded(&file)
}

fn read_svg(text: &str, width: u32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (drawing, picture) = (folder.path().join("code.svg"), folder.path().join("code.png"));
    std::fs::write(&drawing, text).unwrap();
    let drawn = Command::new("rsvg-convert")
        .args(["--width", &width.to_string(), "--output"])
        .args([&picture, &drawing])
        .status()
        .expect("rsvg-convert runs");
    assert!(drawn.success());
    decoded(&picture)
}

/// A logo with edges everywhere: the worst for a decoder.
fn logo() -> Logo {
    let checked = image::RgbImage::from_fn(90, 60, |x, y| {
        image::Rgb([if (x / 5 + y / 5) % 2 == 0 { 0 } else { 255 }; 3])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    checked.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    Logo::read(&bytes.into_inner()).unwrap()
}

#[test]
#[ignore = "needs a program: cargo xtask test installs it"]
fn every_size_and_level_is_read_again() {
    for level in ["l", "m", "q", "h"] {
        for size in ["100", "106", "118", "122", "150", "256", "300", "333", "512", "600", "1024", "2048"] {
            for quiet in ["2", "4", "16"] {
                let wish = Wish::read([("level", level), ("size", size), ("quiet", quiet)]).unwrap();
                match png(LINK, &wish.style, wish.pixels, None) {
                    Ok(bytes) => assert_eq!(read_png(&bytes), LINK, "{level} {size} {quiet}"),
                    // Only where a module would have one pixel.
                    Err(QrError::TooSmall { pixels, least }) => assert!(pixels < least && least <= 130),
                    Err(other) => panic!("{level} {size} {quiet}: {other}"),
                }
            }
        }
    }
}

#[test]
#[ignore = "needs a program: cargo xtask test installs it"]
fn colours_at_the_edge_of_the_contrast_and_logos_are_read_again() {
    let colour = |text: &str| text.parse::<Colour>().unwrap();
    for (dark, light) in
        [("767676", "ffffff"), ("000000", "767676"), ("0a3d62", "ffe9d6"), ("b00020", "ffffff")]
    {
        let style = Style::new(Level::H, 4, colour(dark), colour(light)).unwrap();
        for logo in [None, Some(logo())] {
            let bytes = png(LINK, &style, Some(400), logo.as_ref()).unwrap();
            assert_eq!(read_png(&bytes), LINK, "{dark} {light} {}", logo.is_some());
            let drawing = svg(LINK, &style, logo.as_ref()).unwrap();
            assert_eq!(read_svg(&drawing, 400), LINK, "{dark} {light} {}", logo.is_some());
        }
    }
}

#[test]
#[ignore = "needs a program: cargo xtask test installs it"]
fn a_posters_code_is_read_again() {
    let shown = Poster {
        title: "316不锈钢保温杯 大容量 便携 车载 户外运动 学生 情侣款 礼盒装",
        shop: "晴川杯业",
        price: "¥39.80",
        caption: "长按识别二维码",
        picture: None,
        logo: None,
    };
    let logo = logo();
    for logo in [None, Some(&logo)] {
        let drawing = poster(LINK, &Style::default(), &Poster { logo, ..shown }).unwrap();
        for width in [375, 750, 1_500] {
            assert_eq!(read_svg(&drawing, width), LINK, "{width} {}", logo.is_some());
        }
    }
}
