//! Money as shops write it, into fen, without a float on the way.

use serde_json::Value;

/// What is wrong with an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AmountError {
    /// Not text that a shop writes money in.
    #[error("an amount must be decimal text such as \"19.90\"")]
    Shape,
    /// Parts of a fen.
    #[error("{0} has parts of a fen")]
    Fraction(String),
    /// More than fits.
    #[error("{0} is too large")]
    Large(String),
}

/// Hundredths of the currency's unit: fen, if it is yuan. Text, or a whole JSON number; a JSON number with a fraction
/// has been through a float and is refused.
pub(super) fn hundredths(value: &Value) -> Result<i64, AmountError> {
    match value {
        Value::String(text) => of_text(text.trim()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.checked_mul(100).ok_or_else(|| AmountError::Large(number.to_string())),
            None => Err(AmountError::Shape),
        },
        _ => Err(AmountError::Shape),
    }
}

fn of_text(text: &str) -> Result<i64, AmountError> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(part) {
        return Err(AmountError::Shape);
    }
    let (fen, rest) = part.split_at(part.len().min(2));
    if rest.bytes().any(|b| b != b'0') {
        return Err(AmountError::Fraction(text.to_owned()));
    }
    let large = || AmountError::Large(text.to_owned());
    let whole: i64 = whole.parse().map_err(|_| large())?;
    let fen: i64 = format!("{fen:0<2}").parse().map_err(|_| large())?;
    let sum = whole.checked_mul(100).and_then(|yuan| yuan.checked_add(fen)).ok_or_else(large)?;
    Ok(if negative { -sum } else { sum })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yuan_become_fen_exactly_or_not_at_all() {
        let cases = [
            (json!("19.90"), Ok(1_990)),
            (json!("0.29"), Ok(29)),
            (json!("1"), Ok(100)),
            (json!("1.5"), Ok(150)),
            (json!("-5.00"), Ok(-500)),
            (json!("100.000"), Ok(10_000)),
            (json!(7), Ok(700)),
            (json!("2.675"), Err(AmountError::Fraction("2.675".into()))),
            (json!("99999999999999999.00"), Err(AmountError::Large("99999999999999999.00".into()))),
            (json!(19.9), Err(AmountError::Shape)),
            (json!("1,000.00"), Err(AmountError::Shape)),
            (json!(""), Err(AmountError::Shape)),
            (json!("."), Err(AmountError::Shape)),
            (json!("1e3"), Err(AmountError::Shape)),
            (json!(null), Err(AmountError::Shape)),
        ];
        for (value, expected) in cases {
            assert_eq!(hundredths(&value), expected, "{value}");
        }
    }
}
