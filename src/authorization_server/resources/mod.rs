//! The resource servers that tokens are for (RFC 8707): the keys their tokens are encrypted to, and how they ask about them.

mod inquirer;
mod metadata;
mod recipient;

use std::sync::Arc;

pub(crate) use self::inquirer::Inquirer;
pub use self::metadata::{InvalidResource, ResourceMetadata, ResourceProblem};
use super::{
    clients::{Clients, KeySource},
    keys::SigningKeys,
    sealing::Recipient,
};
use crate::time::Timestamp;

/// The resource servers that tokens can be for.
#[derive(Debug)]
pub(crate) struct Resources {
    /// The `aud` of tokens whose client named no resource (RFC 9068 §3).
    pub(crate) default: String,
    registered: Vec<Resource>,
}

#[derive(Debug)]
struct Resource {
    identifier: String,
    /// Whom its tokens are encrypted to, if they are.
    recipient: Option<Recipient>,
    /// How it asks about its tokens, if it may.
    inquirer: Option<Arc<Inquirer>>,
}

impl Resources {
    /// Checks every resource server. The default one may be among `others`, with more to say about it.
    pub(crate) fn new(
        default: ResourceMetadata,
        others: Vec<ResourceMetadata>,
        source: &KeySource,
    ) -> Result<Self, InvalidResource> {
        let identifier = default.resource.clone();
        let is_bare = default == ResourceMetadata::from(identifier.as_str());
        let described = is_bare && others.iter().any(|other| other.resource == identifier);
        let default = Some(default).filter(|_| !described);
        let mut registered: Vec<Resource> = Vec::new();
        for metadata in default.into_iter().chain(others) {
            let invalid = |problem| InvalidResource {
                resource: metadata.resource.clone(),
                problem,
            };
            if !is_identifier(&metadata.resource) {
                return Err(invalid(ResourceProblem::Identifier));
            }
            if registered
                .iter()
                .any(|known| known.identifier == metadata.resource)
            {
                return Err(invalid(ResourceProblem::Duplicate));
            }
            let recipient = Recipient::of_tokens(&metadata, source).map_err(invalid)?;
            let inquirer = Inquirer::register(&metadata, source).map_err(invalid)?;
            registered.push(Resource {
                identifier: metadata.resource,
                recipient,
                inquirer: inquirer.map(Arc::new),
            });
        }
        Ok(Self {
            default: identifier,
            registered,
        })
    }

    /// Checks those who ask about tokens against each other, the clients and the keys that sign the answers.
    pub(crate) fn check_inquirers(
        &self,
        clients: &Clients,
        keys: &SigningKeys,
        now: Timestamp,
    ) -> Result<(), InvalidResource> {
        for (index, inquirer) in self.inquirers().enumerate() {
            let invalid = |problem| InvalidResource {
                resource: inquirer.resource.clone(),
                problem,
            };
            let id = &inquirer.client_id;
            let mut others = self.inquirers().take(index);
            if clients.get(id).is_some() || others.any(|other| other.client_id == *id) {
                return Err(invalid(ResourceProblem::ClientIdTaken(id.clone())));
            }
            if let Some(algorithm) = inquirer.algorithm
                && keys.signing_with(Some(algorithm), now).is_err()
            {
                return Err(invalid(ResourceProblem::NoSigningKey(algorithm)));
            }
        }
        Ok(())
    }

    /// Those who may ask about tokens.
    pub(crate) fn inquirers(&self) -> impl Iterator<Item = &Arc<Inquirer>> {
        self.registered
            .iter()
            .filter_map(|resource| resource.inquirer.as_ref())
    }

    pub(crate) fn inquirer(&self, client_id: &str) -> Option<&Arc<Inquirer>> {
        self.inquirers()
            .find(|inquirer| inquirer.client_id == client_id)
    }

    pub(crate) fn contains(&self, resource: &str) -> bool {
        self.get(resource).is_some()
    }

    /// Whom the tokens of a resource server are encrypted to, if they are.
    pub(crate) fn recipient(&self, resource: &str) -> Option<&Recipient> {
        self.get(resource)?.recipient.as_ref()
    }

    fn get(&self, resource: &str) -> Option<&Resource> {
        self.registered
            .iter()
            .find(|known| known.identifier == resource)
    }
}

/// An absolute URI without fragment (RFC 8707 §2).
fn is_identifier(resource: &str) -> bool {
    let absolute = url::Url::parse(resource).is_ok_and(|url| url.fragment().is_none());
    absolute && resource.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
impl Resources {
    /// Resource servers that want their tokens in the clear.
    pub(crate) fn of(default: &str, others: &[&str]) -> Self {
        let plain = |identifier: &str| Resource {
            identifier: identifier.to_owned(),
            recipient: None,
            inquirer: None,
        };
        let others = others.iter().copied();
        Self {
            default: default.to_owned(),
            registered: std::iter::once(default).chain(others).map(plain).collect(),
        }
    }
}
