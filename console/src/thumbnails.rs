//! Small pictures that are kept in memory for a while, each by the address of the large one.

use attribution_core::time::Instant;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Pictures that are kept: of 5 KB each as a rule, and no more than 40 KB.
const KEPT_MAX: usize = 2_000;
/// For so long one is shown without asking its shop again, as the browser's copy is.
pub(crate) const FRESH_MS: i64 = 3_600_000;
/// And for so long one that could not be had is not asked for again.
pub(crate) const MISSING_MS: i64 = 300_000;

/// None if there is no picture that can be read.
pub(crate) type Small = Option<Bytes>;

/// One address: asked once, however many look at it meanwhile.
#[derive(Clone)]
struct Kept {
    asked: Instant,
    small: Arc<OnceCell<Small>>,
}

impl Kept {
    fn is_fresh(&self, now: Instant) -> bool {
        let missing = matches!(self.small.get(), Some(None));
        let good_for = if missing { MISSING_MS } else { FRESH_MS };
        (0..good_for).contains(&now.millis().saturating_sub(self.asked.millis()))
    }
}

/// Small pictures by the address of the large one, in bounded memory.
#[derive(Default)]
pub(crate) struct Thumbnails(Mutex<HashMap<String, Kept>>);

impl Thumbnails {
    /// What is kept of an address, or a place for it. Where there is no room, those that were asked for longest ago go.
    pub(crate) fn at(&self, url: &str, now: Instant) -> Arc<OnceCell<Small>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get(url).filter(|kept| kept.is_fresh(now)) {
            return kept.small.clone();
        }
        if all.len() >= KEPT_MAX && !all.contains_key(url) {
            let mut times: Vec<i64> = all.values().map(|kept| kept.asked.millis()).collect();
            let (_, median, _) = times.select_nth_unstable(KEPT_MAX / 2);
            let median = *median;
            all.retain(|_, kept| kept.asked.millis() > median);
        }
        let kept = Kept { asked: now, small: Arc::default() };
        all.insert(url.to_owned(), kept.clone());
        kept.small
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_grows_old() {
        let kept = Thumbnails::default();
        let cell = kept.at("https://shop/0", Instant(0));
        assert!(Arc::ptr_eq(&cell, &kept.at("https://shop/0", Instant(FRESH_MS - 1))));
        assert!(!Arc::ptr_eq(&cell, &kept.at("https://shop/0", Instant(FRESH_MS))), "it is asked for again");
        let cell = kept.at("https://shop/none", Instant(0));
        cell.set(None).unwrap();
        assert!(Arc::ptr_eq(&cell, &kept.at("https://shop/none", Instant(MISSING_MS - 1))));
        assert!(!Arc::ptr_eq(&cell, &kept.at("https://shop/none", Instant(MISSING_MS))));
        for at in 0..3 * KEPT_MAX {
            kept.at(&format!("https://shop/{at}"), Instant(i64::try_from(at).unwrap()));
            assert!(kept.0.lock().unwrap().len() <= KEPT_MAX);
        }
        let last = kept.at(&format!("https://shop/{}", 3 * KEPT_MAX - 1), Instant(6_000));
        assert!(Arc::strong_count(&last) == 2, "the youngest stay");
    }
}
