//! The pages.

use http::StatusCode;
use serde_json::json;

use super::{Peer, doc};

/// Pages need no sign-in, load nothing from outside, and show what is hostile as text.
#[tokio::test]
async fn pages_show_text_as_text() {
    let mut peer = Peer::new();
    peer.issue_with(json!({"summary": "<script>alert(1)</script>", "labels": ["<b>"], "description": {
        "type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
            {"type": "text", "text": "<img src=x>", "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}]},
            {"type": "text", "text": "home", "marks": [{"type": "link", "attrs": {"href": "https://a.test/?q=\"x"}}]}]},
            {"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": [
                {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "cell"}]}]}]}]}]}}))
        .await;
    peer.post("/rest/api/3/issue/SUP-1/comment", json!({"body": doc("a comment")})).await;
    peer.upload("/rest/api/3/issue/SUP-1/attachments", &[("<x>.html", "text/html", b"<script>")], true).await;
    peer.sign_out();
    for path in ["/", "/projects/SUP", "/browse/SUP-1", "/pages/style.css"] {
        assert_eq!(peer.get(path).await.status, StatusCode::OK, "{path}");
    }
    let seen = peer.get("/browse/SUP-1").await;
    assert!(seen.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(
        !seen.text.contains("<script") && !seen.text.contains("<img") && !seen.text.contains("javascript:")
    );
    assert!(seen.text.contains("<h3>cell</h3>"), "headings of texts stand below the page's own");
    assert!(seen.text.contains("Simulated") && seen.text.contains("a comment"));
    assert!(seen.text.contains("href=\"https://a.test/?q=&quot;x\""));
    assert!(!seen.text.contains(" style=") && !seen.text.contains("<style"), "no inline style");
    let file = peer.get("/secure/attachment/10000/x").await;
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert!(file.header("content-security-policy").contains("sandbox"));
    assert_eq!(peer.get("/browse/SUP-9").await.status, StatusCode::NOT_FOUND);
    assert_eq!(peer.get("/projects/NO").await.status, StatusCode::NOT_FOUND);
}
