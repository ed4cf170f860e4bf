//! Audit events in the log.

use super::{AuditEvent, Decision};

/// Writes one event with the target `tower_fapi::audit`: our own faults as errors, everything else as information.
pub(crate) fn log(event: &AuditEvent<'_>) {
    // As text, so that it is quoted.
    let detail = event.rejection.map(ToString::to_string);
    macro_rules! write {
        ($level:ident) => {
            tracing::$level!(
                target: "tower_fapi::audit",
                decision = event.decision.as_str(),
                reason = event.reason(),
                detail = detail.as_deref(),
                method = %event.method,
                route = event.route,
                interaction_id = event.interaction_id,
                issuer = event.token.map(|token| token.issuer()),
                subject = event.token.map(|token| token.subject()),
                client = event.token.map(|token| token.client_id()),
                token_id = event.token.map(|token| token.id()),
                key = event.key.map(tracing::field::display),
                certificate = event.certificate.map(tracing::field::display),
                "request {}", event.decision,
            )
        };
    }
    match event.decision {
        Decision::Accepted | Decision::Refused | Decision::Reported => write!(info),
        Decision::Failed => write!(error),
    }
}
