//! What people are told of every code: all of it in one snapshot that is read over, who acts and where, and that no mend leads astray.

use std::fmt::Write as _;

use super::codes::{
    AADSTS, DIAGNOSTICS, EWS, GRAPH, OAUTH, POLICIES, STATUSES, SUBERRORS, of_diagnostics, of_ews, of_graph,
    of_number, of_oauth, of_status, of_suberror,
};
use super::documentation::{class_in_words, retry_in_words};
use super::network::{NETWORK, of_network};
use super::*;
use Class::{Administrator, Configuration, Poison, SignIn, Transient};
use Retry::{AfterSignIn, Slow};
use Who::{EntraAdministrator, Nobody, Operator};

/// What a person reads of a fault, wherever that stands.
fn shown(fault: &Fault) -> String {
    let entry = fault.entry;
    let (class, retry) = (class_in_words(entry.class), retry_in_words(entry.retry));
    let mut text = format!("{}\n  {class}; tried again: {retry}; {}\n", fault.sentence(), entry.id);
    for (name, value) in [
        ("in Postroom", entry.here.map(|here| here.title().to_owned())),
        ("page", entry.page.map(|page| page.title().to_owned())),
        ("command", entry.command.map(str::to_owned)),
        ("link", fault.read_more().map(str::to_owned)),
    ] {
        if let Some(value) = value {
            let _ = writeln!(text, "  {name}: {value}");
        }
    }
    text
}

/// Promise: what a person reads of every code of the reference is what somebody has read over: the snapshot is part of a review.
#[test]
fn what_is_told_of_every_code_was_read_over() {
    let rows = AADSTS
        .iter()
        .map(|row| of_number(row.0))
        .chain(GRAPH.iter().map(|row| of_graph(row.0, row.1)))
        .chain(EWS.iter().map(|row| of_ews(row.0, row.1)))
        .chain(NETWORK.iter().map(|row| of_network(row.0)))
        .chain(OAUTH.iter().map(|row| of_oauth(row.0, row.1)))
        .chain(SUBERRORS.iter().map(|row| of_suberror(row.0)))
        .chain(DIAGNOSTICS.iter().map(|row| {
            let diagnostics = of_diagnostics(row.0, row.1, row.2);
            Fault::ews(&EwsAnswer { status: 401, diagnostics: Some(&diagnostics), ..Default::default() })
        }))
        .chain(POLICIES.iter().map(|row| {
            Fault::ews(&EwsAnswer { status: 403, policy_reason: Some(row.0), ..Default::default() })
        }))
        .chain(STATUSES.iter().map(|row| of_status(row.0, row.1)))
        .chain([
            Fault::graph(&GraphAnswer {
                status: 403,
                codes: &["ErrorAccessDenied"],
                message: "Access to OData is disabled.",
                ..Default::default()
            }),
            Fault::ews(&EwsAnswer { status: 302, ..Default::default() }),
            Fault::ews(&EwsAnswer { status: 404, ..Default::default() }),
        ]);
    let mut text = String::new();
    for fault in rows {
        let entry = fault.entry;
        assert!(!entry.mend.is_empty() && !entry.cause.is_empty(), "{}", entry.id);
        let link = fault.read_more();
        assert!(link.is_some_and(|link| link.starts_with("https://")), "{} has no link", entry.id);
        // Nobody is an owner where nothing has to be done.
        assert!(
            entry.who != Nobody || matches!(entry.class, Transient | Poison),
            "{} has no owner",
            entry.id
        );
        text.push_str(&shown(&fault));
    }
    insta::assert_snapshot!(text);
}

/// Promise: who must act outside of a sign-in is led to a page, Microsoft's or Postroom's own, or has a command to run.
#[test]
fn what_an_administrator_mends_names_a_page_or_a_command() {
    // These have neither: the next step is a link that Postroom makes itself, or lies outside Microsoft and Postroom.
    let elsewhere = [
        "entra.admin_consent",
        "entra.consent_refused",
        "entra.app_blocked",
        "graph.subscription_refused",
        "graph.subscription_unreachable",
        "graph.folder_exists",
    ];
    let of_microsoft = |entry: &&'static Entry| {
        [crate::entra::ALL, graph::ALL, crate::ews::ALL].into_iter().flatten().any(|one| one.id == entry.id)
    };
    let mends = |entry: &&'static Entry| match (entry.who, entry.class) {
        (EntraAdministrator, Administrator) => true,
        // A new sign-in has its button.
        (Operator, Configuration) => entry.retry != AfterSignIn,
        _ => false,
    };
    for entry in catalogue().filter(of_microsoft).filter(mends) {
        let named = entry.page.is_some() || entry.command.is_some() || entry.here.is_some();
        assert!(named || elsewhere.contains(&entry.id), "{} names neither page nor command", entry.id);
    }
    for id in ["graph.audience", "ews.audience", "graph.token_foreign", "entra.other_cloud", "entra.tenant"] {
        let entry = entry(id).expect("there");
        assert!(matches!(entry.here, Some(Here::Registration | Here::EwsAddress)), "{id}");
    }
}

/// Promise: a mend that sends people to a setting sends them to where it lives: a registration has its page, unless the settings own it.
#[test]
fn no_mend_takes_the_settings_for_the_only_place() {
    for entry in catalogue() {
        if entry.mend.contains("[microsoft]") {
            assert!(entry.mend.contains("app registration's page"), "{}: {}", entry.id, entry.mend);
            assert!(entry.mend.contains("if the settings own it"), "{}: {}", entry.id, entry.mend);
        }
        let names = ["login_url", "graph_url", "ews_url", "client_id"];
        assert!(!names.iter().any(|name| entry.mend.contains(name)), "{}: {}", entry.id, entry.mend);
    }
}

/// Promise: where the folder for handled mail is gone, nobody is told to remove a source that is read as before.
#[test]
fn a_folder_for_handled_mail_is_chosen_anew() {
    for code in ["ErrorFolderNotFound", "ErrorToFolderNotFound"] {
        let fault = of_ews(200, code);
        assert!(fault.entry.mend.contains("remove this source"), "{}", fault.sentence());
        let fault = fault.of_marking();
        assert_eq!(
            (fault.entry.id, fault.entry.here),
            ("graph.handled_folder_gone", Some(Here::HandledMail))
        );
        assert_eq!(fault.code, code);
        let text = fault.sentence();
        assert!(
            text.contains("choose another folder for handled mail") && !text.contains("remove"),
            "{text}"
        );
    }
    assert_eq!(of_ews(200, "ErrorAccessDenied").of_marking().entry.id, "graph.access_denied");
}

/// Promise: what an administrator can except an account from heals without a new sign-in, and says so.
#[test]
fn what_an_exception_clears_is_tried_again() {
    for number in [50_072, 50_076, 50_079, 50_097, 50_155, 50_158, 53_000, 53_001, 53_004, 530_003] {
        let entry = of_number(number).entry;
        assert_eq!((entry.class, entry.retry), (SignIn, Slow), "AADSTS{number}");
        assert!(entry.mend.contains("goes on by itself"), "AADSTS{number}: {}", entry.mend);
    }
}
