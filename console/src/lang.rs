//! Chinese or English: by the cookie, else by what the browser prefers.

use http::{HeaderMap, header};

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    Zh,
    En,
}

impl Lang {
    /// As HTML names it.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// As the cookie and the API name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Zh, Self::En].into_iter().find(|lang| lang.name() == name)
    }

    /// What a request is to be answered in: what the cookie says was `chosen`, if it says anything.
    pub(crate) fn of(chosen: Option<&str>, headers: &HeaderMap) -> Self {
        chosen.and_then(Self::named).unwrap_or_else(|| {
            let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            Self::preferred(header.unwrap_or_default())
        })
    }

    /// By Accept-Language: the best-liked of the two; Chinese if neither is named.
    fn preferred(header: &str) -> Self {
        let mut best = (0.0_f32, Self::Zh);
        for item in header.split(',') {
            let (tag, weight) = item.split_once(';').unwrap_or((item, ""));
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            let Some(lang) = Self::named(&primary) else { continue };
            let weight = weight.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if weight > best.0 {
                best = (weight, lang);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_language_is_taken() {
        let rows = [
            ("", Lang::Zh),
            ("fr", Lang::Zh),
            ("en-GB,en;q=0.9", Lang::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Lang::Zh),
            ("en;q=0.5,zh;q=0.4", Lang::En),
            ("fr,en;q=0.1", Lang::En),
        ];
        for (header, expected) in rows {
            assert_eq!(Lang::preferred(header), expected, "{header}");
        }
    }
}
