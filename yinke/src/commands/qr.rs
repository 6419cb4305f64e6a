//! `yinke qr CODE`: a link's QR code, as a file or in the terminal, with a logo or on a poster.

use super::listing::{address, text};
use crate::api::CoreApi;
use crate::cli::CoreArgs;
use crate::exit::{Exit, Failure};
use crate::output::{note, say, yuan};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use qr_code::{Level, Logo, Poster, Style, Wish};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Draw a link's QR code: into an SVG or PNG file, or in the terminal
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  yinke qr 7Qm2xKd9Wz\n  yinke qr 7Qm2xKd9Wz --out code.png --size 600 --logo shop.png\n  \
                        yinke qr 7Qm2xKd9Wz --poster --picture cup.jpg --out poster.svg"
)]
pub(crate) struct QrArgs {
    /// The link's code
    #[arg(env = "YINKE_CODE")]
    code: String,
    /// The file to write, .svg or .png [default: draw in the terminal]
    #[arg(long, env = "YINKE_QR_OUT", value_name = "FILE")]
    out: Option<PathBuf>,
    /// Width and height of a PNG, in pixels [default: 10 a module]
    #[arg(long, env = "YINKE_QR_SIZE", value_name = "PIXELS")]
    size: Option<String>,
    /// Error correction: l, m, q or h; what is printed wants h
    #[arg(long, env = "YINKE_QR_LEVEL", value_name = "LEVEL", default_value = "h")]
    level: String,
    /// Modules of empty border
    #[arg(long, env = "YINKE_QR_QUIET", value_name = "MODULES", default_value = "4")]
    quiet: String,
    /// Colour of the modules, six hexadecimal digits
    #[arg(long, env = "YINKE_QR_DARK", value_name = "RRGGBB", default_value = "000000")]
    dark: String,
    /// Colour of the ground
    #[arg(long, env = "YINKE_QR_LIGHT", value_name = "RRGGBB", default_value = "ffffff")]
    light: String,
    /// A PNG or JPEG for the middle of the code (level h only)
    #[arg(long, env = "YINKE_QR_LOGO", value_name = "FILE")]
    logo: Option<PathBuf>,
    /// A poster with the product's name and price around the code (SVG)
    #[arg(long, env = "YINKE_QR_POSTER", requires = "out")]
    poster: bool,
    /// The product's picture for the poster, PNG or JPEG
    #[arg(long, env = "YINKE_QR_PICTURE", value_name = "FILE", requires = "poster")]
    picture: Option<PathBuf>,
    /// Language of the poster
    #[arg(long, env = "YINKE_LANG", value_enum, default_value_t)]
    lang: Caption,
    #[command(flatten)]
    core: CoreArgs,
}

/// What a poster asks its reader to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Caption {
    /// 长按识别二维码
    #[default]
    Zh,
    /// Scan to see
    En,
}

impl Caption {
    const fn text(self) -> &'static str {
        match self {
            Self::Zh => "长按或扫一扫，查看商品",
            Self::En => "Scan to see the product",
        }
    }
}

/// What a file's ending asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Svg,
    Png,
}

impl Form {
    fn of(file: &Path) -> Result<Self, Failure> {
        let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(usage(format!("--out: {} must end in .svg or .png", file.display()))),
        }
    }
}

fn usage(message: impl Into<String>) -> Failure {
    let message: String = message.into();
    Failure::message(Exit::Usage, message)
}

impl QrArgs {
    /// Asks the core for the link and draws it.
    ///
    /// # Errors
    /// If there is no such link, the style would not scan, or a file cannot be read or written.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let wish = self.wish()?;
        let form = self.out.as_deref().map(Form::of).transpose()?;
        if self.poster && form == Some(Form::Png) {
            return Err(usage("--poster makes an SVG: --out must end in .svg"));
        }
        let logo = self.logo.as_deref().map(read_logo).transpose()?;
        if logo.is_some() && wish.style.level() != Level::H {
            return Err(usage("--logo: only --level h has enough to spare for a logo"));
        }
        let api = CoreApi::from_args(&self.core)?;
        let runtime = super::runtime()?;
        let link = runtime.block_on(api.get(&address(&["links", &self.code], &[])))?;
        let url = drawn_url(&link);
        let made = match (&self.out, form) {
            (None, _) | (_, None) => {
                say(qr_code::terminal(url, &wish.style).map_err(bad)?);
                say(url);
                return Ok(ExitCode::SUCCESS);
            }
            (Some(_), Some(_)) if self.poster => {
                let product = match text(&link, "target_kind") {
                    "product" => {
                        runtime.block_on(api.get(&address(&["products", text(&link, "target")], &[])))?
                    }
                    _ => Value::Null,
                };
                self.poster(&link, &product, &wish.style, logo.as_ref())?.into_bytes()
            }
            (Some(_), Some(Form::Svg)) => {
                qr_code::svg(url, &wish.style, logo.as_ref()).map_err(bad)?.into_bytes()
            }
            (Some(_), Some(Form::Png)) => {
                qr_code::png(url, &wish.style, wish.pixels, logo.as_ref()).map_err(bad)?
            }
        };
        let out = self.out.unwrap_or_default();
        std::fs::write(&out, &made)
            .with_context(|| format!("cannot write {}", out.display()))
            .map_err(|error| Failure::new(Exit::CannotCreate, error))?;
        note(format_args!("{}: {url}", out.display()));
        Ok(ExitCode::SUCCESS)
    }

    fn wish(&self) -> Result<Wish, Failure> {
        let named =
            [("level", &self.level), ("quiet", &self.quiet), ("dark", &self.dark), ("light", &self.light)];
        let size = self.size.iter().map(|size| ("size", size));
        let pairs = named.into_iter().chain(size).map(|(name, value)| (name, value.as_str()));
        Wish::read(pairs).map_err(|error| usage(error.to_string()))
    }

    fn poster(
        &self,
        link: &Value,
        product: &Value,
        style: &Style,
        logo: Option<&Logo>,
    ) -> Result<String, Failure> {
        let picture = self.picture.as_deref().map(read_file).transpose()?;
        let price = product.get("price_fen").and_then(Value::as_i64).map(yuan).unwrap_or_default();
        let poster = Poster {
            title: text(link, "title"),
            shop: text(product, "merchant_name"),
            price: &price,
            caption: self.lang.text(),
            picture: picture.as_deref(),
            logo,
        };
        qr_code::poster(drawn_url(link), style, &poster).map_err(bad)
    }
}

/// What stands in a link's QR code: its own address, whose life is its own. The code of a QR code stands for itself.
fn drawn_url(link: &Value) -> &str {
    link.get("qr_url").and_then(Value::as_str).unwrap_or_else(|| text(link, "short_url"))
}

fn bad(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::new(Exit::BadData, error)
}

fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(|error| Failure::new(Exit::NotFound, error))
}

fn read_logo(file: &Path) -> Result<Logo, Failure> {
    Logo::read(&read_file(file)?)
        .with_context(|| format!("{} cannot be a logo", file.display()))
        .map_err(|error| Failure::new(Exit::BadData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_what_is_made() {
        assert_eq!(Form::of(Path::new("a/b.SVG")).unwrap(), Form::Svg);
        assert_eq!(Form::of(Path::new("b.png")).unwrap(), Form::Png);
        assert!(Form::of(Path::new("b.gif")).is_err() && Form::of(Path::new("png")).is_err());
    }
}
