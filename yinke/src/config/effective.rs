//! What was understood, for `config print`: every setting with its value, secrets redacted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A value that can be printed as TOML.
pub(super) trait Shown {
    /// As TOML.
    fn shown(&self) -> String;
}

/// All settings by dotted key.
#[derive(Debug, Default)]
pub(crate) struct Effective {
    entries: BTreeMap<String, (String, bool)>,
}

impl Effective {
    pub(super) fn set(&mut self, key: &str, value: &impl Shown, default: bool) {
        self.entries.insert(key.to_owned(), (value.shown(), default));
    }

    pub(super) fn redacted(&mut self, key: &str) {
        self.entries.insert(key.to_owned(), ("\"***\"".to_owned(), false));
    }

    /// As a TOML file. Without `with_defaults`, only what the file says.
    pub(crate) fn toml(&self, with_defaults: bool) -> String {
        let mut out = String::new();
        let mut section = "";
        // Keys without a section first: TOML knows no way back to the root.
        let mut entries: Vec<_> = self.entries.iter().filter(|(_, (_, d))| with_defaults || !d).collect();
        entries.sort_by_key(|(key, _)| (key.contains('.'), *key));
        for (key, (value, default)) in entries {
            let (in_section, name) = key.rsplit_once('.').unwrap_or(("", key));
            if in_section != section {
                out.push_str(&format!("{}[{in_section}]\n", if out.is_empty() { "" } else { "\n" }));
                section = in_section;
            }
            out.push_str(&format!("{name} = {value}{}\n", if *default { " # default" } else { "" }));
        }
        out
    }
}

macro_rules! shown_as_is {
    ($($kind:ty),*) => { $(impl Shown for $kind {
        fn shown(&self) -> String {
            self.to_string()
        }
    })* };
}
shown_as_is!(bool, u8, u16, u32, u64, usize);

macro_rules! shown_quoted {
    ($($kind:ty),*) => { $(impl Shown for $kind {
        fn shown(&self) -> String {
            quote(&self.to_string())
        }
    })* };
}
shown_quoted!(String, SocketAddr);

impl Shown for url::Url {
    /// A password in it is a secret.
    fn shown(&self) -> String {
        let mut url = self.clone();
        if url.password().is_some() {
            let _ = url.set_password(Some("***"));
        }
        quote(url.as_str())
    }
}

impl Shown for PathBuf {
    fn shown(&self) -> String {
        quote(&self.display().to_string())
    }
}

impl Shown for Duration {
    fn shown(&self) -> String {
        let millis = self.as_millis();
        quote(&if millis.is_multiple_of(1_000) {
            format!("{}s", millis / 1_000)
        } else {
            format!("{millis}ms")
        })
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> String {
        format!("[{}]", self.iter().map(Shown::shown).collect::<Vec<_>>().join(", "))
    }
}

fn quote(text: &str) -> String {
    toml::Value::from(text).to_string()
}
