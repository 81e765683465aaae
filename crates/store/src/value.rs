//! Arguments of a statement, alike for both databases.

use jiff::Timestamp;
use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

/// One argument. `None` is NULL of that type (PostgreSQL wants to know the type of a NULL).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// BIGINT; times are microseconds since 1970.
    Int(Option<i64>),
    /// TEXT.
    Text(Option<String>),
    /// BYTEA or BLOB.
    Bytes(Option<Vec<u8>>),
    /// UUID or BLOB.
    Uuid(Option<Uuid>),
    /// BOOLEAN or INTEGER.
    Bool(Option<bool>),
}

/// Something that can be an argument.
pub trait IntoValue {
    /// As an argument.
    fn into_value(self) -> Value;
}

macro_rules! into_value {
    ($($from:ty => $variant:ident, |$value:ident| $convert:expr;)*) => {$(
        impl IntoValue for $from {
            fn into_value(self) -> Value {
                let $value = self;
                Value::$variant(Some($convert))
            }
        }
        impl IntoValue for Option<$from> {
            fn into_value(self) -> Value {
                Value::$variant(self.map(|$value| $convert))
            }
        }
    )*};
}

into_value! {
    i64 => Int, |v| v;
    i32 => Int, |v| i64::from(v);
    u32 => Int, |v| i64::from(v);
    Timestamp => Int, |v| v.as_microsecond();
    String => Text, |v| v;
    &str => Text, |v| v.to_owned();
    &String => Text, |v| v.clone();
    Vec<u8> => Bytes, |v| v;
    &[u8] => Bytes, |v| v.to_vec();
    Uuid => Uuid, |v| v;
    bool => Bool, |v| v;
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

/// The arguments of one statement.
pub type Args = Vec<Value>;

/// Arguments of a statement, in the order of `$1`, `$2` …
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::IntoValue::into_value($value)),*] };
}

pub(crate) fn sqlite(values: Args) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Int(v) => arguments.add(v),
            Value::Text(v) => arguments.add(v),
            Value::Bytes(v) => arguments.add(v),
            Value::Uuid(v) => arguments.add(v),
            Value::Bool(v) => arguments.add(v),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

pub(crate) fn postgres(values: Args) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Int(v) => arguments.add(v),
            Value::Text(v) => arguments.add(v),
            Value::Bytes(v) => arguments.add(v),
            Value::Uuid(v) => arguments.add(v),
            Value::Bool(v) => arguments.add(v),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
