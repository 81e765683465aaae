//! Style sheet, script and icon: part of the program, named by their content, kept by browsers for a year.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

/// One file as it is served.
struct Asset {
    name: &'static str,
    content: &'static str,
    kind: &'static str,
    /// `/assets/<stem>-<digest>.<extension>`.
    path: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    [
        ("postroom.css", include_str!("../../assets/postroom.css"), "text/css; charset=utf-8"),
        ("postroom.js", include_str!("../../assets/postroom.js"), "text/javascript; charset=utf-8"),
        ("postroom.svg", include_str!("../../assets/postroom.svg"), "image/svg+xml"),
    ]
    .into_iter()
    .map(|(name, content, kind)| {
        let digest = hex::encode(&digest(&SHA256, content.as_bytes()).as_ref()[..8]);
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        Asset { name, content, kind, path: format!("/assets/{stem}-{digest}.{extension}") }
    })
    .collect()
});

/// The address of a file; of nothing known, an address that answers 404.
pub fn path(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("/assets/none", |asset| &asset.path)
}

/// Every file with its address, for pages that are written to disk.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    ASSETS.iter().map(|asset| (asset.path.as_str(), asset.content))
}

/// `GET /assets/{file}`.
pub(super) async fn serve(Path(file): Path<String>) -> Response {
    let path = format!("/assets/{file}");
    match ASSETS.iter().find(|asset| asset.path == path) {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.kind),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ],
            asset.content,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a changed file has another address, so that a long cache never shows an old one.
    #[tokio::test]
    async fn assets_are_named_by_content_and_kept() {
        let path = path("postroom.css");
        assert_eq!(path.len(), "/assets/postroom-.css".len() + 16);
        let response = serve(Path(path.trim_start_matches("/assets/").to_owned())).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert_eq!(serve(Path("postroom-0000000000000000.css".into())).await.status(), StatusCode::NOT_FOUND);
    }
}
