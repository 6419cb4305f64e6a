//! A poster: the product's picture, its name and price, and the code below, as an SVG that prints and shares well.
//!
//! Text is left to whoever shows it, so the poster needs no fonts of ours.

use crate::logo::{self, Logo, LogoError};
use crate::modules::Modules;
use crate::svg::{middle, runs};
use crate::{QrError, Style};
use std::fmt::Write as _;

/// Width of the poster in its own units; phones show it full width.
const WIDTH: u32 = 750;
/// Height of the picture, or of the coloured field without one.
const PICTURE: u32 = 750;
/// Height of all.
const HEIGHT: u32 = 1_200;
/// Side of the code, and its pixels where a poster is shown at its own width.
pub const CODE: u32 = 250;
/// Widths of a line of the title, in halves of a wide letter.
const LINE: usize = 44;
/// Lines of a title.
const LINES: usize = 2;
/// What text may take of the whole width, and beside the code.
const ROOM: u32 = WIDTH - 80;
const ROOM_BESIDE: u32 = WIDTH - CODE - 120;
/// The same for a shop's name: more is cut.
const SHOP: usize = 48;
/// Pixels of the picture that are kept: enough for print on paper of a hand's width.
const PICTURE_KEPT: u32 = 1_000;

/// What stands on a poster.
#[derive(Debug, Clone, Copy)]
pub struct Poster<'p> {
    /// The product's name.
    pub title: &'p str,
    /// The shop's name.
    pub shop: &'p str,
    /// The price as people read it, such as `¥39.80`.
    pub price: &'p str,
    /// What to do with the code, in the reader's language.
    pub caption: &'p str,
    /// The product's picture: PNG or JPEG.
    pub picture: Option<&'p [u8]>,
    /// For the middle of the code.
    pub logo: Option<&'p Logo>,
}

