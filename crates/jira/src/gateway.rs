//! Atlassian's gateway, over which service accounts and scoped tokens reach a site: `https://api.atlassian.com/ex/jira/{cloudId}`. The
//! cloud id of a site is told by the site itself, to anybody (`/_edge/tenant_info`), and by the gateway to whoever holds an OAuth
//! token for it.

use std::time::Duration;

use bytes::Bytes;
use fault::{Fault, JiraAnswer, Network, NetworkKind};
use http::header::ACCEPT;
use serde::Deserialize;
use url::Url;

use crate::answer::{Asked, ERROR_BODY, led_on};
use crate::client;

/// The address of a site behind the gateway, for [`Site::base_url`](crate::Site).
pub fn behind_gateway(gateway: &Url, cloud_id: &str) -> Option<Url> {
    let is_plain = !cloud_id.is_empty() && cloud_id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let base = gateway.as_str().trim_end_matches('/');
    if is_plain { Url::parse(&format!("{base}/ex/jira/{cloud_id}")).ok() } else { None }
}

/// The cloud id of a site, as the site tells it.
pub async fn cloud_id(http: &reqwest::Client, site: &Url, timeout: Duration) -> Result<String, Fault> {
    #[derive(Deserialize)]
    struct Info {
        #[serde(rename = "cloudId")]
        cloud_id: String,
    }
    const OPERATION: &str = "cloud id of the site";
    let url = format!("{}/_edge/tenant_info", site.as_str().trim_end_matches('/'));
    let (status, headers, body) = asked(http, OPERATION, &url, timeout).await?;
    match serde_json::from_slice::<Info>(&body) {
        Ok(info) if (200..300).contains(&status) && !info.cloud_id.is_empty() => Ok(info.cloud_id),
        _ => Err(unreadable(OPERATION, site, status, &headers, &body)),
    }
}

async fn asked(
    http: &reqwest::Client,
    operation: &'static str,
    url: &str,
    timeout: Duration,
) -> Result<(u16, http::HeaderMap, Bytes), Fault> {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let ask = Asked { operation, writes: false };
    let failed = |error: &reqwest::Error| ask.failed(error, &host).fault;
    let mut answer = http
        .get(url)
        .header(ACCEPT, "application/json")
        .timeout(timeout)
        .send()
        .await
        .map_err(|error| failed(&error))?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    if (300..400).contains(&status) {
        return Err(led_on(operation, status, answer.url(), &headers));
    }
    let (body, _) = client::body(&mut answer, &headers, ERROR_BODY).await.map_err(|error| failed(&error))?;
    Ok((status, headers, body))
}

fn unreadable(
    operation: &'static str,
    site: &Url,
    status: u16,
    headers: &http::HeaderMap,
    body: &[u8],
) -> Fault {
    let text = String::from_utf8_lossy(&body[..body.len().min(ERROR_BODY)]);
    if !(200..300).contains(&status) || text.trim_start().starts_with('<') {
        let trace_id = headers.get("atl-traceid").and_then(|id| id.to_str().ok());
        return Fault::jira(&JiraAnswer {
            status,
            body: &text,
            trace_id,
            operation,
            ..JiraAnswer::default()
        });
    }
    let host = site.host_str().unwrap_or_default();
    let detail = format!("{operation}: the answer names none");
    Fault::network(&Network { kind: NetworkKind::Body, host, detail: &detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_cloud_id_becomes_part_of_an_address() {
        let gateway: Url = "https://api.atlassian.com/".parse().unwrap();
        let of = |id: &str| behind_gateway(&gateway, id).map(String::from);
        assert_eq!(
            of("11223344-a1b2-4c3d").as_deref(),
            Some("https://api.atlassian.com/ex/jira/11223344-a1b2-4c3d")
        );
        for odd in ["", "../admin", "a b", "a/b", "a?b"] {
            assert_eq!(of(odd), None, "{odd}");
        }
    }
}
