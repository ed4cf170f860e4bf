//! The routes of the file as an axum router behind the layers.

use std::time::Duration;

use axum::{
    Router,
    http::{Method, StatusCode},
    routing::{MethodFilter, MethodRouter, on},
};
use toml::Spanned;
use tower::Layer as _;
use tower_fapi::{
    layer::{Fapi, FapiLayer, RequireAuthentication, RequireAuthorizationDetail, RequireScope},
    resource_server::ResourceServer,
};

use super::{
    answer,
    file::{Route, Texts},
    mistake::{Mistake, Mistakes},
};

/// A router for the routes, not yet protected.
pub(super) fn router(routes: &Spanned<Vec<Route>>, mistakes: &mut Mistakes) -> Router {
    let mut app = Router::new();
    let mut taken = Vec::new();
    for route in routes.get_ref() {
        let Some((path, methods, handler)) = mistakes.sort_out(endpoint(route)) else {
            continue;
        };
        let mut endpoints = methods.into_iter().map(|method| (path.clone(), method));
        if let Some((_, method)) = endpoints.clone().find(|endpoint| taken.contains(endpoint)) {
            let reason = format!("{method} requests to this path are answered by a route above");
            mistakes.note(Mistake::at(&route.path, reason));
            continue;
        }
        taken.extend(&mut endpoints);
        // It panics for a second handler of a method and for a path it cannot read: both have been ruled out.
        app = app.route(&path, handler);
    }
    if routes.get_ref().is_empty() {
        mistakes.note(Mistake::at(routes, "there has to be a route"));
    }
    app
}

/// One route: the path as axum wants it, the methods, and what answers them.
fn endpoint(route: &Route) -> Result<(String, Vec<Method>, MethodRouter), Mistake> {
    let path = router_path(&route.path)?;
    let (methods, filter) = methods(&route.methods)?;
    let name = Some(route.path.get_ref().as_str().into());
    let mut handler = on(filter, answer::handler(StatusCode::OK, None, name));
    // What is added last is asked first: a stronger sign-in may be all that is missing.
    if let Some(kind) = &route.authorization_details_type {
        if kind.get_ref().is_empty() {
            return Err(Mistake::at(kind, "a type cannot be empty"));
        }
        let demand = RequireAuthorizationDetail::of_type(kind.get_ref().as_str());
        handler = handler.route_layer(demand);
    }
    if let Some(scopes) = &route.scopes_all {
        let demand = RequireScope::all_of(texts(scopes));
        handler = handler.route_layer(demand.map_err(|_| wrong_scope(scopes))?);
    }
    if let Some(scopes) = &route.scopes_any {
        let demand = RequireScope::any_of(texts(scopes));
        handler = handler.route_layer(demand.map_err(|_| wrong_scope(scopes))?);
    }
    if let Some(demand) = sign_in(route)? {
        handler = handler.route_layer(demand);
    }
    Ok((path, methods, handler))
}

/// How strongly and how recently the user has to have signed in, if that matters.
fn sign_in(route: &Route) -> Result<Option<RequireAuthentication>, Mistake> {
    let max_age = match &route.max_age_seconds {
        Some(seconds) if *seconds.get_ref() == 0 => {
            return Err(Mistake::at(seconds, "nobody could ever meet this"));
        }
        Some(seconds) => Some(Duration::from_secs(*seconds.get_ref())),
        None => None,
    };
    let Some(values) = &route.acr_values else {
        return Ok(max_age.map(RequireAuthentication::max_age));
    };
    let strong = RequireAuthentication::acr(texts(values));
    let strong = strong.map_err(|error| Mistake::at(values, error))?;
    Ok(Some(match max_age {
        Some(max_age) => strong.within(max_age),
        None => strong,
    }))
}

/// Puts the layer in front of everything, what is not found included.
///
/// In front of the router, that is, and not of each route, as [`Router::layer`] would: there axum adds an `Allow` header to
/// refusals, and strangers could tell which paths there are.
pub(super) fn protected(app: Router, server: ResourceServer) -> Fapi<Router> {
    let missing = Some("no route of the configuration file has this path");
    let wrong_method = Some("the routes with this path do not have this method");
    let app = app
        .fallback(answer::handler(StatusCode::NOT_FOUND, missing, None))
        .method_not_allowed_fallback(answer::handler(
            StatusCode::METHOD_NOT_ALLOWED,
            wrong_method,
            None,
        ));
    FapiLayer::new(server).layer(app)
}

/// The path as axum wants it. Parameters get names of ours: paths that match the same requests have to be equal.
fn router_path(path: &Spanned<String>) -> Result<String, Mistake> {
    let Some(segments) = path.get_ref().strip_prefix('/') else {
        return Err(Mistake::at(path, "a path begins with a slash"));
    };
    let mut router_path = String::new();
    for (position, segment) in segments.split('/').enumerate() {
        let name = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        router_path.push('/');
        match name {
            Some(name) if !name.is_empty() && name.bytes().all(is_word) => {
                router_path.push_str("{p");
                router_path.push_str(&position.to_string());
                router_path.push('}');
            }
            None if segment.bytes().all(is_path_character) && !segment.starts_with([':', '*']) => {
                router_path.push_str(segment);
            }
            Some(_) | None => {
                let reason = format!(
                    "{segment:?} is neither a path segment, percent-encoded where it must be, nor a {{name}}"
                );
                return Err(Mistake::at(path, reason));
            }
        }
    }
    Ok(router_path)
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `pchar` (RFC 3986 §3.3).
const fn is_path_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b':'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

fn methods(names: &Texts) -> Result<(Vec<Method>, MethodFilter), Mistake> {
    let mut methods = Vec::new();
    let mut filter: Option<MethodFilter> = None;
    for name in names.get_ref() {
        // Methods are case-sensitive (RFC 9110 §9.1): `get` is another one, which nobody has defined.
        let method = Method::from_bytes(name.get_ref().as_bytes()).ok();
        let Some((method, one)) = method.and_then(known) else {
            let reason = format!("{:?} is no method like GET or POST", name.get_ref());
            return Err(Mistake::at(name, reason));
        };
        if methods.contains(&method) {
            return Err(Mistake::at(name, "this method is given twice"));
        }
        methods.push(method);
        filter = Some(filter.map_or(one, |filter| filter.or(one)));
    }
    match filter {
        Some(filter) => Ok((methods, filter)),
        None => Err(Mistake::at(names, "there has to be a method")),
    }
}

fn known(method: Method) -> Option<(Method, MethodFilter)> {
    let filter = MethodFilter::try_from(method.clone()).ok()?;
    Some((method, filter))
}

fn texts(values: &Texts) -> impl Iterator<Item = &str> {
    values
        .get_ref()
        .iter()
        .map(|value| value.get_ref().as_str())
}

/// Which of the scopes is none, or that there are none at all.
fn wrong_scope(scopes: &Texts) -> Mistake {
    let is_wrong =
        |scope: &&Spanned<String>| RequireScope::all_of([scope.get_ref().as_str()]).is_err();
    match scopes.get_ref().iter().find(is_wrong) {
        Some(scope) => Mistake::at(scope, "not one scope value (RFC 6749, section 3.3)"),
        None => Mistake::at(
            scopes,
            "there has to be a scope; leave the key out to demand none",
        ),
    }
}
