//! The visitor's own query string: found, filtered and appended without ever overriding what is ours.
//!
//! Servers read queries in many ways (`;` as a separator, `.` and ` ` as `_`, `name[]`, any case, percent escapes),
//! so a parameter is dropped as soon as one of these readings makes it ours.

use attribution_core::record::SUB_ID_MAX;

/// Query bytes of a visitor that are passed on at most.
const PASSED_ON_MAX: usize = 1_024;

/// Appends `query` to `out`, without parameters that some server could read as `name`, and percent-encoding
/// every byte that must not stand in a URL. Parameters beyond the limit are left out whole.
pub(crate) fn push_without(query: &[u8], name: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    for parameter in query.split(|b| matches!(b, b'&' | b';')) {
        let key = parameter.split(|b| *b == b'=').next().unwrap_or_default();
        if parameter.is_empty() || reads_as(key, name) {
            continue;
        }
        let before = out.len();
        if before > start {
            out.push(b'&');
        }
        for &byte in parameter {
            push_escaped(byte, out);
        }
        if out.len() - start > PASSED_ON_MAX {
            out.truncate(before);
            return;
        }
    }
}

/// Decodes the value of `sub` into `out` and gives its length; 0 if there is none, `None` if it is too long or not
/// printable text.
pub(crate) fn sub_id(query: &[u8], out: &mut [u8; SUB_ID_MAX]) -> Option<usize> {
    let Some(value) = query.split(|b| *b == b'&').find_map(|parameter| parameter.strip_prefix(b"sub="))
    else {
        return Some(0);
    };
    let mut len = 0;
    let mut rest = value;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let byte = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                rest = tail;
                hex_digit(*high)? << 4 | hex_digit(*low)?
            }
            (b'%', _) => return None,
            (b'+', _) => b' ',
            (byte, _) => byte,
        };
        *out.get_mut(len)? = byte;
        len += 1;
    }
    let text = std::str::from_utf8(&out[..len]).ok()?;
    (!text.chars().any(char::is_control)).then_some(len)
}

fn push_escaped(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if byte.is_ascii_graphic()
        && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'#')
    {
        out.push(byte);
    } else {
        out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// Whether some server could take the raw `key` for `name`.
fn reads_as(key: &[u8], name: &[u8]) -> bool {
    let mut rest = key;
    let mut matched = 0;
    let mut decoded =
        std::iter::from_fn(|| next_decoded(&mut rest)).skip_while(|b| matches!(b, b' ' | b'_' | 0));
    // Leading blanks are dropped by some servers; `name` itself may start with '_', so both sides skip them.
    let wanted: &[u8] = name.trim_ascii_start();
    let skip = wanted.iter().take_while(|b| **b == b'_').count();
    let wanted = &wanted[skip..];
    loop {
        let (have, want) = (decoded.next(), wanted.get(matched));
        match (have, want) {
            (None, None) => return true,
            // `name[]`, `name[0]`, a NUL or a blank behind it.
            (Some(b'[' | 0 | b'_' | b' '), None) => return true,
            (Some(byte), Some(want)) if byte.eq_ignore_ascii_case(&plain(*want)) => matched += 1,
            _ => return false,
        }
    }
}

/// The next byte, unescaped (twice where escaped twice), with what servers turn into '_' turned.
fn next_decoded(rest: &mut &[u8]) -> Option<u8> {
    loop {
        let (&first, tail) = rest.split_first()?;
        *rest = tail;
        let mut byte = first;
        // `%25` is an escaped '%': whoever decodes twice reads on with it.
        while byte == b'%' {
            let Some((&[high, low], tail)) = rest.split_first_chunk::<2>() else { break };
            let (Some(high), Some(low)) = (hex_digit(high), hex_digit(low)) else { break };
            *rest = tail;
            byte = high << 4 | low;
        }
        if byte < b' ' && byte != 0 {
            continue; // dropped by URL parsers
        }
        return Some(plain(byte));
    }
}

const fn plain(byte: u8) -> u8 {
    match byte {
        b'.' | b' ' | b'+' | b'-' => b'_',
        other => other,
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(query: &str) -> String {
        let mut out = Vec::new();
        push_without(query.as_bytes(), b"yk_click", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_visitors_query_is_passed_on() {
        for query in ["a=b", "a=b&c=d", "a", "a=%E5%95%86", "yk_clicks=1", "xyk_click=1", "yk=yk_click=1"] {
            assert_eq!(passed(query), query);
        }
        assert_eq!(passed("a=b&&c"), "a=b&c");
        assert_eq!(passed("a=b;c=d"), "a=b&c=d");
        assert_eq!(passed("a=<x>\"商"), "a=%3Cx%3E%22%E5%95%86");
    }

    #[test]
    fn no_spelling_of_the_click_parameter_gets_through() {
        let spellings = [
            "yk_click=x",
            "YK_Click=x",
            "yk%5fclick=x",
            "%79k_click=x",
            "yk.click=x",
            "yk+click=x",
            "yk_click[]=x",
            "yk_click%5B0%5D=x",
            "yk_click",
            "%2579k_click=x",
            "+yk_click=x",
            "yk_click%00=x",
            "yk%0A_click=x",
            "yk-click=x",
            "yk_click =x",
        ];
        for spelling in spellings {
            assert_eq!(passed(spelling), "", "{spelling}");
            assert_eq!(passed(&format!("a=b;{spelling}&c=d")), "a=b&c=d", "{spelling}");
        }
    }

    #[test]
    fn what_is_too_long_is_left_out_whole() {
        let long = format!("a=b&c={}&d=e", "x".repeat(PASSED_ON_MAX));
        assert_eq!(passed(&long), "a=b");
    }

    #[test]
    fn a_sub_id_is_printable_and_short_or_none() {
        let sub = |query: &str| {
            let mut out = [0; SUB_ID_MAX];
            let len = sub_id(query.as_bytes(), &mut out);
            len.map(|len| String::from_utf8(out[..len].to_vec()).unwrap())
        };
        let long = format!("sub={}", "x".repeat(SUB_ID_MAX + 1));
        let rows = [
            ("", Some("")),
            ("subs=1", Some("")),
            ("a=b&sub=room-12", Some("room-12")),
            ("sub=%E7%9B%B4%E6%92%AD+1", Some("直播 1")),
            ("sub=%00", None),
            ("sub=%ff", None),
            ("sub=%4", None),
            (long.as_str(), None),
        ];
        for (query, expected) in rows {
            assert_eq!(sub(query).as_deref(), expected, "{query}");
        }
    }
}
