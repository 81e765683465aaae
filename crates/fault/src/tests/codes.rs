//! One row per code of the reference: class, owner and retry policy as written here, and an entry that a person can read.

use super::*;
use Class::{Administrator, Configuration, Poison, SignIn, Transient};
use Retry::{AfterSignIn, Never, Rest, Slow, Soon};
use Who::{EntraAdministrator, MailboxOwner, Nobody, Operator};

/// The same of a number that the reference does not have: a sign-in of one cloud that was redeemed in another ("Invalid national Cloud
/// ID").
const BEYOND_THE_REFERENCE: &[(u32, &str, &str, Who, Retry)] =
    &[(90_051, "C", "entra.other_cloud", Operator, Slow)];

/// Entra ID's numbers: the classes that the reference allows (Transient, User, Administrator, Configuration), the entry, who
/// must act, how it is tried again.
pub(super) const AADSTS: &[(u32, &str, &str, Who, Retry)] = &[
    (16_000, "UA", "entra.account_other_tenant", MailboxOwner, AfterSignIn),
    (16_003, "UA", "entra.account_other_tenant", MailboxOwner, AfterSignIn),
    (40_010, "T", "entra.unavailable", Nobody, Soon),
    (50_033, "T", "entra.unavailable", Nobody, Soon),
    (50_087, "T", "entra.unavailable", Nobody, Soon),
    (90_006, "T", "entra.unavailable", Nobody, Soon),
    (90_012, "T", "entra.unavailable", Nobody, Soon),
    (90_024, "T", "entra.unavailable", Nobody, Soon),
    (90_033, "T", "entra.unavailable", Nobody, Soon),
    (90_090, "T", "entra.unavailable", Nobody, Soon),
    (90_091, "T", "entra.unavailable", Nobody, Soon),
    (50_001, "C", "entra.resource", Operator, Slow),
    (50_002, "A", "entra.app_blocked", EntraAdministrator, Slow),
    (500_021, "A", "entra.app_blocked", EntraAdministrator, Slow),
    (500_022, "A", "entra.app_blocked", EntraAdministrator, Slow),
    (50_011, "C", "entra.redirect_uri", Operator, Slow),
    (50_013, "C", "entra.assertion", Operator, Slow),
    (500_133, "C", "entra.assertion", Operator, Slow),
    (500_011, "CA", "entra.resource", Operator, Slow),
    (500_113, "C", "entra.redirect_uri_none", Operator, Slow),
    (50_020, "UA", "entra.account_other_tenant", MailboxOwner, AfterSignIn),
    (500_208, "U", "entra.account_personal", MailboxOwner, AfterSignIn),
    (500_212, "A", "entra.cross_tenant", EntraAdministrator, Slow),
    (500_213, "A", "entra.cross_tenant", EntraAdministrator, Slow),
    (50_034, "UC", "entra.account_unknown", MailboxOwner, AfterSignIn),
    (500_341, "A", "entra.account_deleted", EntraAdministrator, AfterSignIn),
    (50_053, "AU", "entra.account_locked", EntraAdministrator, Slow),
    (50_055, "U", "entra.password_expired", MailboxOwner, AfterSignIn),
    (50_144, "U", "entra.password_expired", MailboxOwner, AfterSignIn),
    (50_056, "U", "entra.password_wrong", MailboxOwner, AfterSignIn),
    (50_126, "U", "entra.password_wrong", MailboxOwner, AfterSignIn),
    (50_057, "A", "entra.account_disabled", EntraAdministrator, Slow),
    (50_058, "U", "entra.sign_in_required", MailboxOwner, AfterSignIn),
    (50_059, "C", "entra.tenant_missing", Operator, Slow),
    (50_128, "C", "entra.tenant_missing", Operator, Slow),
    (90_019, "C", "entra.tenant_missing", Operator, Slow),
    (50_072, "U", "entra.mfa_required", MailboxOwner, Slow),
    (50_074, "U", "entra.mfa_required", MailboxOwner, Slow),
    (50_076, "U", "entra.mfa_required", MailboxOwner, Slow),
    (50_078, "U", "entra.mfa_required", MailboxOwner, Slow),
    (50_079, "U", "entra.mfa_required", MailboxOwner, Slow),
    (50_085, "U", "entra.session_over", MailboxOwner, AfterSignIn),
    (50_089, "U", "entra.session_over", MailboxOwner, AfterSignIn),
    (50_097, "UA", "entra.device_authentication", MailboxOwner, Slow),
    (50_129, "UA", "entra.device_authentication", MailboxOwner, Slow),
    (50_155, "UA", "entra.device_authentication", MailboxOwner, Slow),
    (50_187, "UA", "entra.device_authentication", MailboxOwner, Slow),
    (50_105, "A", "entra.account_not_assigned", EntraAdministrator, Slow),
    (501_051, "A", "entra.role_not_assigned", EntraAdministrator, Slow),
    (50_131, "A", "entra.conditional_access", EntraAdministrator, Slow),
    (50_132, "U", "entra.session_invalid", MailboxOwner, AfterSignIn),
    (50_133, "U", "entra.session_invalid", MailboxOwner, AfterSignIn),
    (501_481, "C", "entra.verifier", Operator, AfterSignIn),
    (50_158, "UA", "entra.mfa_elsewhere", MailboxOwner, Slow),
    (50_161, "UA", "entra.mfa_elsewhere", MailboxOwner, Slow),
    (50_173, "U", "entra.grant_revoked", MailboxOwner, AfterSignIn),
    (50_194, "C", "entra.single_tenant", Operator, Slow),
    (50_196, "C", "entra.loop", Operator, Rest),
    (50_197, "U", "entra.sign_in_conflict", MailboxOwner, AfterSignIn),
    (53_000, "UA", "entra.device", MailboxOwner, Slow),
    (53_001, "UA", "entra.device", MailboxOwner, Slow),
    (53_002, "A", "entra.app_not_approved", EntraAdministrator, Slow),
    (53_003, "A", "entra.conditional_access", EntraAdministrator, Slow),
    (53_004, "UA", "entra.mfa_enrolment", MailboxOwner, Slow),
    (53_010, "UA", "entra.mfa_enrolment", MailboxOwner, Slow),
    (53_011, "A", "entra.account_risky", EntraAdministrator, Slow),
    (530_003, "UA", "entra.device", MailboxOwner, Slow),
    (530_032, "A", "entra.security_policy", EntraAdministrator, Slow),
    (530_035, "A", "entra.security_defaults", EntraAdministrator, Slow),
    (54_005, "CU", "entra.code_used", MailboxOwner, AfterSignIn),
    (65_001, "UA", "entra.consent_required", EntraAdministrator, Slow),
    (65_002, "C", "entra.first_party", Operator, Slow),
    (65_004, "U", "entra.declined", MailboxOwner, AfterSignIn),
    (65_005, "C", "entra.permissions", Operator, Slow),
    (650_056, "C", "entra.permissions", Operator, Slow),
    (650_057, "C", "entra.permissions", Operator, Slow),
    (650_052, "A", "entra.service_missing", EntraAdministrator, Slow),
    (650_053, "C", "entra.scope_unknown", Operator, Slow),
    (70_000, "U", "entra.grant_invalid", MailboxOwner, AfterSignIn),
    (70_001, "CA", "entra.client_id", Operator, Slow),
    (700_011, "CA", "entra.client_id", Operator, Slow),
    (700_016, "CA", "entra.client_id", Operator, Slow),
    (70_002, "C", "entra.secret_wrong", Operator, Slow),
    (7_000_215, "C", "entra.secret_wrong", Operator, Slow),
    (7_000_218, "C", "entra.credential_missing", Operator, Slow),
    (7_000_222, "C", "entra.secret_expired", Operator, Slow),
    (700_003, "UA", "entra.device_deleted", MailboxOwner, AfterSignIn),
    (700_005, "C", "entra.code_other_tenant", Operator, AfterSignIn),
    (700_022, "C", "entra.scope", Operator, Slow),
    (70_011, "C", "entra.scope", Operator, Slow),
    (28_002, "C", "entra.scope", Operator, Slow),
    (28_003, "C", "entra.scope", Operator, Slow),
    (700_024, "C", "entra.clock", Operator, Slow),
    (700_025, "C", "entra.credential_unwanted", Operator, Slow),
    (700_027, "C", "entra.certificate_refused", Operator, Slow),
    (700_030, "C", "entra.certificate_refused", Operator, Slow),
    (50_012, "C", "entra.certificate_refused", Operator, Slow),
    (70_008, "U", "entra.grant_expired", MailboxOwner, AfterSignIn),
    (700_082, "U", "entra.grant_expired", MailboxOwner, AfterSignIn),
    (700_084, "C", "entra.spa_redirect", Operator, AfterSignIn),
    (70_012, "T", "entra.unavailable", Nobody, Soon),
    (70_016, "TU", "entra.device_code_pending", MailboxOwner, Soon),
    (70_018, "TU", "entra.device_code_wrong", MailboxOwner, AfterSignIn),
    (70_019, "TU", "entra.device_code_over", MailboxOwner, AfterSignIn),
    (70_043, "UA", "entra.sign_in_frequency", MailboxOwner, AfterSignIn),
    (7_000_112, "A", "entra.app_disabled", EntraAdministrator, Slow),
    (80_001, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_002, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_003, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_004, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_005, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_006, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_007, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_008, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_009, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_010, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_011, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_012, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_013, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (80_014, "TA", "entra.password_agent", EntraAdministrator, Slow),
    (90_002, "C", "entra.tenant", Operator, Slow),
    (900_023, "C", "entra.tenant", Operator, Slow),
    (90_014, "C", "entra.request", Operator, Slow),
    (900_144, "C", "entra.request", Operator, Slow),
    (9_002_313, "C", "entra.request", Operator, Slow),
    (9_001_023, "C", "entra.common_tenant", Operator, Slow),
    (90_038, "C", "entra.other_cloud", Operator, Slow),
    (900_382, "C", "entra.other_cloud", Operator, Slow),
    (900_432, "C", "entra.other_cloud", Operator, Slow),
    (90_055, "T", "entra.tenant_throttled", Nobody, Slow),
    (90_072, "UA", "entra.account_other_tenant", MailboxOwner, AfterSignIn),
    (90_093, "A", "entra.consent_refused", EntraAdministrator, Slow),
    (90_094, "A", "entra.admin_approval", EntraAdministrator, Slow),
    (90_095, "A", "entra.admin_request", EntraAdministrator, Slow),
    (135_011, "A", "entra.device_disabled", EntraAdministrator, Slow),
    (1_000_031, "A", "entra.app_unreachable", EntraAdministrator, Slow),
    (9_002_341, "U", "entra.single_sign_on", MailboxOwner, AfterSignIn),
];

/// Graph's codes, with the status that they come with.
pub(super) const GRAPH: &[(u16, &str, &str, Class, Who, Retry)] = &[
    (401, "InvalidAuthenticationToken", "graph.token", SignIn, MailboxOwner, Slow),
    (401, "unauthenticated", "graph.no_licence", Administrator, EntraAdministrator, Slow),
    (401, "UnknownError", "graph.no_licence", Administrator, EntraAdministrator, Slow),
    (403, "ErrorAccessDenied", "graph.access_denied", Administrator, EntraAdministrator, Slow),
    (403, "accessDenied", "graph.permission", Administrator, EntraAdministrator, Slow),
    (403, "Authorization_RequestDenied", "graph.permission", Administrator, EntraAdministrator, Slow),
    (401, "insufficient_claims", "graph.claims", SignIn, MailboxOwner, AfterSignIn),
    (403, "extensionError", "graph.subscription_refused", Administrator, EntraAdministrator, Slow),
    (400, "ValidationError", "graph.subscription_unreachable", Configuration, Operator, Slow),
    (403, "ErrorSendAsDenied", "graph.send_as", Administrator, EntraAdministrator, Slow),
    (404, "MailboxNotEnabledForRESTAPI", "graph.no_mailbox", Administrator, EntraAdministrator, Slow),
    (404, "ErrorNonExistentMailbox", "graph.mailbox_unknown", Configuration, Operator, Slow),
    (404, "ErrorInvalidUser", "graph.mailbox_unknown", Configuration, Operator, Slow),
    (404, "ResourceNotFound", "graph.mailbox_unknown", Configuration, Operator, Slow),
    (404, "Request_ResourceNotFound", "graph.mailbox_unknown", Configuration, Operator, Slow),
    (404, "ErrorItemNotFound", "graph.item_gone", Poison, Nobody, Never),
    (404, "itemNotFound", "graph.item_gone", Poison, Nobody, Never),
    (404, "ErrorFolderNotFound", "graph.folder_gone", Configuration, Operator, Slow),
    (404, "ErrorSyncFolderNotFound", "graph.folder_gone", Configuration, Operator, Slow),
    (400, "ErrorInvalidIdMalformed", "graph.id", Poison, Operator, Never),
    (400, "ErrorInvalidId", "graph.id", Poison, Operator, Never),
    (400, "InefficientFilter", "graph.request", Poison, Operator, Never),
    (400, "invalidRequest", "graph.request", Poison, Operator, Never),
    (400, "RequestBroker--ParseUri", "graph.request", Poison, Operator, Never),
    (400, "BadRequest", "graph.request", Poison, Operator, Never),
    (400, "ErrorInvalidRecipients", "graph.recipient", Poison, Operator, Never),
    (400, "ErrorMissingRecipients", "graph.recipient", Poison, Operator, Never),
    (400, "InvalidInternetMessageHeader", "graph.request", Poison, Operator, Never),
    (400, "ErrorMimeContentInvalid", "graph.encoding", Poison, Operator, Never),
    (400, "ErrorMimeContentInvalidBase64String", "graph.encoding", Poison, Operator, Never),
    (400, "ErrorMessageSizeExceeded", "graph.too_large", Poison, Operator, Never),
    (400, "RequestEntityTooLarge", "graph.too_large", Poison, Operator, Never),
    (400, "ErrorAttachmentSizeLimitExceeded", "graph.attachment", Poison, Operator, Never),
    (400, "ErrorCannotOpenFileAttachment", "graph.attachment", Poison, Operator, Never),
    (400, "ErrorQuotaExceeded", "graph.mailbox_full", Administrator, MailboxOwner, Slow),
    (400, "quotaLimitReached", "graph.mailbox_full", Administrator, MailboxOwner, Slow),
    (400, "ErrorSubmissionQuotaExceeded", "graph.send_limit", Administrator, EntraAdministrator, Slow),
    (400, "ErrorExceededMessageLimit", "graph.send_limit", Administrator, EntraAdministrator, Slow),
    (400, "ErrorAccountSuspend", "graph.send_limit", Administrator, EntraAdministrator, Slow),
    (409, "ErrorIrresolvableConflict", "graph.conflict", Transient, Nobody, Soon),
    (409, "ErrorStaleObject", "graph.conflict", Transient, Nobody, Soon),
    (409, "resourceModified", "graph.conflict", Transient, Nobody, Soon),
    (409, "ErrorFolderExists", "graph.folder_exists", Configuration, Operator, Slow),
    (409, "nameAlreadyExists", "graph.folder_exists", Configuration, Operator, Slow),
    (429, "ApplicationThrottled", "graph.throttled", Transient, Nobody, Soon),
    (429, "TooManyRequests", "graph.throttled", Transient, Nobody, Soon),
    (429, "activityLimitReached", "graph.throttled", Transient, Nobody, Soon),
    (429, "throttledRequest", "graph.throttled", Transient, Nobody, Soon),
    (503, "ErrorServerBusy", "graph.throttled", Transient, Nobody, Soon),
    (503, "serviceNotAvailable", "graph.busy", Transient, Nobody, Soon),
    (503, "ServiceUnavailable", "graph.busy", Transient, Nobody, Soon),
    (500, "ErrorMailboxMoveInProgress", "graph.unavailable", Transient, Nobody, Soon),
    (500, "ErrorMailboxFailover", "graph.unavailable", Transient, Nobody, Soon),
    (500, "ErrorMailboxStoreUnavailable", "graph.unavailable", Transient, Nobody, Soon),
    (500, "ErrorConnectionFailed", "graph.unavailable", Transient, Nobody, Soon),
    (500, "ErrorInternalServerTransientError", "graph.unavailable", Transient, Nobody, Soon),
    (500, "ErrorTimeoutExpired", "graph.unavailable", Transient, Nobody, Soon),
    (500, "GatewayTimeout", "graph.unavailable", Transient, Nobody, Soon),
    (503, "MailboxInfoStale", "graph.mailbox_stale", Transient, Nobody, Soon),
    (500, "ErrorCorruptData", "graph.corrupt_item", Poison, Operator, Never),
    (500, "ErrorItemCorrupt", "graph.corrupt_item", Poison, Operator, Never),
    (500, "ErrorContentConversionFailed", "graph.corrupt_item", Poison, Operator, Never),
    (500, "ErrorMimeContentConversionFailed", "graph.corrupt_item", Poison, Operator, Never),
    (410, "syncStateNotFound", "graph.place_forgotten", Transient, Nobody, Soon),
    (410, "syncStateInvalid", "graph.place_forgotten", Transient, Nobody, Soon),
    (410, "resyncRequired", "graph.place_forgotten", Transient, Nobody, Soon),
    (500, "generalException", "graph.unavailable", Transient, Nobody, Soon),
];

/// The response codes of Exchange Web Services, as they stand in a response message.
pub(super) const EWS: &[(u16, &str, &str, Class, Who, Retry)] = &[
    (200, "ErrorServerBusy", "graph.throttled", Transient, Nobody, Soon),
    (200, "ErrorExceededConnectionCount", "ews.crowded", Transient, Nobody, Soon),
    (200, "ErrorTooManyObjectsOpened", "ews.crowded", Transient, Nobody, Soon),
    (200, "ErrorInsufficientResources", "ews.crowded", Transient, Nobody, Soon),
    (200, "ErrorTimeoutExpired", "graph.unavailable", Transient, Nobody, Soon),
    (200, "ErrorMailboxMoveInProgress", "graph.unavailable", Transient, Nobody, Soon),
    (200, "ErrorMailboxStoreUnavailable", "graph.unavailable", Transient, Nobody, Soon),
    (200, "ErrorMailboxFailover", "graph.unavailable", Transient, Nobody, Soon),
    (200, "ErrorInternalServerTransientError", "graph.unavailable", Transient, Nobody, Soon),
    (200, "ErrorADUnavailable", "ews.crowded", Transient, Nobody, Soon),
    (200, "ErrorConnectionFailed", "graph.unavailable", Transient, Nobody, Soon),
    (200, "ErrorNotEnoughMemory", "ews.crowded", Transient, Nobody, Soon),
    (200, "ErrorAccessDenied", "graph.access_denied", Administrator, EntraAdministrator, Slow),
    (200, "ErrorImpersonateUserDenied", "ews.impersonation", Administrator, EntraAdministrator, Slow),
    (200, "ErrorImpersonationDenied", "ews.impersonation", Administrator, EntraAdministrator, Slow),
    (200, "ErrorNonExistentMailbox", "graph.mailbox_unknown", Configuration, Operator, Slow),
    (200, "ErrorMissingEmailAddress", "ews.address", Configuration, Operator, Slow),
    (200, "ErrorNonPrimarySmtpAddress", "ews.address", Configuration, Operator, Slow),
    (200, "ErrorItemNotFound", "graph.item_gone", Poison, Nobody, Never),
    (200, "ErrorFolderNotFound", "graph.folder_gone", Configuration, Operator, Slow),
    (200, "ErrorToFolderNotFound", "graph.folder_gone", Configuration, Operator, Slow),
    (200, "ErrorSyncFolderNotFound", "graph.folder_gone", Configuration, Operator, Slow),
    (200, "ErrorInvalidSyncStateData", "graph.place_forgotten", Transient, Nobody, Soon),
    (200, "ErrorInvalidSubscription", "ews.subscription", Transient, Nobody, Soon),
    (200, "ErrorSubscriptionNotFound", "ews.subscription", Transient, Nobody, Soon),
    (200, "ErrorInvalidWatermark", "ews.subscription", Transient, Nobody, Soon),
    (200, "ErrorReadEventsFailed", "ews.subscription", Transient, Nobody, Soon),
    (200, "ErrorMissedNotificationEvents", "ews.subscription", Transient, Nobody, Soon),
    (200, "ErrorExpiredSubscription", "ews.subscription", Transient, Nobody, Soon),
    (200, "ErrorSubscriptionDelegateAccessNotSupported", "ews.subscription_refused", Transient, Nobody, Slow),
    (200, "ErrorSubscriptionAccessDenied", "ews.subscription_refused", Transient, Nobody, Slow),
    (200, "ErrorExceededSubscriptionCount", "ews.subscription_refused", Transient, Nobody, Slow),
    (200, "ErrorIrresolvableConflict", "graph.conflict", Transient, Nobody, Soon),
    (200, "ErrorStaleObject", "graph.conflict", Transient, Nobody, Soon),
    (200, "ErrorChangeKeyRequired", "ews.change_key", Transient, Nobody, Soon),
    (200, "ErrorSendAsDenied", "graph.send_as", Administrator, EntraAdministrator, Slow),
    (200, "ErrorInvalidRecipients", "graph.recipient", Poison, Operator, Never),
    (200, "ErrorMessageSizeExceeded", "graph.too_large", Poison, Operator, Never),
    (200, "ErrorQuotaExceeded", "graph.mailbox_full", Administrator, MailboxOwner, Slow),
    (200, "ErrorSubmissionQuotaExceeded", "graph.send_limit", Administrator, EntraAdministrator, Slow),
    (200, "ErrorMimeContentInvalid", "graph.encoding", Poison, Operator, Never),
    (200, "ErrorContentConversionFailed", "graph.corrupt_item", Poison, Operator, Never),
    (200, "ErrorMimeContentConversionFailed", "graph.corrupt_item", Poison, Operator, Never),
    (200, "ErrorItemCorrupt", "graph.corrupt_item", Poison, Operator, Never),
    (200, "ErrorCorruptData", "graph.corrupt_item", Poison, Operator, Never),
    (200, "ErrorVirusDetected", "ews.virus", Poison, Operator, Never),
    (200, "ErrorAccountDisabled", "ews.account_disabled", Administrator, EntraAdministrator, Slow),
    (200, "ErrorPasswordExpired", "ews.password", SignIn, MailboxOwner, AfterSignIn),
    (200, "ErrorPasswordChangeRequired", "ews.password", SignIn, MailboxOwner, AfterSignIn),
    (200, "ErrorInvalidServerVersion", "ews.schema", Poison, Operator, Never),
    (200, "ErrorSchemaValidation", "ews.schema", Poison, Operator, Never),
    (200, "ErrorBatchProcessingStopped", "ews.crowded", Transient, Nobody, Soon),
];

pub(super) fn of_number(number: u32) -> Fault {
    let body = format!(
        r#"{{"error":"something_new","error_codes":[{number}],"error_description":"AADSTS{number}: words"}}"#
    );
    Fault::entra(&EntraError::read(400, body.as_bytes()))
}

/// OAuth's errors, with the status that they come with.
pub(super) const OAUTH: &[(u16, &str, &str)] = &[
    (400, "invalid_grant", "entra.grant_invalid"),
    (400, "interaction_required", "entra.sign_in_required"),
    (400, "login_required", "entra.sign_in_required"),
    (400, "consent_required", "entra.consent_required"),
    (401, "invalid_client", "entra.secret_wrong"),
    (400, "unauthorized_client", "entra.client_id"),
    (400, "invalid_resource", "entra.resource"),
    (400, "invalid_scope", "entra.scope"),
    (400, "invalid_request", "entra.request"),
    (400, "unsupported_grant_type", "entra.request"),
    (400, "unsupported_response_type", "entra.request"),
    (0, "access_denied", "entra.declined"),
    (400, "server_error", "entra.unavailable"),
    (400, "temporarily_unavailable", "entra.unavailable"),
    (400, "authorization_pending", "entra.device_code_pending"),
    (400, "slow_down", "entra.device_code_slow_down"),
    (400, "authorization_declined", "entra.device_code_declined"),
    (400, "bad_verification_code", "entra.device_code_wrong"),
    (400, "expired_token", "entra.device_code_over"),
];

/// What `suberror` adds to an ended grant.
pub(super) const SUBERRORS: &[(&str, &str)] = &[
    ("consent_required", "entra.consent_required"),
    ("user_password_expired", "entra.password_expired"),
    ("basic_action", "entra.sign_in_required"),
    ("additional_action", "entra.sign_in_required"),
    ("message_only", "entra.sign_in_required"),
    ("bad_token", "entra.grant_invalid"),
    ("token_expired", "entra.grant_invalid"),
    ("client_mismatch", "entra.grant_invalid"),
    ("protection_policy_required", "entra.app_not_approved"),
    ("device_authentication_failed", "entra.device_authentication"),
];

/// Exchange's reasons for refusing a token: id, words, category (`x-ms-diagnostics`).
pub(super) const DIAGNOSTICS: &[(u32, &str, &str, &str)] = &[
    (2_000_000, "The token has an invalid signature.", "invalid_signature", "graph.token_foreign"),
    (2_000_001, "The token is not valid.", "invalid_token", "graph.token"),
    (2_000_002, "The token has expired.", "token_expired", "graph.token_expired"),
    (2_000_003, "The audience claim value is invalid 'aud'.", "invalid_resource", "ews.audience"),
    (2_000_004, "The tenant is not valid.", "invalid_tenant", "graph.token_foreign"),
    (2_000_005, "The user is not valid.", "invalid_user", "graph.no_mailbox"),
    (2_000_006, "The client is not valid.", "invalid_client", "entra.app_disabled"),
    (2_000_007, "Internal error.", "internal_error", "graph.unavailable"),
    (2_000_008, "The grant is not valid.", "invalid_grant", "graph.token"),
];

/// Exchange's reasons for refusing EWS (`X-EWS-Policy-Reason`).
pub(super) const POLICIES: &[(&str, &str)] = &[
    ("EWS is disabled for this user or tenant", "ews.disabled"),
    ("EWS is blocked by policy for this user or tenant", "ews.not_allowed"),
];

const NONE: Evidence = Evidence { is_page: false, is_empty: false, claims_challenge: false };
const PAGE: Evidence = Evidence { is_page: true, ..NONE };
const EMPTY: Evidence = Evidence { is_empty: true, ..NONE };
const CHALLENGED: Evidence = Evidence { claims_challenge: true, ..NONE };

/// What a mail server's status says where there is no code.
pub(super) const STATUSES: &[(u16, Evidence, &str)] = &[
    (400, NONE, "graph.request"),
    (401, NONE, "graph.token"),
    (401, EMPTY, "graph.no_licence"),
    (401, CHALLENGED, "graph.claims"),
    (403, NONE, "graph.access_denied"),
    (403, CHALLENGED, "graph.claims"),
    (403, PAGE, "network.portal"),
    (404, NONE, "graph.unavailable"),
    (407, PAGE, "network.proxy"),
    (408, NONE, "graph.unavailable"),
    (409, NONE, "graph.conflict"),
    (410, NONE, "graph.place_forgotten"),
    (412, NONE, "graph.conflict"),
    (413, NONE, "graph.too_large"),
    (429, PAGE, "graph.throttled"),
    (500, NONE, "graph.unavailable"),
    (502, PAGE, "graph.unavailable"),
    (503, NONE, "graph.busy"),
    (504, NONE, "graph.unavailable"),
    (507, NONE, "graph.mailbox_full"),
    (509, NONE, "graph.throttled"),
    (511, PAGE, "network.portal"),
    (302, EMPTY, "network.portal"),
];

pub(super) fn of_oauth(status: u16, error: &str) -> Fault {
    Fault::entra(&EntraError { status, error: error.into(), ..Default::default() })
}

pub(super) fn of_suberror(suberror: &str) -> Fault {
    let (error, suberror) = ("invalid_grant".to_owned(), Some(suberror.to_owned()));
    Fault::entra(&EntraError { status: 400, error, suberror, ..Default::default() })
}

pub(super) fn of_status(status: u16, evidence: Evidence) -> Fault {
    Fault::graph(&GraphAnswer { status, evidence, ..Default::default() })
}

pub(super) fn of_diagnostics(number: u32, words: &str, category: &str) -> String {
    format!("{number};reason=\"{words}\";error_category=\"{category}\"")
}

pub(super) fn of_graph(status: u16, code: &str) -> Fault {
    Fault::graph(&GraphAnswer { status, codes: &[code], ..Default::default() })
}

pub(super) fn of_ews(status: u16, code: &str) -> Fault {
    Fault::ews(&EwsAnswer { status, code, ..Default::default() })
}

/// A person can do something with it.
pub(super) fn reads_well(fault: &Fault, code: &str) {
    let entry = fault.entry;
    assert!(!entry.id.ends_with(".unknown") && !fault.is_guess, "{code} has no entry: {}", entry.id);
    assert!(entry.cause.len() > 10 && entry.mend.len() > 10, "{code}: {}", entry.id);
    assert!(fault.sentence().contains(entry.cause) && fault.sentence().contains(entry.mend), "{code}");
    assert!(fault.code.contains(code), "{code} is shown as {}", fault.code);
}

fn letter(class: Class) -> char {
    match class {
        Transient => 'T',
        SignIn => 'U',
        Administrator => 'A',
        Configuration => 'C',
        Poison => 'P',
    }
}

#[test]
fn every_number_of_entra_has_its_entry() {
    for (number, classes, id, who, retry) in AADSTS.iter().chain(BEYOND_THE_REFERENCE) {
        let fault = of_number(*number);
        let entry = fault.entry;
        assert_eq!((entry.id, entry.who, entry.retry), (*id, *who, *retry), "AADSTS{number}");
        assert!(classes.contains(letter(entry.class)), "AADSTS{number} is {:?}, not {classes}", entry.class);
        reads_well(&fault, &format!("AADSTS{number}"));
    }
}

#[test]
fn every_code_of_graph_has_its_entry() {
    for (status, code, id, class, who, retry) in GRAPH {
        let fault = of_graph(*status, code);
        let entry = fault.entry;
        assert_eq!((entry.id, entry.class, entry.who, entry.retry), (*id, *class, *who, *retry), "{code}");
        reads_well(&fault, code);
    }
}

#[test]
fn every_response_code_of_ews_has_its_entry() {
    for (status, code, id, class, who, retry) in EWS {
        let fault = of_ews(*status, code);
        let entry = fault.entry;
        assert_eq!((entry.id, entry.class, entry.who, entry.retry), (*id, *class, *who, *retry), "{code}");
        reads_well(&fault, code);
    }
}

#[test]
fn oauth_errors_without_a_number_have_their_entry() {
    for (status, error, id) in OAUTH.iter().copied() {
        let fault = of_oauth(status, error);
        assert_eq!(fault.entry.id, id, "{status} {error}");
        reads_well(&fault, error);
    }
}

#[test]
fn a_suberror_says_more_than_its_error() {
    for (suberror, id) in SUBERRORS.iter().copied() {
        assert_eq!(of_suberror(suberror).entry.id, id, "{suberror}");
    }
}

#[test]
fn statuses_and_pages_without_a_code_have_their_entry() {
    let entra = |status, body: &[u8]| Fault::entra(&EntraError::read(status, body)).entry.id;
    let page = b"<!DOCTYPE html><html><body>Please accept the terms</body></html>";
    for (status, body, id) in [
        (429, b"".as_slice(), "entra.throttled"),
        (500, b"", "entra.unavailable"),
        (502, page.as_slice(), "entra.unavailable"),
        (503, b"", "entra.unavailable"),
        (504, b"", "entra.unavailable"),
        (400, page, "network.portal"),
        (302, b"", "network.portal"),
        (511, b"", "network.portal"),
        (407, page, "network.proxy"),
        (404, b"", "entra.unknown"),
    ] {
        assert_eq!(entra(status, body), id, "{status}");
    }
    for (status, evidence, id) in STATUSES.iter().copied() {
        assert_eq!(of_status(status, evidence).entry.id, id, "{status} {evidence:?}");
    }
}

#[test]
fn a_mail_server_says_why_it_refuses_a_token() {
    fn of(status: u16, policy: Option<&str>, diagnostics: Option<&str>, evidence: Evidence) -> &'static str {
        let answer = EwsAnswer { status, policy_reason: policy, diagnostics, ..Default::default() };
        Fault::ews_with(&answer, evidence).entry.id
    }
    let none = Evidence::default();
    for (number, words, category, id) in DIAGNOSTICS.iter().copied() {
        let diagnostics = of_diagnostics(number, words, category);
        assert_eq!(of(401, None, Some(&diagnostics), none), id, "{diagnostics}");
    }
    for (reason, id) in POLICIES {
        assert_eq!(of(403, Some(reason), None, none), *id, "{reason}");
    }
    assert_eq!(of(403, None, None, none), "graph.access_denied");
    assert_eq!(of(401, None, None, none), "graph.token");
    assert_eq!(of(401, None, None, Evidence { is_empty: true, ..none }), "graph.no_licence");
    assert_eq!(of(401, None, None, Evidence { claims_challenge: true, ..none }), "graph.claims");
    assert_eq!(of(302, None, None, none), "ews.redirected");
    assert_eq!(of(451, None, None, none), "ews.redirected");
    assert_eq!(of(404, None, None, none), "ews.not_there");
    assert_eq!(of(503, None, None, none), "graph.busy");
    assert_eq!(of(504, None, None, none), "graph.unavailable");
    let graph = |diagnostics| {
        Fault::graph(&GraphAnswer { status: 401, diagnostics: Some(diagnostics), ..Default::default() })
            .entry
            .id
    };
    assert_eq!(graph("2000003;reason=\"x\""), "graph.audience");
}

