//! What is sealed stays unreadable, unmovable and unchangeable, and a wrong key is refused.

use proptest::prelude::*;

use super::*;
use crate::SystemClock;
use crate::testing::{TestDb, TestFolder};

fn here() -> Place {
    Place::new("account", "refresh_sealed", 1)
}

/// Promise: a sealed value opens in its place and nowhere else.
#[test]
fn what_is_moved_to_another_row_does_not_open() {
    let sealer = Sealer::ephemeral();
    let sealed = sealer.seal(&here(), b"secret");
    assert!(!sealed.windows(6).any(|window| window == b"secret"));
    assert_eq!(sealer.open(&here(), &sealed).expect("opens").as_slice(), b"secret");
    for there in [
        Place::new("account", "refresh_sealed", 2),
        Place::new("account", "access_sealed", 1),
        Place::new("source", "refresh_sealed", 1),
    ] {
        assert!(matches!(sealer.open(&there, &sealed), Err(SealError::Broken { .. })), "{there}");
    }
    assert!(matches!(Sealer::ephemeral().open(&here(), &sealed), Err(SealError::Broken { .. })));
}

/// Promise: two seals of the same value differ, so that equal secrets are not seen to be equal.
#[test]
fn equal_values_are_sealed_differently() {
    let sealer = Sealer::ephemeral();
    assert_ne!(sealer.seal(&here(), b"same"), sealer.seal(&here(), b"same"));
}

/// Promise: the debug forms of keys show nothing.
#[test]
fn keys_show_nothing() {
    let master =
        MasterKey::from_base64(&"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=".to_owned().into(), "test")
            .expect("32 bytes");
    let shown = format!("{master:?} {:?} {:?}", Sealer::ephemeral(), IdentityKey::from_bytes(b"1234"));
    assert!(!shown.contains("1234") && !shown.contains("MTIz") && !shown.contains("49, 50"), "{shown}");
}

/// Promise: parts of an identity cannot run into each other.
#[test]
fn parts_of_an_identity_are_kept_apart() {
    let key = IdentityKey::from_bytes(b"key");
    assert_ne!(key.hmac(&[b"ab", b"c"]), key.hmac(&[b"a", b"bc"]));
    assert_ne!(key.hmac(&[b"ab"]), key.hmac(&[b"ab", b""]));
    assert_eq!(key.hmac(&[b"ab"]), key.hmac(&[b"ab"]));
}

/// Promise: a first start makes the key file for its owner alone, a second reads the same key.
#[test]
fn the_key_file_is_private_and_lasting() {
    let folder = TestFolder::new();
    let path = folder.path().join("master.key");
    let first = MasterKey::load_or_create(&path, true).expect("made");
    let again = MasterKey::load_or_create(&path, true).expect("read");
    assert_eq!(first.bytes_for_tests(), again.bytes_for_tests());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |bits| std::fs::Permissions::from_mode(bits);
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, mode(0o644)).expect("own file");
        let refused = MasterKey::load_or_create(&path, true).expect_err("others can read it");
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
}

/// Promise: a missing key is never replaced where something is sealed already, and a spoiled one is refused in words.
#[test]
fn a_missing_or_spoiled_key_file_is_refused() {
    let folder = TestFolder::new();
    let path = folder.path().join("master.key");
    let missing = MasterKey::load_or_create(&path, false).expect_err("missing");
    assert!(missing.to_string().contains("put that file back"), "{missing}");
    assert!(!path.exists());
    for spoiled in ["", "not base64", "AAAA"] {
        let error =
            MasterKey::from_base64(&spoiled.to_owned().into(), "POSTROOM_MASTER_KEY").expect_err("spoiled");
        assert!(error.to_string().contains("POSTROOM_MASTER_KEY"), "{error}");
    }
}

/// Promise: keys survive a restart, and another master key is refused.
#[tokio::test]
async fn keys_are_kept_and_a_wrong_master_key_is_refused() {
    for test in TestDb::all().await {
        assert!(!Sealer::is_sealed(&test.db).await.expect("asked"));
        let master = MasterKey::ephemeral().expect("made");
        let (sealer, identity) = Sealer::load(&test.db, &master, &SystemClock).await.expect("made");
        let sealed = sealer.seal(&here(), b"secret");
        assert!(Sealer::is_sealed(&test.db).await.expect("asked"));

        let (again, same) = Sealer::load(&test.db, &master, &SystemClock).await.expect("opened");
        assert_eq!(again.open(&here(), &sealed).expect("opens").as_slice(), b"secret");
        assert_eq!(identity.hmac(&[b"mail"]), same.hmac(&[b"mail"]));

        let other = MasterKey::ephemeral().expect("made");
        let refused = Sealer::load(&test.db, &other, &SystemClock).await.expect_err("another key");
        assert!(matches!(refused, KeyError::Wrong { .. }), "{refused}");
    }
}

proptest! {
    /// Promise: no changed byte goes unseen, and no input makes opening panic.
    #[test]
    fn a_changed_value_never_opens(
        plain in prop::collection::vec(any::<u8>(), 0..80),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let sealer = Sealer::ephemeral();
        let mut sealed = sealer.seal(&here(), &plain);
        prop_assert_eq!(sealer.open(&here(), &sealed).expect("opens").to_vec(), plain);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(sealer.open(&here(), &sealed).is_err());
    }

    /// Promise: any bytes at all are refused in words.
    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        prop_assert!(Sealer::ephemeral().open(&here(), &bytes).is_err());
    }
}
