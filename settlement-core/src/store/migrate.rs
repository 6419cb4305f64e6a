//! Brings a database to the version this program knows, one numbered file after the other, in one transaction.
//!
//! A file that was applied is never edited: its checksum is kept and compared. A database that a newer program has
//! been at is refused.

use super::{StoreError, Tx};
use crate::params;
use attribution_core::time::Instant;

/// One step, in the words of both databases.
struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $file:literal) => {
        Migration {
            version: $version,
            name: $file,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $file, ".sql")),
        }
    };
}

/// All steps, oldest first. Numbers only grow; a gap is allowed.
const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_base"),
    migration!(2, "0002_catalogue"),
    migration!(3, "0003_clicks"),
    migration!(10, "0010_orders"),
    migration!(11, "0011_ledger"),
    migration!(12, "0012_event_senders"),
    migration!(13, "0013_change_histories"),
    migration!(14, "0014_lost_tails"),
    migration!(15, "0015_holders"),
    migration!(20, "0020_payouts"),
    migration!(21, "0021_plans"),
    migration!(22, "0022_disputes"),
    migration!(30, "0030_earlier_facts"),
    migration!(35, "0035_sourcing"),
    migration!(36, "0036_video_tasks"),
    migration!(37, "0037_verifications"),
    migration!(40, "0040_visitor_index"),
    migration!(45, "0045_accounts"),
    migration!(50, "0050_lists"),
    migration!(51, "0051_library"),
    migration!(52, "0052_reports"),
    migration!(53, "0053_notices"),
    migration!(55, "0055_intake"),
    migration!(56, "0056_webhooks"),
    migration!(60, "0060_ways"),
    migration!(61, "0061_low30_since"),
    migration!(62, "0062_reviews_of_merchant"),
    migration!(63, "0063_report_shares"),
    migration!(64, "0064_one_walk_over_expired_links"),
    migration!(65, "0065_payouts_that_came_back"),
    migration!(66, "0066_refused_clicks"),
    migration!(67, "0067_app_pages"),
    migration!(68, "0068_history_known"),
    migration!(69, "0069_orders_payment_method"),
    migration!(70, "0070_visitor_runs"),
    migration!(71, "0071_account_checks"),
    migration!(72, "0072_tokens_that_read"),
    migration!(73, "0073_planner"),
    migration!(74, "0074_decided_anew"),
    migration!(75, "0075_links_placement"),
    migration!(77, "0077_enrolments_in_order"),
    migration!(78, "0078_links_lead_somewhere"),
    migration!(79, "0079_one_name_per_phone"),
    migration!(81, "0081_covering_runs"),
    migration!(83, "0083_runs_read_directly"),
    migration!(84, "0084_reconciliations"),
    migration!(85, "0085_logos"),
    migration!(86, "0086_dead_letters_back"),
    migration!(87, "0087_rates_of_plan"),
    migration!(90, "0090_logins_told_by"),
    migration!(91, "0091_shared_tokens"),
    migration!(92, "0092_settled_differences"),
    migration!(93, "0093_catalogue_count"),
    migration!(94, "0094_bans_end"),
    migration!(95, "0095_judged"),
    migration!(96, "0096_released_findings"),
    migration!(97, "0097_payouts_on_their_way"),
    migration!(98, "0098_notices_from"),
    migration!(99, "0099_ban_notices"),
];

/// Whose words to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// Why a database cannot be brought to this program's version.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database is newer than this program.
    #[error("the database has version {found}, this program knows up to {known}: use a newer program")]
    Newer {
        /// Version of the database.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// A step was applied with other contents.
    #[error("migration {version} was applied with other contents than this program's")]
    Changed {
        /// Which.
        version: i64,
    },
    /// A step failed.
    #[error("migration {version} ({name}) failed")]
    Step {
        /// Which.
        version: i64,
        /// Its file's name.
        name: &'static str,
        /// Why.
        #[source]
        cause: StoreError,
    },
    /// The store failed beside the steps.
    #[error("the database could not be prepared")]
    Store(#[from] StoreError),
}

/// Applies what is missing; returns how many steps that was.
pub(super) fn migrate(tx: &mut dyn Tx, dialect: Dialect, now: Instant) -> Result<u32, MigrateError> {
    tx.lock("schema_migrations")?;
    tx.script(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, \
         checksum BIGINT NOT NULL, applied_at BIGINT NOT NULL)",
    )?;
    let applied = tx.query("SELECT version, checksum FROM schema_migrations ORDER BY version", &[])?;
    let known = MIGRATIONS.last().map_or(0, |m| m.version);
    if let Some(found) = applied.last().map(|row| row.int(0)).transpose()?
        && found > known
    {
        return Err(MigrateError::Newer { found, known });
    }
    let mut count = 0;
    for step in MIGRATIONS {
        let sql = match dialect {
            Dialect::Sqlite => step.sqlite,
            Dialect::Postgres => step.postgres,
        };
        let checksum = xxhash_rust::xxh3::xxh3_64(sql.as_bytes()).cast_signed();
        let mut before = None;
        for row in &applied {
            if row.int(0)? == step.version {
                before = Some(row.int(1)?);
            }
        }
        match before {
            Some(same) if same == checksum => continue,
            Some(_) => return Err(MigrateError::Changed { version: step.version }),
            None => {}
        }
        let failed = |cause| MigrateError::Step { version: step.version, name: step.name, cause };
        tx.script(sql).map_err(failed)?;
        tx.execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
            params![step.version, step.name, checksum, now],
        )?;
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn every_file_is_a_step_and_every_step_has_its_files_number() {
        let named: Vec<&str> = MIGRATIONS.iter().map(|step| step.name).collect();
        for dialect in ["sqlite", "postgres"] {
            let folder = format!("{}/migrations/{dialect}", env!("CARGO_MANIFEST_DIR"));
            let mut files: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .map(|file| file.trim_end_matches(".sql").to_owned())
                .collect();
            files.sort();
            assert_eq!(files, named, "{dialect}");
        }
        for step in MIGRATIONS {
            assert!(step.name.starts_with(&format!("{:04}_", step.version)), "{}", step.name);
        }
    }
}
