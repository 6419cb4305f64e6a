//! Whether a stored text is the JSON of a value: the value is followed along the text, and nothing is written.
//!
//! A replay compares some kilobytes a line. What this says yes to is byte for byte what `serde_json` writes; where it says
//! no, the caller reads the text and compares values.

use serde::ser::{self, Impossible, Serialize};
use std::fmt;

/// Whether `serde_json` would write this value as this text.
pub(super) fn is_json_of(text: &str, value: &impl Serialize) -> bool {
    let mut left = Text(text.as_bytes());
    value.serialize(&mut left).is_ok() && left.0.is_empty()
}

/// Whether JSON writes one of these bytes as an escape. Looks at all of them, without an early end.
#[inline(always)]
fn has_escapes(bytes: &[u8]) -> bool {
    let escapes = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    bytes.iter().fold(false, |any, byte| any | escapes(*byte))
}

/// What of the text is still to come.
struct Text<'t>(&'t [u8]);

/// The text goes on otherwise, or the value is of a kind that nothing stored has (a float, say).
#[derive(Debug, thiserror::Error)]
#[error("not the same")]
struct Differs;

impl ser::Error for Differs {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type Same = Result<(), Differs>;

impl<'t> Text<'t> {
    #[inline(always)]
    fn expect(&mut self, bytes: &[u8]) -> Same {
        self.0 = self.0.strip_prefix(bytes).ok_or(Differs)?;
        Ok(())
    }

    /// The name of a field or variant: an identifier, which needs no escapes.
    #[inline(always)]
    fn name(&mut self, name: &str) -> Same {
        self.expect(b"\"")?;
        self.expect(name.as_bytes())?;
        self.expect(b"\"")
    }

    fn variant(&mut self, name: &str) -> Same {
        self.expect(b"{")?;
        self.name(name)?;
        self.expect(b":")
    }

    fn items<'w>(&'w mut self, begin: &[u8], end: &'static [u8]) -> Result<Items<'w, 't>, Differs> {
        self.expect(begin)?;
        Ok(Items { text: self, first: true, end })
    }
}

/// The elements of a list, or the fields of an object.
struct Items<'w, 't> {
    text: &'w mut Text<'t>,
    first: bool,
    end: &'static [u8],
}

impl Items<'_, '_> {
    #[inline(always)]
    fn next(&mut self) -> Result<&mut Self, Differs> {
        if !std::mem::replace(&mut self.first, false) {
            self.text.expect(b",")?;
        }
        Ok(self)
    }

    // A derived `Serialize` names its fields: inlined, each name is a word or two to compare.
    #[inline(always)]
    fn field<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Same {
        let text = &mut *self.next()?.text;
        text.name(name)?;
        text.expect(b":")?;
        value.serialize(text)
    }

    fn close(self) -> Same {
        self.text.expect(self.end)
    }
}

impl<'w, 't> ser::Serializer for &'w mut Text<'t> {
    type Ok = ();
    type Error = Differs;
    type SerializeSeq = Items<'w, 't>;
    type SerializeTuple = Items<'w, 't>;
    type SerializeTupleStruct = Impossible<(), Differs>;
    type SerializeTupleVariant = Impossible<(), Differs>;
    type SerializeMap = Items<'w, 't>;
    type SerializeStruct = Items<'w, 't>;
    type SerializeStructVariant = Items<'w, 't>;

    fn serialize_bool(self, value: bool) -> Same {
        self.expect(if value { b"true" } else { b"false" })
    }

