//! The buttons beside a fault, on the lists and the pages of sources and outbounds, on every database.

use fault::{EntraError, Fault, Place};
use store::{Db, args, sql};
use uuid::Uuid;

use super::store::outbounds::{self, NewOutbound};
use super::testing::{Connected, Office};
use crate::web::testing::Browser;

struct Both {
    office: Office,
    connected: Connected,
    outbound: Uuid,
    registration: Uuid,
}

impl Both {
    /// A source and an outbound of the same account.
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for office in Office::all().await {
            let connected = office.connect().await;
            let db = &office.console.shell.db;
            let outbound = Uuid::now_v7();
            let new = NewOutbound {
                id: outbound,
                workspace: office.workspace(),
                account: connected.account,
                mailbox: connected.mailbox,
                connection_type: "graph",
                ews_url: String::new(),
                from_name: String::new(),
                now: office.now(),
            };
            let mut tx = db.begin().await.unwrap();
            assert!(outbounds::insert(&mut tx, &new).await.unwrap());
            tx.commit().await.unwrap();
            let (registration,): (Uuid,) = db
                .fetch_one(
                    sql!("SELECT app_registration_id FROM account WHERE id = $1"),
                    args![connected.account],
                )
                .await
                .unwrap();
            all.push(Self { office, connected, outbound, registration });
        }
        all
    }

    fn db(&self) -> &Db {
        &self.office.console.shell.db
    }

    /// Both are reached so.
    async fn reach(&self, over: &str, ews_url: &str) {
        for statement in [
            sql!("UPDATE source SET connection_type = $1, ews_url = $2"),
            sql!("UPDATE outbound SET connection_type = $1, ews_url = $2"),
        ] {
            self.db().execute(statement, args![over, ews_url]).await.unwrap();
        }
    }

    /// Their account fails of it.
    async fn fail(&self, fault: &Fault) {
        let record = serde_json::to_string(&fault.to_record()).unwrap();
        self.db()
            .execute(
                sql!("UPDATE account SET state = 'offline', fault = $1 WHERE id = $2"),
                args![record, self.connected.account],
            )
            .await
            .unwrap();
    }

    /// The lists and the pages, of the source first.
    async fn pages(&self, owner: &mut Browser<'_>) -> [(&'static str, Vec<String>); 2] {
        let (source, outbound) = (self.connected.source, self.outbound);
        let mut of = async |list: &str, id: Uuid| {
            vec![owner.get(list).await.body, owner.get(&format!("{list}/{id}")).await.body]
        };
        [("/sources", of("/sources", source).await), ("/outbounds", of("/outbounds", outbound).await)]
    }

    fn id(&self, list: &str) -> Uuid {
        if list == "/sources" { self.connected.source } else { self.outbound }
    }
}

const SIGN_IN: &str = ">Sign in again<";
const TRY_NOW: &str = ">Try now<";

/// Promise: what an administrator can clear without a new sign-in has both buttons, to sign in and to try now; an ended grant has the
/// first alone, for nothing is asked for before.
#[tokio::test]
async fn what_clears_either_way_has_both_buttons() {
    for both in Box::pin(Both::all()).await {
        let mut owner = both.office.console.owner().await;
        for (entry, sign_in, try_now) in [
            ("entra.device", true, true),
            ("entra.device_authentication", true, true),
            ("entra.mfa_required", true, true),
            ("entra.mfa_elsewhere", true, true),
            ("entra.mfa_enrolment", true, true),
            ("entra.grant_revoked", true, false),
            ("entra.device_deleted", true, false),
            ("entra.conditional_access", false, true),
        ] {
            both.fail(&Fault::own(entry, "")).await;
            for (list, pages) in both.pages(&mut owner).await {
                for page in pages {
                    let id = both.id(list);
                    assert_eq!(page.contains(SIGN_IN), sign_in, "{entry} {list}: {page}");
                    assert_eq!(page.contains(TRY_NOW), try_now, "{entry} {list}: {page}");
                    assert_eq!(page.contains(&format!("{list}/{id}/try-now")), try_now, "{entry} {list}");
                }
            }
        }
    }
}

/// Promise: what is mended on the app registration has the button that leads there; an address of EWS that is the connection's own leads
/// to the form that makes it anew, and a folder that is gone to the form for another one.
#[tokio::test]
async fn what_postroom_mends_itself_has_its_page() {
    let own = "https://mail.contoso.test/EWS/Exchange.asmx";
    for both in Box::pin(Both::all()).await {
        let mut owner = both.office.console.owner().await;
        let registration = format!("href=\"/registrations/{}\"", both.registration);
        let account = both.connected.account;
        let create = format!("/create-ews?account={account}\"");
        let folder = format!("/sources/new?account={account}");
        for (entry, over, ews_url, source, outbound) in [
            ("entra.tenant", "graph", "", registration.as_str(), registration.as_str()),
            ("entra.client_id", "graph", "", &registration, &registration),
            ("entra.secret_expired", "graph", "", &registration, &registration),
            ("graph.audience", "graph", "", &registration, &registration),
            ("ews.audience", "ews", "", &registration, &registration),
            ("ews.not_there", "ews", own, &create, &create),
            ("ews.redirected", "ews", own, &create, &create),
            ("graph.folder_gone", "graph", "", &folder, TRY_NOW),
        ] {
            both.reach(over, ews_url).await;
            both.fail(&Fault::own(entry, "")).await;
            for (list, pages) in both.pages(&mut owner).await {
                let wanted = if list == "/sources" { source } else { outbound };
                for page in pages {
                    assert!(page.contains(wanted), "{entry} {list}: {wanted} is missing: {page}");
                    assert!(page.contains(TRY_NOW), "{entry} {list}: {page}");
                    assert!(!page.contains("Set [microsoft]"), "{entry} {list}: {page}");
                }
            }
        }
    }
}

/// Promise: a password that has expired has the link to Microsoft's page where it is changed, and no link that leads anywhere else.
#[tokio::test]
async fn an_expired_password_is_changed_at_microsoft() {
    for both in Box::pin(Both::all()).await {
        let mut owner = both.office.console.owner().await;
        let expired = |url: &str| {
            Fault::entra(&EntraError {
                status: 400,
                error: "invalid_grant".to_owned(),
                error_codes: vec![50_055],
                password_change_url: Some(url.to_owned()),
                ..EntraError::default()
            })
            .at(&Place::default())
        };
        for (url, shown) in [
            ("https://portal.microsoftonline.com/ChangePassword.aspx", true),
            ("https://portal.contoso.test/ChangePassword.aspx", false),
        ] {
            both.fail(&expired(url)).await;
            for (list, pages) in both.pages(&mut owner).await {
                for page in pages {
                    assert_eq!(page.contains(">Change the password<"), shown, "{url} {list}: {page}");
                    assert_eq!(page.contains(&format!("href=\"{url}\"")), shown, "{url} {list}");
                    assert!(page.contains(SIGN_IN), "{list}");
                }
            }
        }
    }
}