/// Why there is no poster.
#[derive(Debug, thiserror::Error)]
pub enum PosterError {
    /// The code could not be made.
    #[error("the code could not be made")]
    Code(#[from] QrError),
    /// The picture cannot be used.
    #[error("the picture cannot be used")]
    Picture(#[from] LogoError),
}

/// Draws the poster of `text`, the short link.
///
/// # Errors
/// If the code does not fit, the picture cannot be read, or a logo asks for a higher level.
pub fn poster(text: &str, style: &Style, poster: &Poster<'_>) -> Result<String, PosterError> {
    let modules = Modules::of(text, style, poster.logo.is_some())?;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"'PingFang SC','Noto Sans CJK SC','Microsoft YaHei',sans-serif\">\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>"
    );
    let shop = cut(poster.shop, SHOP);
    // Writing into a String cannot fail.
    match poster.picture {
        Some(bytes) => {
            let uri = logo::data_uri(&logo::square(&logo::read(bytes)?, PICTURE_KEPT));
            let _ = write!(out, "<image width=\"{WIDTH}\" height=\"{PICTURE}\" href=\"{uri}\"/>");
        }
        None => {
            let _ = write!(
                out,
                "<rect width=\"{WIDTH}\" height=\"{PICTURE}\" fill=\"#fdf0ea\"/>\
                 <text x=\"375\" y=\"395\" font-size=\"{}\" font-weight=\"600\" fill=\"#a8330b\" text-anchor=\"middle\">{}</text>",
                fitting(&shop, 56, ROOM),
                escaped(&shop)
            );
        }
    }
    for (line, at) in lines(poster.title).iter().zip([830, 880]) {
        let _ = write!(
            out,
            "<text x=\"40\" y=\"{at}\" font-size=\"34\" fill=\"#1f2329\">{}</text>",
            escaped(line)
        );
    }
    let _ = write!(
        out,
        "<text x=\"40\" y=\"980\" font-size=\"{}\" font-weight=\"700\" fill=\"#c2360c\">{}</text>\
         <text x=\"40\" y=\"1060\" font-size=\"{}\" fill=\"#5c626b\">{}</text>\
         <text x=\"40\" y=\"1110\" font-size=\"{}\" fill=\"#5c626b\">{}</text>",
        fitting(poster.price, 60, ROOM_BESIDE),
        escaped(poster.price),
        fitting(&shop, 28, ROOM_BESIDE),
        escaped(&shop),
        fitting(poster.caption, 26, ROOM_BESIDE),
        escaped(poster.caption),
    );
    let side = modules.side();
    let (x, y) = (WIDTH - CODE - 40, HEIGHT - CODE - 40);
    let _ = write!(
        out,
        "<svg x=\"{x}\" y=\"{y}\" width=\"{CODE}\" height=\"{CODE}\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"{}\"/><path fill=\"{}\" d=\"{}\"/>{}</svg></svg>",
        style.light(),
        style.dark(),
        runs(&modules),
        poster.logo.map(|logo| middle(&modules, logo)).unwrap_or_default()
    );
    Ok(out)
}

/// How wide a letter is, in halves of a wide one: Latin letters are half as wide as Chinese ones. Bold figures are wider.
const fn width(letter: char) -> usize {
    if letter.is_ascii() { 1 } else { 2 }
}

/// The size of letters at which a text fits into `room`, at most `largest`.
fn fitting(text: &str, largest: u32, room: u32) -> u32 {
    let halves = text.chars().map(width).sum::<usize>().max(1);
    u32::try_from(halves).map_or(1, |halves| largest.min(room * 2 / halves))
}

/// A text of at most so many halves; what does not fit ends in dots.
fn cut(text: &str, most: usize) -> String {
    let mut wide = 0;
    let letters = text.chars().filter(|letter| !letter.is_control());
    let mut kept: String = letters
        .take_while(|letter| {
            wide += width(*letter);
            wide <= most
        })
        .collect();
    if wide > most {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// The title in lines that fit; what does not fit ends in dots.
fn lines(title: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut wide = 0;
    let mut letters = title.chars().filter(|letter| !letter.is_control()).peekable();
    while let Some(letter) = letters.next() {
        let width = width(letter);
        let last = lines.len() == LINES;
        let room = LINE - if last { 2 } else { 0 };
        if wide + width > room {
            if last {
                if let Some(line) = lines.last_mut() {
                    line.push('…');
                }
                return lines;
            }
            lines.push(String::new());
            wide = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push(letter);
        }
        wide += width;
        if letters.peek().is_none() {
            break;
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTER: Poster<'_> = Poster {
        title: "316不锈钢保温杯",
        shop: "晴川",
        price: "¥39.80",
        caption: "长按识别",
        picture: None,
        logo: None,
    };

    #[test]
    fn a_title_is_cut_into_lines_that_fit() {
        assert_eq!(lines("316不锈钢保温杯"), ["316不锈钢保温杯"]);
        let long = lines(&"杯".repeat(100));
        assert_eq!(long.iter().map(|line| line.chars().count()).collect::<Vec<_>>(), [22, 22]);
        assert!(long[1].ends_with('…'));
    }

    #[test]
    fn what_is_long_is_set_smaller_and_at_last_cut() {
        assert_eq!(fitting("晴川", 56, ROOM), 56);
        assert_eq!(fitting("义乌市晴川日用百货制造有限责任公司", 56, ROOM), 39);
        assert_eq!(fitting("", 56, ROOM), 56);
        assert_eq!(cut("晴川", SHOP), "晴川");
        let long = cut(&"杯".repeat(100), SHOP);
        assert!(long.ends_with("杯…") && long.chars().count() == 24, "{long}");
        assert!(fitting(&long, 28, ROOM_BESIDE) >= 14, "it can be read");
    }

    #[test]
    fn nothing_hostile_comes_through_a_title() {
        let svg =
            poster("https://yk.example/a", &Style::default(), &Poster { title: "<script>\u{0}&", ..POSTER });
        let svg = svg.unwrap();
        assert!(svg.contains("&lt;script&gt;&amp;") && !svg.contains("<script>"));
    }

    #[test]
    fn a_broken_picture_is_an_error() {
        let broken =
            poster("https://yk.example/a", &Style::default(), &Poster { picture: Some(b"x"), ..POSTER });
        assert!(matches!(broken, Err(PosterError::Picture(_))));
    }
}
