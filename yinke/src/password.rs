//! Passwords that we draw for others.

use crate::exit::{Exit, Failure};

/// A password that is easy to type and hard to guess: 80 bits, without letters that look alike.
///
/// # Errors
/// If the operating system gives no randomness.
pub(crate) fn draw_password() -> Result<String, Failure> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Failure::message(Exit::Runtime, e.to_string()))?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_passwords_can_be_read_aloud() {
        let (one, two) = (draw_password().unwrap(), draw_password().unwrap());
        assert_ne!(one, two);
        assert_eq!((one.len(), one.matches('-').count()), (19, 3), "{one}");
        assert!(!one.contains(['l', 'o', '0', '1']), "{one}");
    }
}
