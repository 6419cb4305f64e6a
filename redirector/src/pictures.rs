//! The pictures of QR codes that a worker has made of late, and how many new ones an address prefix may ask for: making
//! one costs as much as many clicks, on the thread that serves them, and a large one counts for more than one.

use crate::limits::MissLimit;
use crate::request::QrForm;
use attribution_core::code::Code;
use attribution_core::record::AddressPrefix;
use attribution_core::time::Instant;
use bytes::Bytes;
use qr_code::{QrError, Wish};
use std::collections::VecDeque;

/// Pictures kept: a few kilobytes each, the largest some fifty.
const KEPT: usize = 64;
/// New pictures per address prefix and minute, and at once: whole print runs of codes come from one office.
const PER_MINUTE: u32 = 300;
const BURST: u32 = 300;
/// A PNG counts once, and once more for so many pixels of its side.
const PIXELS_COUNTED_ONCE: u32 = 1_024;

/// This prefix has asked for too many new pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// After so many there is another.
    pub(crate) seconds: u32,
}

/// Which picture: all that one depends on. The number is the audience of the host that stands in it.
type Kind = (u32, Code, QrForm, Wish);

/// The pictures of one worker.
pub(crate) struct Pictures {
    /// Oldest first.
    kept: VecDeque<(Kind, Bytes)>,
    limit: MissLimit,
}

impl Pictures {
    /// `share` is how many workers share a prefix's limit.
    pub(crate) fn new(share: u8, seed: u64) -> Self {
        Self { kept: VecDeque::new(), limit: MissLimit::new(PER_MINUTE, BURST, share, seed) }
    }

    /// The picture of a code, whose address is `url`, for a client of `prefix`.
    pub(crate) fn picture(
        &mut self,
        kind: Kind,
        url: &str,
        prefix: AddressPrefix,
        now: Instant,
    ) -> Result<Result<Bytes, QrError>, TooMany> {
        if let Some((_, picture)) = self.kept.iter().find(|kept| kept.0 == kind) {
            return Ok(Ok(picture.clone()));
        }
        let (_, _, form, Wish { style, pixels }) = kind;
        let more = if form == QrForm::Png { pixels.unwrap_or_default() / PIXELS_COUNTED_ONCE } else { 0 };
        self.limit.misses(1 + more, prefix, now).map_err(|seconds| TooMany { seconds })?;
        let made = match form {
            QrForm::Svg => qr_code::svg(url, &style, None).map(Bytes::from),
            QrForm::Png => qr_code::png(url, &style, pixels, None).map(Bytes::from),
        };
        let Ok(picture) = &made else { return Ok(made) };
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((kind, picture.clone()));
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::code;

    const URL: &str = "https://yk.example/0123456789";

    #[test]
    fn new_pictures_are_limited_and_known_ones_are_not() {
        let mut pictures = Pictures::new(1, 7);
        let (now, prefix) = (Instant(1_700_000_000_000), AddressPrefix([4, 10, 0, 1, 0, 0, 0, 0]));
        let mut picture =
            |body, prefix| pictures.picture((0, code(body), QrForm::Svg, Wish::default()), URL, prefix, now);
        for body in 0..u64::from(BURST) {
            assert!(picture(body, prefix).is_ok(), "{body}");
        }
        assert!(matches!(picture(10_000, prefix), Err(TooMany { seconds: 1 })));
        let known = u64::from(BURST) - 1;
        assert!((0..1_000).all(|_| picture(known, prefix).is_ok()));
        assert!(picture(10_000, AddressPrefix([4, 10, 0, 2, 0, 0, 0, 0])).is_ok(), "another prefix");
        assert_eq!(pictures.kept.len(), KEPT);
    }

    #[test]
    fn large_pictures_count_for_more() {
        let (now, prefix) = (Instant(1_700_000_000_000), AddressPrefix([4, 10, 0, 1, 0, 0, 0, 0]));
        let made = |form, size| {
            let mut pictures = Pictures::new(1, 7);
            let wish = Wish { pixels: Some(size), ..Wish::default() };
            let kinds = (0..).map(|body| (0, code(body), form, wish));
            kinds.take_while(|kind| pictures.picture(*kind, URL, prefix, now).is_ok()).count()
        };
        assert_eq!(made(QrForm::Png, 200), BURST as usize);
        assert_eq!(made(QrForm::Png, 2_048), BURST as usize / 3);
        assert_eq!(made(QrForm::Svg, 2_048), BURST as usize, "its size is nothing to a drawing");
    }

    #[test]
    fn each_form_and_each_style_has_its_own_picture() {
        let mut pictures = Pictures::new(1, 7);
        let (now, prefix) = (Instant(1_700_000_000_000), AddressPrefix([4, 10, 0, 1, 0, 0, 0, 0]));
        for _ in 0..2 {
            let mut picture =
                |form, wish| pictures.picture((0, code(1), form, wish), URL, prefix, now).unwrap().unwrap();
            let small = Wish { pixels: Some(200), ..Wish::default() };
            assert!(picture(QrForm::Svg, Wish::default()).starts_with(b"<svg"));
            let (usual, small) = (picture(QrForm::Png, Wish::default()), picture(QrForm::Png, small));
            assert!(usual.starts_with(b"\x89PNG") && small.starts_with(b"\x89PNG") && usual != small);
        }
        assert_eq!(pictures.kept.len(), 3);
    }
}
