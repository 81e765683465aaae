//! Where access tokens come from.

use fault::Fault;
use futures::future::BoxFuture;
use secrecy::SecretString;

/// Access tokens of one account for one resource. The program implements it: tokens are stored sealed, a rotated refresh token
/// is committed before its access token is handed out, and one refresh runs at a time.
pub trait AccessTokens: Send + Sync {
    /// A token that lasts for a while.
    fn get(&self) -> BoxFuture<'_, Result<SecretString, Fault>>;

    /// The server refused this token: another one, refreshed by force unless somebody else has done so meanwhile.
    fn refused(&self, token: &SecretString) -> BoxFuture<'_, Result<SecretString, Fault>>;

    /// The server refused this token with a claims challenge (`claims` is its JSON, to be sent along with the refresh). Who
    /// did not opt in to continuous access evaluation is not challenged, and a forced refresh is all there is to do.
    fn challenged(&self, token: &SecretString, claims: &str) -> BoxFuture<'_, Result<SecretString, Fault>> {
        let _ = claims;
        self.refused(token)
    }
}
