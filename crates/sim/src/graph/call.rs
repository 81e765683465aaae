//! A request to Graph, apart from the wire: path, query options, preferences, body. Paths and option names are compared
//! without letter case; `messages('id')` is `messages/id`, and `delta()` is `delta`.

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::answer::Refusal;

/// Largest JSON body, in bytes: about 4 MB in all.
const LARGEST_JSON: usize = 4 * 1024 * 1024 + 512 * 1024;

/// What the `Prefer` header asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prefer {
    pub(crate) immutable: bool,
    pub(crate) page_size: Option<usize>,
    /// `text` or `html`.
    pub(crate) body: Option<String>,
    /// What the answer says it has applied.
    pub(crate) applied: String,
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Decoded segments after the version.
    pub(crate) path: Vec<String>,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) prefer: Prefer,
    pub(crate) content_type: String,
    pub(crate) if_match: Option<String>,
    pub(crate) body: Bytes,
}

impl Call {
    /// Reads a path with query; the version must be the first segment unless `relative`.
    pub(crate) fn new(
        method: Method,
        target: &str,
        headers: &HeaderMap,
        body: Bytes,
        relative: bool,
    ) -> Result<Self, Refusal> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut segments = segments(path);
        let has_version = segments.first().is_some_and(|first| first.eq_ignore_ascii_case("v1.0"));
        if has_version {
            segments.remove(0);
        } else if !relative {
            return Err(Refusal::bad("Invalid version."));
        }
        let options = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.trim_start_matches('$').to_ascii_lowercase(), value.into_owned()))
            .collect();
        let text = |name: header::HeaderName| {
            headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        Ok(Self {
            method,
            path: segments,
            options,
            prefer: prefer(headers),
            content_type: text(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase(),
            if_match: text(header::IF_MATCH),
            body,
        })
    }

    /// A query option, with or without its `$`.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A whole number between two bounds.
    pub(crate) fn number(&self, name: &str, least: usize, most: usize) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.option(name) else { return Ok(None) };
        text.trim().parse().ok().filter(|number| (least..=most).contains(number)).map(Some).ok_or_else(|| {
            Refusal::new(
                400,
                "RequestBroker--ParseUri",
                format!("Invalid value '{text}' for ${name} query option found. The ${name} query option requires an integer between {least} and {most}."),
            )
        })
    }

    /// The body as a JSON object.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        if self.body.len() > LARGEST_JSON {
            return Err(Refusal::new(413, "RequestEntityTooLarge", "The request body is too large."));
        }
        if !self.content_type.starts_with("application/json") {
            let message = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.";
            return Err(Refusal::new(400, "BadRequest", message));
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(Refusal::new(
                400,
                "BadRequest",
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )),
        }
    }

    /// The body as a JSON object, empty when there is no body.
    pub(crate) fn object_or_nothing(&self) -> Result<Map<String, Value>, Refusal> {
        if self.body.is_empty() { Ok(Map::new()) } else { self.object() }
    }
}

/// The decoded segments of a path, keys in parentheses apart.
pub(super) fn segments(path: &str) -> Vec<String> {
    let mut out = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let decoded = percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let keyed = decoded.strip_suffix(')').and_then(|rest| rest.split_once('('));
        match keyed {
            Some((name, "")) => out.push(name.to_owned()),
            Some((name, key)) if !name.is_empty() && key.starts_with('\'') => {
                out.push(name.to_owned());
                out.push(key.trim_matches('\'').replace("''", "'"));
            }
            _ => out.push(decoded),
        }
    }
    out
}

fn prefer(headers: &HeaderMap) -> Prefer {
    let mut prefer = Prefer::default();
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    for part in values.flat_map(|value| value.split([',', ';'])) {
        let (name, value) = part.trim().split_once('=').unwrap_or((part.trim(), ""));
        let value = value.trim().trim_matches('"');
        let is_applied = match name.trim().to_ascii_lowercase().as_str() {
            "idtype" if value.eq_ignore_ascii_case("immutableid") => {
                prefer.immutable = true;
                true
            }
            "odata.maxpagesize" => {
                prefer.page_size = value.parse().ok().filter(|size| *size > 0);
                prefer.page_size.is_some()
            }
            "outlook.body-content-type" => {
                prefer.body = Some(value.to_ascii_lowercase());
                true
            }
            _ => false,
        };
        if is_applied {
            if !prefer.applied.is_empty() {
                prefer.applied.push_str(", ");
            }
            prefer.applied.push_str(part.trim());
        }
    }
    prefer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways of writing a key, encoded ids, options with and without `$`.
    #[test]
    fn a_call_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert("prefer", "odata.maxpagesize=50, IdType=\"ImmutableId\"".parse().expect("a value"));
        let target = "/v1.0/Users('a@b.test')/mailFolders/AA%2FB=/messages/delta()?$select=id&top=3";
        let call = Call::new(Method::GET, target, &headers, Bytes::new(), false).expect("a call");
        assert_eq!(call.path, ["Users", "a@b.test", "mailFolders", "AA/B=", "messages", "delta"]);
        assert_eq!((call.option("select"), call.option("top")), (Some("id"), Some("3")));
        assert!(call.prefer.immutable);
        assert_eq!(call.prefer.page_size, Some(50));
        assert!(Call::new(Method::GET, "/beta/me", &headers, Bytes::new(), false).is_err());
    }
}
