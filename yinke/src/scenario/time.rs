//! Times as people in China write them: `2020-05-04 16:55:35`, always Asia/Shanghai.

use attribution_core::time::{Instant, Span};

/// Reads `2020-05-04`, `2020-05-04 16:55`, `2020-05-04 16:55:35[.999]`, or RFC 3339 with its own zone.
pub(crate) fn read(text: &str) -> Option<Instant> {
    let digits = text.as_bytes();
    if digits.len() < 10 || !digits.get(..4)?.iter().all(u8::is_ascii_digit) || digits.get(4) != Some(&b'-') {
        return None;
    }
    // What a machine wrote says in which zone, and no clock shows a sixtieth second.
    let zoned = || text.get(11..).is_some_and(|time| time.contains(['Z', 'z', '+', '-']));
    let sixtieth = text.get(16..19) == Some(":60");
    if sixtieth || (matches!(digits.get(10), Some(b'T' | b't')) && !zoned()) {
        return None;
    }
    Instant::read(text)
}

/// Reads an event's time; `+15d` counts from `before`.
pub(super) fn read_after(text: &str, before: Option<Instant>) -> Option<Instant> {
    match text.strip_prefix('+') {
        Some(span) => Some(before?.plus(span.trim().parse::<Span>().ok()?.millis())),
        None => read(text),
    }
}

/// How a time is written, for messages.
pub(crate) const FORM: &str = "a time such as 2020-05-04 16:55:35";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shanghais_unless_they_say_otherwise() {
        let at = read("2020-05-04 16:55:35").unwrap();
        assert_eq!(at.to_string(), "2020-05-04 16:55:35");
        assert_eq!(read("2020-05-04T08:55:35Z"), Some(at));
        assert_eq!(read("2020-05-04T16:55:35+08:00"), Some(at));
        assert_eq!(read("2020-05-04 16:55:35.001"), Some(at.plus(1)));
        assert_eq!(read("2020-05-04").unwrap().to_string(), "2020-05-04 00:00:00");
        assert_eq!(read("2020-05-04 16:55").unwrap().to_string(), "2020-05-04 16:55:00");
        assert_eq!(read_after("+1d", Some(at)), Some(at.plus(86_400_000)));
        for wrong in [
            "",
            "15d",
            "2020-02-30",
            "tomorrow",
            "2020-5-4",
            "2020-05-04 25:00:00",
            "2020-05-04 24:00:00",
            "2020-05-04 16:55:60",
            "2020-05-04T16:55:60Z",
            "2020-05-04T16:55:35",
            "316-steel",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
