//! The pictures of QR codes that a worker has made of late, and how many new ones an address prefix may ask for: making
//! one costs as much as many clicks, on the thread that serves them.

use crate::limits::MissLimit;
use crate::qr::{self, QrError};
use crate::request::QrForm;
use attribution_core::code::Code;
use attribution_core::record::AddressPrefix;
use attribution_core::time::Instant;
use bytes::Bytes;
use std::collections::VecDeque;

/// Pictures kept, a few kilobytes each.
const KEPT: usize = 64;
/// New pictures per address prefix and minute, and at once: whole print runs of codes come from one office.
const PER_MINUTE: u32 = 300;
const BURST: u32 = 300;

/// This prefix has asked for too many new pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// After so many there is another.
    pub(crate) seconds: u32,
}

/// The pictures of one worker.
pub(crate) struct Pictures {
    /// Oldest first.
    kept: VecDeque<(Code, QrForm, Bytes)>,
    limit: MissLimit,
}

impl Pictures {
    /// `share` is how many workers share a prefix's limit.
    pub(crate) fn new(share: u8, seed: u64) -> Self {
        Self { kept: VecDeque::new(), limit: MissLimit::new(PER_MINUTE, BURST, share, seed) }
    }

    /// The picture of `code`, whose address is `url`, for a client of `prefix`.
    pub(crate) fn picture(
        &mut self,
        code: Code,
        form: QrForm,
        url: &str,
        prefix: AddressPrefix,
        now: Instant,
    ) -> Result<Result<Bytes, QrError>, TooMany> {
        if let Some((_, _, picture)) = self.kept.iter().find(|kept| kept.0 == code && kept.1 == form) {
            return Ok(Ok(picture.clone()));
        }
        self.limit.miss(prefix, now).map_err(|seconds| TooMany { seconds })?;
        let made = match form {
            QrForm::Svg => qr::svg(url).map(Bytes::from),
            QrForm::Png => qr::png(url).map(Bytes::from),
        };
        let Ok(picture) = &made else { return Ok(made) };
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((code, form, picture.clone()));
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
        let mut picture = |body, prefix| pictures.picture(code(body), QrForm::Svg, URL, prefix, now);
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
    fn each_form_has_its_own_picture() {
        let mut pictures = Pictures::new(1, 7);
        let (now, prefix) = (Instant(1_700_000_000_000), AddressPrefix([4, 10, 0, 1, 0, 0, 0, 0]));
        for _ in 0..2 {
            let mut picture = |form| pictures.picture(code(1), form, URL, prefix, now).unwrap().unwrap();
            assert!(
                picture(QrForm::Svg).starts_with(b"<svg") && picture(QrForm::Png).starts_with(b"\x89PNG")
            );
        }
        assert_eq!(pictures.kept.len(), 2);
    }
}
