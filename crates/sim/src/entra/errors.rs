//! Errors of the token and authorize endpoints: AADSTS codes with the `error` that goes with each and the body that
//! carries them.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// An error by its AADSTS number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenError {
    pub(crate) code: u32,
    pub(crate) error: String,
    pub(crate) text: String,
    pub(crate) suberror: Option<String>,
    pub(crate) claims: Option<String>,
    /// Where a password is changed, when that is the mend.
    pub(crate) password_change_url: Option<Box<str>>,
}

/// Code, `error`, text.
const KNOWN: &[(u32, &str, &str)] = &[
    (
        16_000,
        "interaction_required",
        "User account from identity provider does not exist in tenant and cannot access the application.",
    ),
    (
        28_000,
        "invalid_scope",
        "Provided value for the input parameter scope is not valid because it contains more than one resource.",
    ),
    (
        50_011,
        "invalid_request",
        "The redirect URI specified in the request does not match the redirect URIs configured for the application.",
    ),
    (50_020, "invalid_grant", "User account from identity provider does not exist in tenant."),
    (50_034, "invalid_grant", "The user account does not exist in the directory."),
    (
        50_053,
        "invalid_grant",
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
    ),
    (50_055, "invalid_grant", "The password is expired."),
    (50_057, "invalid_grant", "The user account is disabled."),
    (50_058, "login_required", "A silent sign-in request was sent but no user is signed in."),
    (
        50_059,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    ),
    (
        50_076,
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
    ),
    (
        50_079,
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication.",
    ),
    (
        50_105,
        "invalid_grant",
        "Your administrator has configured the application to block users unless they are specifically granted access to the application.",
    ),
    (50_126, "invalid_grant", "Error validating credentials due to invalid username or password."),
    (
        50_173,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
    ),
    (
        50_194,
        "invalid_request",
        "The application is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
    ),
    (53_000, "interaction_required", "Device is not in required device state."),
    (
        53_003,
        "invalid_grant",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    (
        54_005,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
    ),
    (
        65_001,
        "invalid_grant",
        "The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.",
    ),
    (65_004, "access_denied", "User declined to consent to access the app."),
    (70_000, "invalid_grant", "The provided value for the 'refresh_token' parameter is not valid."),
    (70_002, "invalid_client", "Error validating credentials."),
    (70_003, "unsupported_grant_type", "The app requested an unsupported grant type."),
    (
        70_008,
        "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
    ),
    (70_011, "invalid_scope", "The provided value for the input parameter 'scope' is not valid."),
    (
        70_043,
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
    ),
    (
        90_002,
        "invalid_request",
        "Tenant was not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    ),
    (
        90_014,
        "invalid_request",
        "The required field is missing from the credential. Ensure that you have all the necessary parameters for the login request.",
    ),
    (90_051, "invalid_request", "Invalid Delegation Token. Invalid national Cloud ID (0) is specified."),
    (
        90_094,
        "access_denied",
        "The grant requires admin permission: the requested permissions need the consent of an administrator.",
    ),
    (500_011, "invalid_resource", "The resource principal was not found in the tenant."),
    (500_133, "invalid_grant", "Assertion is not within its valid time range."),
    (
        501_481,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    (650_053, "invalid_client", "The application asked for a scope that doesn't exist on the resource."),
    (
        700_016,
        "unauthorized_client",
        "Application was not found in the directory. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    (
        700_027,
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on application.",
    ),
    (700_054, "unsupported_response_type", "response_type is not enabled for the application."),
    (700_082, "invalid_grant", "The refresh token has expired due to inactivity."),
    (900_144, "invalid_request", "The request body must contain a required parameter."),
    (7_000_112, "unauthorized_client", "Application is disabled."),
    (
        7_000_215,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app.",
    ),
    (
        7_000_218,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    (9_002_313, "invalid_request", "Invalid request. Request is malformed or invalid."),
    (
        50_013,
        "invalid_grant",
        "Assertion is invalid because of various reasons: the token issuer doesn't match the API version within its valid time range, or the assertion is malformed.",
    ),
    (50_027, "invalid_request", "JWT token is invalid or malformed."),
    (50_074, "interaction_required", "Strong Authentication is required."),
    (
        50_144,
        "invalid_grant",
        "User's Active Directory password has expired. Generate a new password for the user or have the user use the self-service reset tool to reset their password.",
    ),
    (
        50_196,
        "invalid_grant",
        "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.",
    ),
    (53_011, "invalid_grant", "User blocked due to risk on home tenant."),
    (
        65_005,
        "invalid_resource",
        "The application required resource access list does not contain applications discoverable by the resource.",
    ),
    (
        70_016,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    (70_017, "authorization_declined", "The end user denied the authorization request."),
    (
        70_018,
        "bad_verification_code",
        "Invalid verification code due to User typing in wrong user code for device code flow. Authorization is not approved.",
    ),
    (70_019, "expired_token", "Verification code expired. Have the user retry the sign-in."),
    (
        90_019,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    ),
    (
        90_038,
        "invalid_request",
        "Tenant request is being redirected to the National Cloud 'MicrosoftOnline.US'.",
    ),
    (
        90_095,
        "access_denied",
        "Admin consent is required for the permissions requested by this application. An admin consent request may be sent to the admin.",
    ),
    (501_051, "invalid_grant", "Application is not assigned to a role for the application."),
    (
        530_032,
        "interaction_required",
        "Blocked by security policy. Tenant admin has configured a security policy that blocks this request.",
    ),
    (
        530_035,
        "interaction_required",
        "Access has been blocked by security defaults. This is due to the request being deemed unsafe by security defaults policies.",
    ),
    (700_003, "invalid_grant", "Device object was not found in the tenant directory."),
    (
        700_005,
        "invalid_grant",
        "Provided authorization code is intended to use against other tenant, thus rejected.",
    ),
    (
        700_021,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials.",
    ),
    (
        700_023,
        "invalid_client",
        "Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials.",
    ),
    (700_024, "invalid_client", "Client assertion is not within its valid time range."),
    (
        700_025,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    (900_382, "invalid_request", "Confidential Client is not supported in Cross Cloud request."),
    (900_432, "invalid_request", "Confidential Client isn't supported in Cross Cloud request."),
    (
        7_000_222,
        "invalid_client",
        "The provided client secret keys are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.",
    ),
    (
        9_001_023,
        "invalid_request",
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.",
    ),
];

impl TokenError {
    /// The error of a code, with its usual text.
    pub(crate) fn of(code: u32) -> Self {
        let (error, text) = KNOWN
            .iter()
            .find(|(known, ..)| *known == code)
            .map_or(("invalid_grant", "The request was refused."), |(_, error, text)| (*error, *text));
        Self {
            code,
            error: error.to_owned(),
            text: text.to_owned(),
            suberror: None,
            claims: None,
            password_change_url: None,
        }
    }

    /// The same code in other words.
    pub(crate) fn saying(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    pub(crate) fn suberror(mut self, suberror: &str) -> Self {
        self.suberror = Some(suberror.to_owned());
        self
    }

    /// With what the next authorize request must carry.
    pub(crate) fn claims(mut self, claims: String) -> Self {
        self.claims = Some(claims);
        self
    }

    /// A parameter is missing.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::of(900_144)
            .saying(&format!("The request body must contain the following parameter: '{parameter}'."))
    }

    /// `AADSTS…: text` alone, as pages and redirects show it.
    pub(crate) fn short(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }

    /// The description with its trailer.
    pub(crate) fn description(&self, ids: &Trace) -> String {
        format!(
            "{} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.short(),
            ids.request,
            ids.correlation,
            ids.timestamp()
        )
    }

    fn status(&self) -> StatusCode {
        if self.error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST }
    }

    /// The answer of the token endpoint.
    pub(crate) fn response(&self, base: &str, ids: &Trace) -> Response<Bytes> {
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(ids),
            "error_codes": [self.code],
            "timestamp": ids.timestamp(),
            "trace_id": ids.request,
            "correlation_id": ids.correlation,
            "error_uri": format!("{base}/error?code={}", self.code),
        });
        if let Some(suberror) = &self.suberror {
            body["suberror"] = suberror.as_str().into();
        }
        if let Some(claims) = &self.claims {
            body["claims"] = claims.as_str().into();
        }
        if let Some(url) = &self.password_change_url {
            body["password_change_url"] = (&**url).into();
        }
        json_response(self.status(), &body)
    }
}

/// The ids under which a request is found in the sign-in log.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) request: Uuid,
    pub(crate) correlation: Uuid,
    pub(crate) at: Timestamp,
}

impl Trace {
    pub(crate) fn timestamp(&self) -> String {
        self.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }
}

/// JSON that is not to be kept.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store, no-cache"),
        (header::PRAGMA, "no-cache"),
        (header::EXPIRES, "-1"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
