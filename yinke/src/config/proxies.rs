//! Which proxies are believed: ranges of addresses, for edges and cores.

use super::effective::Shown;
use super::parse;
use super::reader::Reader;
use redirector::config::AddressRange;
use toml::de::DeValue;

/// A range with the text it was written as.
struct Range(AddressRange, String);

impl Shown for Range {
    fn shown(&self) -> String {
        self.1.shown()
    }
}

/// The ranges under `key`; none unless given.
pub(super) fn trusted(r: &mut Reader<'_>, key: &'static str) -> Option<Vec<AddressRange>> {
    let found = r.defaulted(key, "a list of ranges such as \"10.0.0.0/8\"", ranges, Vec::new())?;
    Some(found.into_iter().map(|Range(range, _)| range).collect())
}

fn ranges(value: &DeValue<'_>) -> Option<Vec<Range>> {
    parse::list(value, |v| {
        let text = v.as_str()?;
        Some(Range(text.parse().ok()?, text.to_owned()))
    })
}