#[test]
fn the_words_about_odata_choose_a_hint_and_nothing_else() {
    let of = |message| {
        let codes = &["ErrorAccessDenied"];
        Fault::graph(&GraphAnswer { status: 403, codes, message, ..Default::default() }).entry
    };
    let (policy, denied) =
        (of("Access to OData is disabled."), of("Access is denied. Check credentials and try again."));
    assert_eq!((policy.id, denied.id), ("graph.access_policy", "graph.access_denied"));
    assert_eq!((policy.class, policy.who, policy.retry), (denied.class, denied.who, denied.retry));
    assert!(policy.command.is_some_and(|command| command.contains("Test-ApplicationAccessPolicy")));
    assert!(denied.command.is_some_and(|command| command.contains("Test-ServicePrincipalAuthorization")));
}

#[test]
fn the_two_ways_to_an_administrators_approval_differ() {
    let of = |number| Fault::entra(&EntraError { error_codes: vec![number], ..Default::default() }).entry;
    let (link, form) = (of(90094), of(90095));
    assert_ne!(link.mend, form.mend);
    assert!(link.mend.contains("consent link") && form.mend.contains("Request approval"));
    assert_eq!(form.page, Some(Page::ConsentRequests));
    assert!(link.awaits_approval() && form.awaits_approval() && of(65001).awaits_approval());
    assert!(!of(50173).awaits_approval());
}

