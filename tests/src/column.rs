//! What is tested of a column type.

use sea_orm::{ColumnType, ConnectionTrait, DbBackend, DbErr};

/// A column type: the values to try, and how a backend may change them.
#[derive(Clone)]
pub struct Column<T> {
    /// Two different values that every backend stores as they are.
    pub plain: [T; 2],
    /// The values to try.
    pub hostile: Vec<T>,
    /// Whether a value that was read is the one that was written, as nearly as
    /// the column can hold it.
    pub near: fn(&T, &T) -> bool,
    /// The types that the column is declared as, besides the entity's own.
    pub declared: fn(DbBackend) -> &'static [&'static str],
    /// The backends that have no such type, and why.
    pub missing: &'static [(DbBackend, &'static str)],
    /// Why it is never NULL, where it cannot be.
    pub not_null: Option<&'static str>,
    /// The nearest other value that the column stores, where one of the plain
    /// values would be a greater change.
    pub step: fn(&T, Place) -> Option<T>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The backend.
    pub backend: DbBackend,
    /// Its type, where it is not the entity's own.
    pub declared: Option<&'static str>,
}

impl Place {
    /// The last of the numbers in the declared type.
    pub fn digits(self) -> Option<u32> {
        let (_, arguments) = self.declared?.trim_end_matches(')').split_once('(')?;
        arguments.rsplit(',').next()?.trim().parse().ok()
    }
}

impl<T: PartialEq> Column<T> {
    /// A type whose values come back as they are.
    pub fn new(plain: [T; 2], hostile: impl Into<Vec<T>>) -> Self {
        Self {
            plain,
            hostile: hostile.into(),
            near: T::eq,
            declared: |_| &[],
            missing: &[],
            not_null: None,
            step: |_, _| None,
        }
    }

    /// How to get from a value to the nearest one that is stored as another.
    #[must_use]
    pub fn step(mut self, step: fn(&T, Place) -> Option<T>) -> Self {
        self.step = step;
        self
    }

    /// A type whose values come back changed.
    pub fn near(mut self, near: fn(&T, &T) -> bool) -> Self {
        self.near = near;
        self
    }

    /// Columns that are declared as other types than the entity says.
    pub fn declared(mut self, declared: fn(DbBackend) -> &'static [&'static str]) -> Self {
        self.declared = declared;
        self
    }

    /// Backends that do not have the type.
    pub fn missing(mut self, missing: &'static [(DbBackend, &'static str)]) -> Self {
        self.missing = missing;
        self
    }

    /// A type of which NULL cannot be tested.
    pub fn not_null(mut self, reason: &'static str) -> Self {
        self.not_null = Some(reason);
        self
    }
}

/// Arrays are for PostgreSQL.
pub const NO_ARRAYS: &[(DbBackend, &str)] =
    &[(DbBackend::Sqlite, "no arrays"), (DbBackend::MySql, "no arrays")];

/// Creates what PostgreSQL has to have before a column can be of a type: the
/// type of an enum, a domain, a collation, an extension.
///
/// # Errors
///
/// Those of the database, as where the server does not have the extension.
pub async fn create_type<C: ConnectionTrait>(
    db: &C,
    column_type: &ColumnType,
) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let statement = match column_type {
        ColumnType::Array(element) => return Box::pin(create_type(db, element)).await,
        ColumnType::Enum { name, variants } => {
            let variants = variants.iter().map(|name| name.to_string().replace('\'', "''"));
            let variants = variants.collect::<Vec<_>>().join("', '");
            format!("CREATE TYPE \"{name}\" AS ENUM ('{variants}')")
        }
        ColumnType::Vector(_) => "CREATE EXTENSION vector".to_owned(),
        ColumnType::Custom(declared) => match declared.to_string().as_str() {
            "citext" => "CREATE EXTENSION citext".to_owned(),
            "price" => "CREATE DOMAIN cents AS numeric(12, 2); CREATE DOMAIN price AS cents".into(),
            "code" => "CREATE DOMAIN code AS char(3)".to_owned(),
            declared if declared.ends_with("COLLATE without_case") => {
                "CREATE COLLATION without_case \
                 (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
                    .to_owned()
            }
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    db.execute_unprepared(&statement).await.map(drop)
}
