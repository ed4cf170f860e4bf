//! The gate in front of the settings that weaken a resource server.

use super::ResourceServerBuilder;

/// Settings that weaken a resource server, reached through
/// [`ResourceServerBuilder::dangerous`]; one search for `dangerous` finds every use.
///
/// [`migrating`](crate::guide::migrating) says how they serve.
#[derive(Debug)]
#[must_use = "choose a setting, which gives the builder back"]
pub struct DangerousSettings(ResourceServerBuilder);

impl DangerousSettings {
    pub(super) const fn new(builder: ResourceServerBuilder) -> Self {
        Self(builder)
    }

    /// Judges every request and refuses none: what would have been refused is logged, counted, and put as
    /// [`Reported`](crate::layer::Reported) into the extensions of request and answer.
    ///
    /// A request that would have been refused gets to the handler without an
    /// [`AccessToken`](crate::token::AccessToken), so whatever protects the API today has to stay.
    pub fn report_only(mut self) -> ResourceServerBuilder {
        self.0.enforcement.report_only = true;
        self.0
    }

    /// Lets tokens that are bound to nothing pass as bearer tokens. Whatever a token is bound to still has to hold.
    ///
    /// Handlers can tell by [`Confirmation::is_empty`](crate::token::Confirmation::is_empty).
    pub fn prefer_bound(mut self) -> ResourceServerBuilder {
        self.0.enforcement.prefer_bound = true;
        self.0
    }
}