/// Promise: what ends a refresh token ends it for whatever it was used for, and only a new sign-in brings it back; a refusal of one resource
/// or a condition of one sign-in ends none.
#[test]
fn an_ended_grant_is_told_apart_from_a_refusal() {
    let of = |number| Fault::entra(&EntraError { error_codes: vec![number], ..Default::default() }).entry;
    for number in [50_132, 50_133, 50_173, 70_008, 700_003, 700_082, 700_084, 500_341] {
        assert!(of(number).ends_grant() && of(number).retry == Retry::AfterSignIn, "{number}");
    }
    for number in [50_057, 50_076, 53_003, 65_001, 70_000, 90_094, 500_011, 650_052, 7_000_222] {
        assert!(!of(number).ends_grant(), "{number}");
    }
}

/// Where data that is not part of the project lies.
fn reference() -> Option<String> {
    let shared = std::env::var("POSTROOM_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let found = std::fs::read_to_string(format!("{shared}/facts/microsoft.md")).ok();
    if found.is_none() {
        #[allow(clippy::print_stdout, reason = "a skipped check is told")]
        {
            println!("skipped: facts/microsoft.md (shared data not present)");
        }
    }
    found
}

/// The first cells of the tables between two headings, without remarks in brackets.
fn first_cells<'a>(text: &'a str, from: &str, to: &str) -> Vec<(String, &'a str)> {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("the reference has no {from}"));
    let (part, _) = rest.split_once(to).unwrap_or_else(|| panic!("the reference has no {to}"));
    let remarks = regex::Regex::new(r"\[[^\]]*\]|\([^)]*\)").expect("valid");
    let rows = part.lines().filter(|line| line.starts_with('|') && !line.starts_with("|--"));
    rows.map(|line| {
        let cell = line.trim_matches('|').split('|').next().unwrap_or_default();
        (remarks.replace_all(cell, "").into_owned(), line)
    })
    .collect()
}

