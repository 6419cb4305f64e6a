//! The secrets on disk: one file per secret, hex, mode 0600, in a folder `keys`.
//!
//! The core's folder holds the masters (`master.g1.key`, one per generation), the key of the codes' check character
//! (`check.key`, never changed: QR codes are printed), the key of the address hashes (`address.key`) and the admin
//! token. An edge's folder holds only what is derived for it: `browser.g1.key`, `click.g1.key`, `check.key`,
//! `address.key`. Never prints a secret.
//!
//! A key of the generation after the newest may lie beside it, prepared (`master.g2.next.key`, `browser.g2.next.key`): tokens
//! that it signed are accepted, and nothing is signed with it yet. `rotate` prepares one, and puts it to use when everybody
//! knows it.
//!
//! Keys are made once, for a new installation. Afterwards a missing file is an error: a new check key would make every
//! printed code dead, and a new master would make every click token worthless.

mod file;
mod generations;
mod rotate;

pub(crate) use rotate::{Rotated, rotate};

use attribution_core::click::EdgeId;
use attribution_core::code::CheckKey;
use attribution_core::token::{BrowserKeys, ClickKeys, KeyId, MasterKey, SigningKey};
use generations::Generations;
use std::io;
use std::path::{Path, PathBuf};

const CHECK: &str = "check.key";
const ADDRESS: &str = "address.key";
const ADMIN_TOKEN: &str = "admin.token";
/// Written once all keys are there: from then on none is made anew.
const COMPLETE: &str = "complete";

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The file cannot be read.
    #[error("cannot read key file {}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others on this machine can read it.
    #[error("key file {} has mode {mode:04o}: others can read it; chmod 600 it", .path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file is there and is no key.
    #[error("key file {} must hold {want} hexadecimal digits", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// How many digits it should have.
        want: usize,
    },
    /// It was there once, or the data it belongs to still is.
    #[error(
        "key file {} is missing, but this installation has been used with it: restore it from a backup. A new one \
         would make every code that was printed and every click token that was given out worthless",
        .0.display()
    )]
    Missing(PathBuf),
    /// A generation is a 16-bit number.
    #[error("there is no generation after {0}")]
    LastGeneration(u16),
    /// The file cannot be made.
    #[error("cannot create key file {}", .path.display())]
    Create {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What the core holds.
pub(crate) struct CoreSecrets {
    /// Newest generation first; never empty.
    masters: Vec<MasterKey>,
    /// The one that follows, if it is prepared.
    next: Option<MasterKey>,
    check: [u8; 8],
    address: [u8; 32],
    admin_token: String,
}

impl CoreSecrets {
    /// Reads the core's folder; makes the keys of a new installation. `used` says that there is data already. The
    /// caller holds the data directory.
    ///
    /// # Errors
    /// If a file of a used installation is missing, cannot be read or made, is readable by others, or is no key.
    pub(crate) fn open_or_create(dir: &Path, used: bool) -> Result<Self, KeysError> {
        let complete = dir.join(COMPLETE);
        let is_new = !used && !complete.exists();
        let Generations { used, prepared } = Generations::<32>::find(dir, "master")?;
        let key = |(generation, secret)| MasterKey::new(generation, secret);
        let mut masters = used.into_iter().map(key).collect::<Vec<_>>();
        if masters.is_empty() {
            masters.push(MasterKey::new(1, secret(&dir.join("master.g1.key"), is_new)?));
        }
        let token_path = dir.join(ADMIN_TOKEN);
        let admin_token = match file::read_text(&token_path)? {
            Some(token) if token.is_empty() => {
                return Err(KeysError::Malformed { path: token_path, want: 1 });
            }
            Some(token) => token,
            None if is_new => {
                let token = format!("yk_admin_{}", file::random_hex::<24>(&token_path)?);
                file::create_text(&token_path, &token)?
            }
            None => return Err(KeysError::Missing(token_path)),
        };
        let (check, address) = (secret(&dir.join(CHECK), is_new)?, secret(&dir.join(ADDRESS), is_new)?);
        if is_new {
            file::create_text(&complete, "All keys of this installation have been made; none is made anew.")?;
        }
        Ok(Self { masters, next: prepared.map(key), check, address, admin_token })
    }

    /// Keys for visitor and claim tokens.
    pub(crate) fn browser(&self) -> BrowserKeys {
        BrowserKeys::derive(&self.masters[0], self.masters.get(1))
            .before(self.next.as_ref().map(MasterKey::browser_key))
    }

    /// Keys that verify any edge's click tokens.
    pub(crate) fn click(&self) -> ClickKeys {
        ClickKeys::new(self.masters.iter().chain(&self.next).cloned().collect())
    }

    /// The key of the codes' check character.
    pub(crate) const fn check(&self) -> CheckKey {
        CheckKey::new(self.check)
    }

    /// The token made for the first administrator.
    pub(crate) fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// What one edge needs, derived.
    pub(crate) fn edge(&self, edge: EdgeId) -> EdgeSecrets {
        EdgeSecrets {
            browser: self.browser(),
            click: ClickKeys::edge_key(&self.masters[0], edge),
            check: self.check(),
            address: self.address,
        }
    }

    /// Writes the folder of an edge that runs elsewhere. Never overwrites.
    ///
    /// # Errors
    /// If a file is there already or cannot be made.
    pub(crate) fn export(&self, edge: EdgeId, dir: &Path) -> Result<(), KeysError> {
        for master in self.masters.iter().take(2) {
            let name = format!("browser.g{}.key", master.generation());
            file::create(&dir.join(name), &master.browser_secret())?;
        }
        if let Some(next) = &self.next {
            let name = format!("browser.g{}.next.key", next.generation());
            file::create(&dir.join(name), &next.browser_secret())?;
        }
        let current = &self.masters[0];
        let name = format!("click.g{}.key", current.generation());
        file::create(&dir.join(name), &current.click_secret(edge))?;
        file::create(&dir.join(CHECK), &self.check)?;
        file::create(&dir.join(ADDRESS), &self.address)
    }
}

/// What an edge holds.
pub(crate) struct EdgeSecrets {
    /// Signs and verifies visitor and claim tokens.
    pub(crate) browser: BrowserKeys,
    /// Signs this edge's click tokens.
    pub(crate) click: SigningKey,
    /// Checks codes.
    pub(crate) check: CheckKey,
    /// Hashes addresses; the hash changes daily.
    pub(crate) address: [u8; 32],
}

impl EdgeSecrets {
    /// Reads an edge's folder.
    ///
    /// # Errors
    /// If a file is missing, unreadable, readable by others, or no key.
    pub(crate) fn open(dir: &Path, edge: EdgeId) -> Result<Self, KeysError> {
        let newest = |name: &str| -> Result<_, KeysError> {
            let keys = Generations::<32>::find(dir, name)?;
            if keys.used.is_empty() {
                let source = file::missing();
                return Err(KeysError::Unreadable { path: dir.join(format!("{name}.g1.key")), source });
            }
            Ok(keys)
        };
        let browser = newest("browser")?;
        let key = |(generation, secret): &(u16, [u8; 32])| {
            SigningKey::new(KeyId { generation: *generation, edge: None }, secret)
        };
        let (current, previous) = (key(&browser.used[0]), browser.used.get(1).map(key));
        let (generation, secret) = newest("click")?.used[0];
        Ok(Self {
            browser: BrowserKeys::new(current, previous).before(browser.prepared.as_ref().map(key)),
            click: SigningKey::new(KeyId { generation, edge: Some(edge) }, &secret),
            check: CheckKey::new(file::read(&dir.join(CHECK))?),
            address: file::read(&dir.join(ADDRESS))?,
        })
    }
}

/// Reads a key; makes one if the installation is new.
fn secret<const N: usize>(path: &Path, is_new: bool) -> Result<[u8; N], KeysError> {
    if is_new || path.exists() {
        file::read_or_create(path)
    } else {
        Err(KeysError::Missing(path.to_owned()))
    }
}

/// The admin token in a core's key folder, if there is one that we may read.
pub(crate) fn stored_admin_token(dir: &Path) -> Option<String> {
    file::read_text(&dir.join(ADMIN_TOKEN)).ok().flatten()
}

/// Reads a secret text from a file of its own (`*_file` settings).
///
/// # Errors
/// If it cannot be read or others can read it.
pub(crate) fn secret_text(path: &Path) -> Result<String, KeysError> {
    file::read_text(path)?
        .ok_or_else(|| KeysError::Unreadable { path: path.to_owned(), source: file::missing() })
}

#[cfg(test)]
mod tests;
