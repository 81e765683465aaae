//! Every SQL statement of the whole program is accepted by both databases.

// Named, so that the statements of all crates below it are linked in.
use postroom as _;

use store::testing::{TestDb, refused_statements};
use store::{Kind, Registration};

/// Promise: a statement that one of the databases would refuse at run time does not get past the tests.
#[tokio::test]
async fn statements_prepare() {
    // A linker that dropped the registrations would make this test pass for nothing.
    let places: Vec<String> = Registration::all()
        .flat_map(|registered| registered.texts(Kind::Sqlite))
        .map(|(place, _)| place)
        .collect();
    for part in ["crates/store/src/", "crates/ledger/src/", "crates/postroom/src/"] {
        assert!(places.iter().any(|place| place.contains(part)), "no statement of {part} in {places:?}");
    }
    for test in TestDb::all().await {
        let refused = refused_statements(&test.db).await.expect("asked");
        assert!(refused.is_empty(), "{}", refused.join("\n"));
    }
}