#[test]
fn no_code_of_the_reference_is_without_an_entry() {
    let Some(text) = reference() else { return };
    let number = regex::Regex::new(r"(\d{5,7})(?:–(\d{5,7}))?").expect("valid");
    let mut checked = 0;
    for (cell, line) in first_cells(&text, "### A.9", "### A.10") {
        for found in number.captures_iter(&cell) {
            let at = |group: usize| found.get(group).and_then(|text| text.as_str().parse::<u32>().ok());
            let first = at(1).expect("a number");
            for number in first..=at(2).unwrap_or(first) {
                assert!(crate::entra::by_number(number).is_some(), "AADSTS{number} has no entry: {line}");
                assert!(AADSTS.iter().any(|row| row.0 == number), "AADSTS{number} has no row in this table");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, AADSTS.len(), "this table and the reference have the same numbers");

    let code = regex::Regex::new(r"…?[A-Za-z][A-Za-z0-9_]*(?:--[A-Za-z]+)?\*?").expect("valid");
    let mut checked = 0;
    for (from, to, is_ews) in [("### B.6", "## C. EWS", false), ("| ResponseCode |", "Full list", true)] {
        for (cell, line) in first_cells(&text, from, to) {
            for found in code.find_iter(&cell).map(|found| found.as_str()) {
                // The head of the table.
                if matches!(found, "Code" | "Action") {
                    continue;
                }
                // `…InvalidBase64String` shortens the code before it; a star stands for every end.
                let is_it = |code: &str| match (found.strip_prefix('…'), found.strip_suffix('*')) {
                    (Some(end), _) => code.ends_with(end),
                    (None, Some(begin)) => code.starts_with(begin),
                    (None, None) => code == found,
                };
                let table = if is_ews { EWS } else { GRAPH };
                let rows: Vec<&str> = table.iter().map(|row| row.1).filter(|code| is_it(code)).collect();
                assert!(!rows.is_empty(), "{found} has no row in this table: {line}");
                for code in rows.into_iter().filter(|code| *code != "UnknownError") {
                    let known = if is_ews { crate::ews::by_code(code) } else { graph::by_code(code) };
                    assert!(known.is_some(), "{code} has no entry: {line}");
                }
                checked += 1;
            }
        }
    }
    assert!(checked >= 110, "{checked} codes read from the reference");
}
