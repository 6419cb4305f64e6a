//! Money as shops write it.

use attribution_core::money::{Fen, NotYuan};
use serde_json::Value;

/// Hundredths of the currency's unit: fen, if it is yuan. Text, or a whole JSON number; a JSON number with a fraction
/// has been through a float and is refused.
pub(super) fn hundredths(value: &Value) -> Result<i64, NotYuan> {
    let amount = match value {
        Value::String(text) => Fen::of_yuan(text.trim()),
        Value::Number(number) if number.is_i64() => Fen::of_yuan(&number.to_string()),
        _ => Err(NotYuan::Shape),
    };
    amount.map(|amount| amount.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_float_is_no_amount() {
        let cases = [
            (json!(" 19.90 "), Ok(1_990)),
            (json!(7), Ok(700)),
            (json!(i64::MAX), Err(NotYuan::Large(i64::MAX.to_string()))),
            (json!(19.9), Err(NotYuan::Shape)),
            (json!(""), Err(NotYuan::Shape)),
            (json!(null), Err(NotYuan::Shape)),
        ];
        for (value, expected) in cases {
            assert_eq!(hundredths(&value), expected, "{value}");
        }
    }
}
