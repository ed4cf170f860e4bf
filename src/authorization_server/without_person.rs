//! Clients that get tokens on their own behalf (RFC 6749 §4.4), as far as the configuration decides.

use super::{
    authorization_details::DetailsTypes, clients::Clients, config_error::ConfigError,
    people::Authenticator, scope::ScopeDescription,
};

/// The scopes of OpenID Connect Core §3.1.2.1, §5.4 and §11.
const PERSONAL_SCOPES: [&str; 6] = [
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
];

/// Whether there is something to put into the tokens of such clients, whether none of it is about a person, and whether
/// it is clear whose they are.
pub(crate) fn check(
    clients: &Clients,
    scopes: &[ScopeDescription],
    types: &DetailsTypes,
    people: &dyn Authenticator,
) -> Result<(), ConfigError> {
    let mut free = scopes.iter().filter(|scope| scope.without_person);
    if let Some(scope) = free.find(|scope| PERSONAL_SCOPES.contains(&scope.name.as_str())) {
        return Err(ConfigError::PersonalScope(scope.name.clone()));
    }
    for client in clients.iter() {
        if !client.grants.client_credentials {
            continue;
        }
        let mut free = scopes.iter().filter(|scope| scope.without_person);
        let mut kinds = client.details_types.iter();
        if !free.any(|scope| client.scopes.contains(&scope.name))
            && !kinds.any(|kind| types.is_without_person(kind))
        {
            return Err(ConfigError::NothingAlone(client.id.clone()));
        }
        if people.has_subject(&client.id) {
            return Err(ConfigError::SharedSubject(client.id.clone()));
        }
    }
    Ok(())
}
