//! Defaults that are whole, layers that win in their order, and faults that can be mended by who reads them.

use std::path::Path;

use proptest::prelude::*;
use store::testing::TestFolder;

use super::settings::SETTINGS;
use super::*;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = TestFolder::new();
    let file = folder.path().join("postroom.toml");
    std::fs::write(&file, text).expect("written");
    Config::load(Some(&file), &Environment::of(variables.iter().copied()))
}

/// What an operator reads, without the folder of the test.
fn told(text: &str, variables: &[(&str, &str)]) -> String {
    let folder = TestFolder::new();
    let file = folder.path().join("postroom.toml");
    std::fs::write(&file, text).expect("written");
    let error = Config::load(Some(&file), &Environment::of(variables.iter().copied())).expect_err("a fault");
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

/// Promise: the default file names every setting and no other, and is taken without a fault.
#[test]
fn the_default_file_is_the_defaults() {
    let mut known: Vec<String> = SETTINGS.iter().map(|setting| setting.key.to_owned()).collect();
    let mut written = layers::default_keys();
    known.sort();
    written.sort();
    assert_eq!(known, written);
    let loaded = load(DEFAULTS, &[]).expect("the defaults are good");
    assert_eq!(loaded.server.listen.to_string(), "127.0.0.1:8070");
    assert_eq!(loaded.inbound.poll_interval, Duration::from_secs(10));
    assert!(loaded.inbound.push);
    assert_eq!(loaded.inbound.quarantine, Duration::from_mins(2));
    assert_eq!(Config::defaults().data_folder, Path::new("postroom-data"));
    assert!(loaded.warnings.is_empty());
}

/// Promise: no two settings share a variable.
#[test]
fn variables_are_distinct() {
    let mut names: Vec<String> = SETTINGS.iter().map(|setting| setting.key.replace('.', "_")).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

/// Promise: a variable wins over the file, the file over the defaults.
#[test]
fn layers_win_in_their_order() {
    let config = load(
        "data_folder = \"data\"\n[server]\nlisten = \"127.0.0.1:1\"\n[inbound]\nworkers = 3\n",
        &[("POSTROOM_SERVER_LISTEN", "127.0.0.1:2"), ("POSTROOM_SERVER_TRUSTED_PROXY", "10.0.0.1, fd00::/8")],
    )
    .expect("good");
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!(config.inbound.workers, 3);
    assert!(config.data_folder.is_absolute() && config.data_folder.ends_with("data"));
    assert_eq!(config.server.trusted_proxy.len(), 2);
}

/// Promise: a fault names file, line, column, key and the mend.
#[test]
fn faults_name_place_key_and_mend() {
    insta::assert_snapshot!(told("[server]\n  listne = \"127.0.0.1:1\"\n", &[]),
        @"postroom.toml, line 2, column 3: server.listne: there is no such setting; the nearest is server.listen");
    insta::assert_snapshot!(told("[server]\nlisten = \"here\"\n", &[]),
        @r#"postroom.toml, line 2, column 10: server.listen: "here" is not an address with a port; write for example "127.0.0.1:8070" or "[::]:8070""#);
    insta::assert_snapshot!(told("[srever]\nlisten = \"127.0.0.1:1\"\n", &[]),
        @"postroom.toml, line 1, column 2: [srever]: there is no such section; the nearest is [server]");
    insta::assert_snapshot!(told("[inbound]\nworkers = \"many\"\npoll_interval = 10\n", &[]), @r#"
    postroom.toml, line 2, column 11: inbound.workers: it is a text, not a whole number; write a number without quotation marks
    postroom.toml, line 3, column 17: inbound.poll_interval: it is a number, not a time with its unit; write a time such as "90s" or "2m", from 1s to 24h
    "#);
    insta::assert_snapshot!(told("listen = \"127.0.0.1:1\"\n", &[]),
        @"postroom.toml, line 1, column 1: listen: there is no such setting; the nearest is server.listen");
    insta::assert_snapshot!(told("", &[("POSTROOM_JIRA_API_VERSION", "4")]),
        @"variable POSTROOM_JIRA_API_VERSION: jira.api_version: 4 is not a version; write 3 for Cloud, 2 for Data Center");
}

/// Promise: a line that is no TOML is told with its place.
#[test]
fn broken_toml_is_told_with_its_place() {
    let told = told("[server]\nlisten = 127.0.0.1:1\n", &[]);
    assert!(told.starts_with("postroom.toml, line 2, column "), "{told}");
    let missing =
        Config::load(Some(Path::new("/no/such.toml")), &Environment::default()).expect_err("missing");
    assert_eq!(
        missing.to_string(),
        "/no/such.toml: there is no such file; name the settings file with --config, or leave it out"
    );
}

/// Promise: what only settings together tell is told too.
#[test]
fn settings_are_judged_together() {
    insta::assert_snapshot!(told("[server]\nlisten = \"0.0.0.0:80\"\n", &[]),
        @"postroom.toml: server.public_url: it is missing while server.listen is 0.0.0.0:80; write the https address that browsers use, or listen on 127.0.0.1");
    insta::assert_snapshot!(told("[server]\npublic_url = \"http://postroom.example.com\"\n", &[]),
        @"postroom.toml, line 2, column 14: server.public_url: plain http is for loopback only: sessions would travel readable; write https, with a reverse proxy in front or tls_cert and tls_key set");
    insta::assert_snapshot!(told("[inbound]\nquarantine = \"2s\"\n", &[]),
        @"postroom.toml, line 2, column 14: inbound.quarantine: 2s is less than request_timeout (30s): a write could still be under way when its trace is looked for; write a longer time, or shorten request_timeout");
    insta::assert_snapshot!(told("[server]\ntls_cert = \"c.pem\"\n[jira]\nbase_url = \"https://j.example\"\nuser = \"u\"\n", &[]), @"
    postroom.toml: server.tls_key: it is missing beside tls_cert; name the private key's file too
    postroom.toml: jira.token: it is missing beside the other Jira settings; set it too, or none of them
    ");
}

/// Promise: a quarantine that is enough for one node only is said to be.
#[test]
fn a_short_quarantine_is_told() {
    let config = load("[inbound]\nquarantine = \"40s\"\n", &[]).expect("good for one node");
    assert!(
        config.warnings.iter().any(|warning| warning.contains("not for several")),
        "{:?}",
        config.warnings
    );
}

/// Promise: the secret's last day is read as a day, and what is none is refused with how it is written.
#[test]
fn the_last_day_of_the_secret_is_a_day() {
    let day = |text: &str| format!("[microsoft]\nclient_secret_expires = {text}\n");
    let read = load(&day("\"2027-03-31\""), &[]).expect("good").microsoft.client_secret_expires;
    assert_eq!(read.map(|day| day.to_string()).as_deref(), Some("2027-03-31"));
    assert_eq!(Config::defaults().microsoft.client_secret_expires, None);
    for wrong in ["\"31.3.2027\"", "\"2027-02-30\"", "2027-03-31", "7"] {
        let told = told(&day(wrong), &[]);
        assert!(
            told.contains("microsoft.client_secret_expires") && told.contains("quotation marks"),
            "{told}"
        );
    }
}

/// Promise: secrets come from files too, and are in no message and no debug form.
#[test]
fn secrets_come_from_files_and_stay_secret() {
    let folder = TestFolder::new();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "canary-1\n").expect("written");
    let path = secret.display().to_string();
    let config = load(
        &format!("[microsoft]\nclient_secret_file = \"{path}\"\n"),
        &[("POSTROOM_DATABASE_URL", "postgres://u:canary-2@h/d"), ("POSTROOM_MASTER_KEY", "canary-3")],
    )
    .expect("good");
    assert_eq!(config.microsoft.client_secret.as_ref().map(ExposeSecret::expose_secret), Some("canary-1"));
    assert!(matches!(config.store_url(), StoreUrl::Postgres(_)));
    assert!(!format!("{config:?} {:?}", config.store_url()).contains("canary"), "{config:?}");

    for (name, value) in [
        ("POSTROOM_DATABASE_URL", "mysql://u:canary@h/d"),
        ("POSTROOM_JIRA_BASE_URL", "https://u:canary@jira.example"),
        ("POSTROOM_JIRA_BASE_URL", "canary"),
    ] {
        let told = told("", &[(name, value)]);
        assert!(told.contains(name) && !told.contains("canary"), "{told}");
    }
    let told = told("", &[("POSTROOM_MICROSOFT_CLIENT_SECRET_FILE", "/no/such/file")]);
    assert!(told.contains("/no/such/file cannot be read"), "{told}");
}

/// Promise: a variable that was mistyped is told, and stops nothing.
#[test]
fn a_mistyped_variable_is_told() {
    let config = load("", &[("POSTROOM_SERVER_LISEN", "x"), ("POSTROOM_FAILPOINTS", "x")]).expect("good");
    assert_eq!(
        config.warnings,
        [
            "variable POSTROOM_SERVER_LISEN is no setting and is not used; POSTROOM_SERVER_LISTEN is the nearest"
        ]
    );
}

/// Promise: without the setting, the public address is the listening one, by a name that Microsoft lets return to.
#[test]
fn the_public_address_follows_from_listening() {
    let config = load("", &[]).expect("good");
    let bound = "127.0.0.1:4711".parse().expect("an address");
    assert_eq!(config.public_url(bound).as_str(), "http://localhost:4711/");
    let config = load("[server]\npublic_url = \"https://p.example\"\n", &[]).expect("good");
    assert_eq!(config.public_url(bound).as_str(), "https://p.example/");
}

/// Promise: a proxy is known by its network and by nothing else.
#[test]
fn networks_contain_their_addresses() {
    let contains = |network: &str, address: &str| {
        network.parse::<Network>().expect("a network").contains(address.parse().expect("an address"))
    };
    assert!(contains("10.0.0.5", "10.0.0.5"));
    assert!(!contains("10.0.0.5", "10.0.0.6"));
    assert!(contains("10.0.0.0/8", "10.9.8.7"));
    assert!(contains("10.0.0.0/8", "::ffff:10.9.8.7"));
    assert!(contains("0.0.0.0/0", "1.2.3.4"));
    assert!(!contains("0.0.0.0/0", "::1"));
    assert!(contains("fd00::/8", "fd12::1"));
    assert!(!contains("fd00::/8", "fe80::1"));
    assert!("10.0.0.0/33".parse::<Network>().is_err() && "x".parse::<Network>().is_err());
}

proptest! {
    /// Promise: no file makes reading the settings panic.
    #[test]
    fn any_file_is_read_or_refused(text in "\\PC{0,60}|([a-z_\\[\\]\\.=\" \n0-9']{0,80})") {
        let _ = load(&text, &[]);
    }
}
