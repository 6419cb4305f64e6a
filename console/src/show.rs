//! How amounts, rates and times look.

use attribution_core::money::Fen;
use attribution_core::time::Instant;

/// Fen as yuan: `¥1,234.56`.
pub(crate) fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let whole = fen.unsigned_abs() / 100;
    let digits = whole.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}¥{grouped}.{:02}", fen.unsigned_abs() % 100)
}

/// Fen as yuan for a field to be changed: `1234.56`.
pub(crate) fn plain_yuan(fen: i64) -> String {
    yuan(fen).replace(['¥', ','], "")
}

/// Reads yuan as somebody types them: `12`, `12.5`, `¥1,234.56`. `None` if it is no amount.
pub(crate) fn fen(typed: &str) -> Option<i64> {
    let plain: String = typed.trim().trim_start_matches(['¥', '¥']).chars().filter(|c| *c != ',').collect();
    Fen::of_yuan(&plain).ok().map(|amount| amount.0).filter(|_| !plain.starts_with('-'))
}

/// Hundredths of a percent: `12.5%`.
pub(crate) fn rate(bp: u32) -> String {
    let text = format!("{}.{:02}", bp / 100, bp % 100);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Reads a percentage as somebody types it: `12`, `12.5`, `12.5%`. `None` if it is none, or beyond 100.
pub(crate) fn basis_points(typed: &str) -> Option<i64> {
    fen(typed.trim().trim_end_matches(['%', '\u{ff05}']).trim_end()).filter(|bp| *bp <= 10_000)
}

/// Day and minute in Asia/Shanghai: `2026-01-31 08:05`.
pub(crate) fn moment(ms: i64) -> String {
    Instant(ms).to_string().chars().take(16).collect()
}

/// Day in Asia/Shanghai: `2026-01-31`.
pub(crate) fn day(ms: i64) -> String {
    Instant(ms).to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_fen() {
        let rows = [
            (0, "¥0.00"),
            (5, "¥0.05"),
            (123_456, "¥1,234.56"),
            (100_000_000, "¥1,000,000.00"),
            (-1_050, "-¥10.50"),
        ];
        for (amount, text) in rows {
            assert_eq!(yuan(amount), text);
            if amount >= 0 {
                assert_eq!(fen(text), Some(amount));
            }
        }
        for (typed, expected) in [
            ("12", Some(1_200)),
            (" 12.5 ", Some(1_250)),
            ("1.234", None),
            ("", None),
            ("-3", None),
            ("abc", None),
        ] {
            assert_eq!(fen(typed), expected, "{typed}");
        }
    }

    #[test]
    fn rates_are_percent() {
        let rows = [(1_250, "12.5%"), (1_000, "10%"), (5, "0.05%")];
        for (bp, text) in rows {
            assert_eq!(rate(bp), text);
        }
    }

    #[test]
    fn percentages_are_read_as_typed() {
        let rows = [
            ("12", Some(1_200)),
            ("12.5%", Some(1_250)),
            (" 0.05 % ", Some(5)),
            ("100", Some(10_000)),
            ("100.01", None),
            ("-1", None),
            ("", None),
        ];
        for (typed, expected) in rows {
            assert_eq!(basis_points(typed), expected, "{typed}");
        }
    }

    #[test]
    fn times_are_shanghais() {
        assert_eq!(moment(1_588_319_793_000), "2020-05-01 15:56");
        assert_eq!(day(1_588_319_793_000), "2020-05-01");
    }
}
