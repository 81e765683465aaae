//! Where a Jira is and how Postroom signs in to it.

use std::time::Duration;

use base64::Engine as _;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::pace::PaceSettings;
use crate::service::ClientCredentials;

/// A Jira, as configured. The three are independent settings: the gateway, a site and a Data Center differ in any of them.
#[derive(Clone, Debug)]
pub struct Site {
    /// For example `https://example.atlassian.net`, `https://api.atlassian.com/ex/jira/{cloudId}` or a Data Center's address
    /// with its context path; without `/rest`.
    pub base_url: Url,
    /// Which version of the platform API is spoken.
    pub api_version: ApiVersion,
    /// How requests are signed.
    pub auth: Auth,
}

/// The version of the platform API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApiVersion {
    /// Bodies are wiki markup.
    V2,
    /// Bodies are Atlassian Document Format.
    #[default]
    V3,
}

impl ApiVersion {
    pub(crate) fn digit(self) -> char {
        match self {
            Self::V2 => '2',
            Self::V3 => '3',
        }
    }
}

/// How requests are signed.
#[derive(Clone, Debug)]
pub enum Auth {
    /// An API token of a user or a service account.
    Basic {
        /// The account's address.
        user: String,
        /// The token.
        token: SecretString,
    },
    /// An OAuth access token, or a personal access token of Data Center.
    Bearer(SecretString),
    /// A service account: a token is asked for when it is needed, and replaced before it ends.
    Service(ClientCredentials),
}

impl Auth {
    /// The header; `None` where the token holds characters that no header may (a line break pasted along), and for a service
    /// account, whose tokens come and go.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let value = match self {
            Self::Service(_) => return None,
            Self::Basic { user, token } => {
                let pair = format!("{user}:{}", token.expose_secret());
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
            }
            Self::Bearer(token) => format!("Bearer {}", token.expose_secret()),
        };
        let mut header = HeaderValue::from_str(&value).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// How the client behaves. The defaults suit Jira Cloud.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Time for one request, from connecting to the last byte of the answer; uploads get more, by their size.
    pub request_timeout: Duration,
    /// Requests in flight at once.
    pub concurrency: usize,
    /// Most bytes of an answer that are read.
    pub response_limit: usize,
    /// How long a call may wait for its turn. Whoever would have to wait longer is answered at once, with the time to come
    /// back and [`Effect::None`](crate::Effect::None): leases must not run out while a call stands in a queue.
    pub wait_at_most: Duration,
    /// How often a read is tried again after a fault that passes. Writes never are: that is the ledger's to decide.
    pub read_retries: u32,
    /// The rates kept to.
    pub pace: PaceSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            concurrency: 16,
            response_limit: 32 << 20,
            wait_at_most: Duration::from_secs(10),
            read_retries: 2,
            pace: PaceSettings::default(),
        }
    }
}
