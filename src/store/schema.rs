//! The schema and its migrations: numbered SQL files, applied in order, each in a transaction together with the
//! version it brings the database to (`user_version`). A database from a later stemsync is refused, because an older
//! one would not understand what it must not destroy.

use rusqlite::Connection;

use super::{Fault, StoreError};

/// Migration `n` (from 1) brings the schema from version `n - 1` to `n`.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_unread_items.sql"),
    include_str!("migrations/0003_prebook_headers.sql"),
    include_str!("migrations/0004_notices.sql"),
    include_str!("migrations/0005_budget.sql"),
    include_str!("migrations/0006_order_counts.sql"),
    include_str!("migrations/0007_order_search.sql"),
    include_str!("migrations/0008_number_search.sql"),
    include_str!("migrations/0009_doubtful_dates.sql"),
    include_str!("migrations/0010_pos_to_look_for.sql"),
    include_str!("migrations/0011_read_in_vain.sql"),
    include_str!("migrations/0012_spent_limit.sql"),
    include_str!("migrations/0013_pos_in_vain.sql"),
];

/// The schema version this binary writes.
#[allow(clippy::cast_possible_wrap, reason = "the number of migration files")]
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// The database's schema version; 0 for an empty file.
pub(super) fn version(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// The bytes that the database takes, what was written and not yet moved into its file left out.
pub fn size(conn: &Connection) -> Result<i64, StoreError> {
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(pragma("page_count")? * pragma("page_size")?)
}

/// Brings the database up to [`VERSION`].
pub(super) fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    apply(conn, MIGRATIONS)
}

fn apply(conn: &mut Connection, migrations: &[&'static str]) -> Result<(), StoreError> {
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    loop {
        let found = version(conn)?;
        if found == known {
            return Ok(());
        }
        // Asked again inside the transaction: another process may be migrating the same file.
        let transaction = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let found = version(&transaction)?;
        if found > known {
            return Err(Fault::Newer { found, known }.into());
        }
        if let Some(sql) = usize::try_from(found).ok().and_then(|next| migrations.get(next)) {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", found + 1)?;
        }
        transaction.commit()?;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let mut conn = Connection::open_in_memory().unwrap();
        let broken = ["CREATE TABLE first (a INTEGER)", "CREATE TABLE second (a INTEGER); CREATE NONSENSE"];
        assert!(apply(&mut conn, &broken).is_err());
        assert_eq!(version(&conn).unwrap(), 1);
        assert!(!conn.table_exists(None, "second").unwrap());
    }

    #[test]
    fn migrations_go_on_where_the_database_stands() {
        let mut conn = Connection::open_in_memory().unwrap();
        apply(&mut conn, &["CREATE TABLE first (a INTEGER)"]).unwrap();
        apply(&mut conn, &["this one is done", "CREATE TABLE second (a INTEGER)"]).unwrap();
        assert_eq!(version(&conn).unwrap(), 2);
        assert!(conn.table_exists(None, "second").unwrap());
    }
}
