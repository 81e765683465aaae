//! The simulator's control address.

use anyhow::{Context, Result, ensure};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

/// What `postroom sim` prints first.
#[derive(Clone, Debug, Deserialize)]
pub struct Ready {
    /// Login base.
    pub entra: String,
    /// Graph base, without `/v1.0`.
    pub graph: String,
    /// EWS base.
    pub ews: String,
    /// Jira base.
    pub jira: String,
    /// Outlook pages.
    pub outlook: String,
    /// Control base.
    pub control: String,
    /// Tenant id.
    pub tenant_id: String,
    /// App registration.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Jira user.
    pub jira_user: String,
    /// Jira token.
    pub jira_token: String,
    /// Everything else.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

/// A client of the control address.
#[derive(Clone, Debug)]
pub struct Control {
    http: Client,
    base: String,
}

impl Control {
    /// Of the simulator with this base address.
    pub fn new(base: &str) -> Self {
        Self { http: Client::new(), base: base.trim_end_matches('/').to_owned() }
    }

    async fn send(&self, request: reqwest::RequestBuilder, what: &str) -> Result<Value> {
        let answer = request.send().await.with_context(|| what.to_owned())?;
        let status = answer.status();
        let body = answer.text().await?;
        ensure!(status.is_success(), "{what}: {status} {body}");
        Ok(if body.is_empty() { Value::Null } else { serde_json::from_str(&body)? })
    }

    /// Sends JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(self.http.post(format!("{}{path}", self.base)).json(body), path).await
    }

    /// Reads JSON.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(self.http.get(format!("{}{path}", self.base)), path).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        self.send(self.http.delete(format!("{}{path}", self.base)), path).await
    }

    /// Puts a mail into a mailbox's inbox.
    pub async fn deliver(&self, mailbox: &str, mail: Vec<u8>) -> Result<Value> {
        let request = self
            .http
            .post(format!("{}/mailboxes/{mailbox}/messages", self.base))
            .header("content-type", "message/rfc822")
            .body(mail);
        self.send(request, "delivering a mail").await
    }

    /// Puts a mail into a folder of a mailbox, received then.
    pub async fn deliver_at(&self, mailbox: &str, mail: Vec<u8>, folder: &str, at: &str) -> Result<Value> {
        let request = self
            .http
            .post(format!("{}/mailboxes/{mailbox}/messages?folder={folder}&received_at={at}", self.base))
            .header("content-type", "message/rfc822")
            .body(mail);
        self.send(request, "delivering a mail").await
    }

    /// Moves a message to another folder, as its owner does in Outlook.
    pub async fn move_message(&self, mailbox: &str, id: &str, folder: &str) -> Result<Value> {
        self.post(&format!("/mailboxes/{mailbox}/move"), &json!({ "id": id, "folder": folder })).await
    }

    /// Removes a message for good.
    pub async fn remove_message(&self, mailbox: &str, id: &str) -> Result<()> {
        self.post(&format!("/mailboxes/{mailbox}/remove"), &json!({ "id": id })).await.map(drop)
    }

    /// Adds a fault rule.
    pub async fn fault(&self, rule: Value) -> Result<()> {
        self.post("/faults", &rule).await.map(drop)
    }

    /// Ends all faults.
    pub async fn mend(&self) -> Result<()> {
        self.delete("/faults").await.map(drop)
    }

    /// Every issue with comments, attachments and properties.
    pub async fn issues(&self) -> Result<Vec<Value>> {
        list(self.get("/jira/issues").await?, "issues")
    }

    /// Every message of a mailbox.
    pub async fn messages(&self, mailbox: &str) -> Result<Vec<Value>> {
        list(self.get(&format!("/mailboxes/{mailbox}/messages")).await?, "messages")
    }

    /// Replies that are lost after the effect, at random, on writes to Jira: the reply is a 504 or a reset.
    pub async fn lose_replies(&self, probability: f64) -> Result<()> {
        for rule in [
            json!({ "service": "jira", "method": "POST", "path": "/rest/api/3/issue(/.*)?$", "kind": "status_after_effect", "status": 504, "probability": probability }),
            json!({ "service": "jira", "method": "POST", "path": "/rest/api/3/issue(/.*)?$", "kind": "reset_after_effect", "probability": probability }),
            json!({ "service": "jira", "method": "PUT", "path": "/rest/api/3/issue/.*", "kind": "reset_after_effect", "probability": probability }),
        ] {
            self.fault(rule).await?;
        }
        Ok(())
    }
}

fn list(value: Value, name: &str) -> Result<Vec<Value>> {
    match value {
        Value::Array(list) => Ok(list),
        Value::Object(mut object) => match object.remove(name).or_else(|| object.remove("value")) {
            Some(Value::Array(list)) => Ok(list),
            _ => anyhow::bail!("the simulator's answer has no list of {name}"),
        },
        _ => anyhow::bail!("the simulator's answer is no list of {name}"),
    }
}
