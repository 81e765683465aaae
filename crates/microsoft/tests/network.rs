//! What goes wrong on the way, with real sockets: each is told as what it is.
#![allow(missing_docs, reason = "a test")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fault::{Class, Fault};
use futures::future::BoxFuture;
use microsoft::graph::{GraphMailbox, User};
use microsoft::{AccessTokens, Budget, Mailbox};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

struct Token;

impl AccessTokens for Token {
    fn get(&self) -> BoxFuture<'_, Result<SecretString, Fault>> {
        Box::pin(async { Ok(SecretString::from("token".to_owned())) })
    }

    fn refused(&self, _: &SecretString) -> BoxFuture<'_, Result<SecretString, Fault>> {
        self.get()
    }
}

/// The fault of a mailbox that is asked for its Inbox there.
async fn asked(address: &str, timeout: Duration) -> Fault {
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client");
    let url: Url = address.parse().expect("an address");
    let mailbox = GraphMailbox::new(http, url, User::Me, Arc::new(Token), Arc::new(Budget::graph()), timeout);
    mailbox.folder("inbox").await.expect_err("a fault")
}

/// A port whose connections are given to `answer`, one by one.
async fn port<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer(stream).await;
        }
    });
    address
}

/// Takes the beginning of what comes, and hangs up.
async fn hang_up(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1_024]).await;
}

/// Promises more than it sends.
async fn half(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 4_096]).await;
    let begun = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"id\":";
    let _ = stream.write_all(begun.as_bytes()).await;
}

/// A port where nobody listens.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("bound")
}

/// A server of https that has vouched for itself.
async fn self_signed() -> sim::Sim {
    let folder = std::env::temp_dir().join(format!("postroom-network-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).expect("a folder");
    let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, own.cert.pem()).expect("written");
    std::fs::write(&key, own.signing_key.serialize_pem()).expect("written");
    let tls = Some((certificate, key));
    let sim = sim::Sim::start(sim::Config { tls, ..sim::Config::default() }).await.expect("a simulator");
    std::fs::remove_dir_all(&folder).expect("removed");
    sim
}

/// Promise: a port that refuses, a name that nobody knows, a certificate that nobody vouches for, a handshake that breaks off, an answer
/// that does not come and one that is cut off are six faults, of which only the certificate needs a person at once.
#[tokio::test]
async fn each_failure_on_the_way_is_told_as_what_it_is() {
    const LONG: Duration = Duration::from_secs(20);
    let sim = self_signed().await;
    let certificate = sim.ready().graph.clone();
    assert!(certificate.starts_with("https://"), "{certificate}");
    let refused = format!("http://{}", nobody().await);
    // A label of more than 63 letters is no name: no server has to be asked for that.
    let unknown = format!("http://{}.invalid", "x".repeat(70));
    let broken = format!("https://{}", port(hang_up).await);
    let cut = format!("http://{}", port(half).await);
    let silent = port(|stream| async move {
        tokio::spawn(async move {
            let _kept = stream;
            std::future::pending::<()>().await;
        });
    })
    .await;
    let silent = format!("http://{silent}");
    let (refused, unknown, certificate, broken, cut, silent) = tokio::join!(
        asked(&refused, LONG),
        asked(&unknown, LONG),
        asked(&certificate, LONG),
        asked(&broken, LONG),
        asked(&cut, LONG),
        asked(&silent, Duration::from_millis(100)),
    );
    for (fault, id, class) in [
        (refused, "network.refused", Class::Transient),
        (unknown, "network.dns", Class::Transient),
        (certificate, "network.tls", Class::Configuration),
        (broken, "network.reset", Class::Transient),
        (cut, "network.body", Class::Transient),
        (silent, "network.timeout", Class::Transient),
    ] {
        assert_eq!((fault.entry.id, fault.entry.class), (id, class), "{}: {}", fault.code, fault.detail);
    }
    sim.stop().await;
}
