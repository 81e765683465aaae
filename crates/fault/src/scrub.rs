//! Details are shown to people and written to logs: whatever looks like a secret is taken out, and the rest is kept short.

use std::sync::LazyLock;

use regex::Regex;

/// How long a detail may be, in characters.
const LONGEST: usize = 600;

/// How long an id or a code may be, in characters.
const LONGEST_ID: usize = 100;

static TOKENISH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"eyJ[A-Za-z0-9_-]{8,}|(?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}|[A-Za-z0-9+/_-]{64,}")
        .expect("the expression is constant and valid")
});

static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]+)*                         # a JWT
        | (?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}                    # an Authorization header
        | (?i:(client_)?secret|password|refresh_token|access_token|id_token|api_token|assertion|code_verifier)
          ["']?\s*[=:]\s*["']?[^\s"'&,}]+                                # a field of a form or of JSON
        | [?&](code|state|token)=[^\s&]+                               # the query of an address
        | ATATT[A-Za-z0-9_=-]{16,}                                      # an Atlassian API token
        | [A-Za-z0-9+/_-]{64,}={0,2}                                    # anything long without a space
        "#,
    )
    .expect("the expression is constant and valid")
});

/// Takes secrets out of a text and shortens it.
pub fn scrub(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST * 4).collect();
    let clean = SECRETS.replace_all(&clean, "[removed]");
    let mut shown: String = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if shown.chars().count() > LONGEST {
        shown = shown.chars().take(LONGEST).collect();
        shown.push('…');
    }
    shown
}

/// An id or a code of the other side: scrubbed, and shorter.
pub(crate) fn id(text: &str) -> String {
    scrub(text).chars().take(LONGEST_ID).collect()
}

/// Whether a token seems to stand in a text that is kept as it is.
pub(crate) fn is_tokenish(text: &str) -> bool {
    TOKENISH.is_match(text)
}