    fn serialize_i8(self, value: i8) -> Same {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Same {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Same {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Same {
        self.expect(itoa::Buffer::new().format(value).as_bytes())
    }

    fn serialize_u8(self, value: u8) -> Same {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Same {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Same {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Same {
        self.expect(itoa::Buffer::new().format(value).as_bytes())
    }

    fn serialize_f32(self, _: f32) -> Same {
        Err(Differs)
    }

    fn serialize_f64(self, _: f64) -> Same {
        Err(Differs)
    }

    fn serialize_char(self, value: char) -> Same {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Same {
        // Eight bytes at once: most texts are ids, a dozen bytes long.
        let (eights, rest) = value.as_bytes().as_chunks::<8>();
        if !eights.iter().any(|eight| has_escapes(eight)) && !has_escapes(rest) {
            return self.name(value);
        }
        let escaped = serde_json::to_string(value).map_err(|_| Differs)?;
        self.expect(escaped.as_bytes())
    }

    fn serialize_bytes(self, _: &[u8]) -> Same {
        Err(Differs)
    }

    fn serialize_none(self) -> Same {
        self.expect(b"null")
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Same {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Same {
        self.expect(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Same {
        self.expect(b"null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Same {
        self.name(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Same {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Same {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.expect(b"}")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Differs> {
        self.items(b"[", b"]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Differs> {
        self.items(b"[", b"]")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Differs> {
        Err(Differs)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Differs> {
        Err(Differs)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Differs> {
        self.items(b"{", b"}")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Differs> {
        self.items(b"{", b"}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Differs> {
        self.variant(variant)?;
        self.items(b"{", b"}}")
    }
}

impl ser::SerializeSeq for Items<'_, '_> {
    type Ok = ();
    type Error = Differs;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Same {
        value.serialize(&mut *self.next()?.text)
    }

    fn end(self) -> Same {
        self.close()
    }
}

impl ser::SerializeTuple for Items<'_, '_> {
    type Ok = ();
    type Error = Differs;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Same {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Same {
        self.close()
    }
}

impl ser::SerializeMap for Items<'_, '_> {
    type Ok = ();
    type Error = Differs;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Same {
        key.serialize(&mut *self.next()?.text)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Same {
        self.text.expect(b":")?;
        value.serialize(&mut *self.text)
    }

    fn end(self) -> Same {
        self.close()
    }
}

impl ser::SerializeStruct for Items<'_, '_> {
    type Ok = ();
    type Error = Differs;

    #[inline(always)]
    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Same {
        self.field(name, value)
    }

    fn end(self) -> Same {
        self.close()
    }
}

impl ser::SerializeStructVariant for Items<'_, '_> {
    type Ok = ();
    type Error = Differs;

    #[inline(always)]
    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Same {
        self.field(name, value)
    }

    fn end(self) -> Same {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use super::is_json_of;
    use serde::Serialize;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Unit,
        Newtype(i64),
        Fields { a: bool, b: Option<u8> },
    }

    #[derive(Serialize)]
    #[serde(tag = "code", rename_all = "snake_case")]
    enum Tagged {
        Bare,
        With { by: &'static str },
    }

    #[derive(Serialize)]
    struct Inner {
        flattened: i32,
    }

    #[derive(Serialize)]
    struct Everything {
        numbers: Vec<i64>,
        largest: u64,
        texts: Vec<&'static str>,
        letter: char,
        nothing: Option<i64>,
        left_out: (),
        kinds: Vec<Kind>,
        tagged: Vec<Tagged>,
        pair: (bool, i8),
        map: BTreeMap<String, Vec<u16>>,
        #[serde(flatten)]
        inner: Inner,
    }

    #[test]
    fn says_yes_to_what_is_written_and_to_nothing_else() {
        let value = Everything {
            numbers: vec![0, -1, i64::MIN, i64::MAX],
            largest: u64::MAX,
            texts: vec!["", "引客", "a \"quoted\" \\ one", "\u{1}\n\t\u{7f}"],
            letter: '"',
            nothing: None,
            left_out: (),
            kinds: vec![Kind::Unit, Kind::Newtype(-7), Kind::Fields { a: false, b: Some(3) }],
            tagged: vec![Tagged::Bare, Tagged::With { by: "c" }],
            pair: (true, -8),
            map: BTreeMap::from([("a\"b".to_owned(), vec![1, 2]), ("b".to_owned(), vec![])]),
            inner: Inner { flattened: 5 },
        };
        let text = serde_json::to_string(&value).unwrap();
        assert!(is_json_of(&text, &value));
        assert!(!is_json_of(&format!("{text} "), &value));
        for (at, letter) in text.char_indices() {
            assert!(!is_json_of(&text[..at], &value), "cut at {at}");
            let other = format!("{}{}{}", &text[..at], '!', &text[at + letter.len_utf8()..]);
            assert!(!is_json_of(&other, &value), "{other}");
        }
    }

    #[test]
    fn an_escape_is_not_taken_for_the_letters_it_is_written_with() {
        assert!(is_json_of(r#""a\\b""#, &r"a\b"));
        assert!(!is_json_of(r#""a\b""#, &r"a\b"));
    }
}
