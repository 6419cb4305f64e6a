//! Bytes as lower-case hexadecimal digits, and back.

/// Two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).map(char::from).collect()
}

/// Exactly `N` bytes; `None` if the text is anything else.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

const fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Sixteen bytes as 32 digits, without a look at the heap: a decision names some two dozen clicks, and a replay writes a
/// million.
pub(crate) struct Hex16([u8; 32]);

impl Hex16 {
    pub(crate) fn of(bytes: &[u8; 16]) -> Self {
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&digits(*byte));
        }
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        // Digits are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_nothing_else_is_read() {
        assert_eq!(hex(&[0, 9, 10, 0xab, 0xff]), "00090aabff");
        assert_eq!(hex(&[]), "");
        let all: Vec<u8> = (0..=255).collect();
        for sixteen in all.chunks_exact(16) {
            let bytes: [u8; 16] = sixteen.try_into().unwrap();
            assert_eq!(unhex(&hex(&bytes)), Some(bytes));
            assert_eq!(unhex(&hex(&bytes).to_uppercase()), Some(bytes));
            assert_eq!(Hex16::of(&bytes).as_str(), hex(&bytes));
        }
        for wrong in ["", "0", "0g", "000", "+1", "é"] {
            assert_eq!(unhex::<1>(wrong), None, "{wrong}");
        }
    }
}
