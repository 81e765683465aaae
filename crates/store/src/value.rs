//! Values bound to a statement: owned, typed also when absent, the same for both databases.

use jiff::Timestamp;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::types::Uuid;
use sqlx::{Arguments, Postgres, Sqlite};

/// One value for one parameter. The kind is known even when the value is absent, because PostgreSQL types a NULL.
#[derive(Clone)]
pub enum Value {
    /// A whole number; also a time in microseconds.
    Integer(Option<i64>),
    /// A flag: INTEGER in SQLite, BOOLEAN in PostgreSQL.
    Flag(Option<bool>),
    /// A floating-point number.
    Real(Option<f64>),
    /// Text.
    Text(Option<String>),
    /// Bytes: BLOB, BYTEA.
    Bytes(Option<Vec<u8>>),
    /// An id: BLOB of 16 bytes in SQLite, UUID in PostgreSQL.
    Uuid(Option<Uuid>),
    /// A document: TEXT in SQLite, JSONB in PostgreSQL.
    Json(Option<serde_json::Value>),
}

impl std::fmt::Debug for Value {
    /// Names the kind only: what is bound may be a secret or somebody's mail.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Integer(_) => "Integer",
            Self::Flag(_) => "Flag",
            Self::Real(_) => "Real",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
            Self::Uuid(_) => "Uuid",
            Self::Json(_) => "Json",
        })
    }
}

/// What can be bound to a parameter.
pub trait IntoValue {
    /// The value, owned.
    fn into_value(self) -> Value;
    /// The absent value of the same kind.
    fn absent() -> Value;
}

macro_rules! into_value {
    ($($type:ty => $variant:ident($value:ident => $convert:expr)),+ $(,)?) => {$(
        impl IntoValue for $type {
            fn into_value(self) -> Value {
                let $value = self;
                Value::$variant(Some($convert))
            }
            fn absent() -> Value {
                Value::$variant(None)
            }
        }
    )+};
}

into_value! {
    i64 => Integer(value => value),
    i32 => Integer(value => i64::from(value)),
    u32 => Integer(value => i64::from(value)),
    u16 => Integer(value => i64::from(value)),
    bool => Flag(value => value),
    f64 => Real(value => value),
    &str => Text(value => value.to_owned()),
    String => Text(value => value),
    &String => Text(value => value.clone()),
    std::borrow::Cow<'_, str> => Text(value => value.into_owned()),
    Vec<u8> => Bytes(value => value),
    &Vec<u8> => Bytes(value => value.clone()),
    &[u8] => Bytes(value => value.to_vec()),
    Uuid => Uuid(value => value),
    &Uuid => Uuid(value => *value),
    serde_json::Value => Json(value => value),
    Timestamp => Integer(value => value.as_microsecond()),
}

impl<const N: usize> IntoValue for [u8; N] {
    fn into_value(self) -> Value {
        Value::Bytes(Some(self.to_vec()))
    }
    fn absent() -> Value {
        Value::Bytes(None)
    }
}

impl<const N: usize> IntoValue for &[u8; N] {
    fn into_value(self) -> Value {
        Value::Bytes(Some(self.to_vec()))
    }
    fn absent() -> Value {
        Value::Bytes(None)
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or_else(T::absent, T::into_value)
    }
    fn absent() -> Value {
        T::absent()
    }
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
    fn absent() -> Value {
        Value::Text(None)
    }
}

/// The values of one statement, in the order of `$1`, `$2`, …; made with [`args!`](crate::args).
#[derive(Clone, Debug, Default)]
pub struct Args(pub(crate) Vec<Value>);

impl Args {
    /// The values as given.
    pub fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// Adds one more value at the end.
    pub fn push(&mut self, value: impl IntoValue) {
        self.0.push(value.into_value());
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The arguments of a statement: `args![id, name, Some(at)]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        $crate::Args::new(::std::vec![$($crate::IntoValue::into_value($value)),*])
    };
}

/// Binds `values` for SQLite.
pub(crate) fn for_sqlite(
    values: impl ExactSizeIterator<Item = Value>,
) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    Arguments::reserve(&mut arguments, values.len(), 0);
    for value in values {
        bind::<Sqlite, _>(&mut arguments, value)?;
    }
    Ok(arguments)
}

/// Binds `values` for PostgreSQL.
pub(crate) fn for_postgres(values: impl ExactSizeIterator<Item = Value>) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    Arguments::reserve(&mut arguments, values.len(), 0);
    for value in values {
        bind::<Postgres, _>(&mut arguments, value)?;
    }
    Ok(arguments)
}

/// Adds one value to the arguments of either database.
fn bind<D, A>(arguments: &mut A, value: Value) -> Result<(), sqlx::Error>
where
    D: sqlx::Database<Arguments = A>,
    A: Arguments<Database = D>,
    Option<i64>: sqlx::Encode<'static, D> + sqlx::Type<D>,
    Option<bool>: sqlx::Encode<'static, D> + sqlx::Type<D>,
    Option<f64>: sqlx::Encode<'static, D> + sqlx::Type<D>,
    Option<String>: sqlx::Encode<'static, D> + sqlx::Type<D>,
    Option<Vec<u8>>: sqlx::Encode<'static, D> + sqlx::Type<D>,
    Option<Uuid>: sqlx::Encode<'static, D> + sqlx::Type<D>,
    Option<serde_json::Value>: sqlx::Encode<'static, D> + sqlx::Type<D>,
{
    match value {
        Value::Integer(value) => arguments.add(value),
        Value::Flag(value) => arguments.add(value),
        Value::Real(value) => arguments.add(value),
        Value::Text(value) => arguments.add(value),
        Value::Bytes(value) => arguments.add(value),
        Value::Uuid(value) => arguments.add(value),
        Value::Json(value) => arguments.add(value),
    }
    .map_err(sqlx::Error::Encode)
}
