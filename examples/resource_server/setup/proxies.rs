//! Who stands in front, and what of their headers is believed.

use std::{net::IpAddr, num::NonZeroUsize, str::FromStr};

use http::HeaderName;
use toml::Spanned;
use tower_fapi::{
    mtls::CertificateHeader,
    resource_server::{
        ForwardedUrl, IpNet, PathPrefix, ResourceServerBuilder, ServedHost, TrustedProxies,
        XForwarded,
    },
};

use super::{
    file::{CertificateForm, File, Proxies, Texts, UrlHeaders},
    mistake::{Mistake, Mistakes},
};

/// What the file says about the URL and about proxies, to be put into the builder; `None` if there are mistakes.
pub(super) struct Front {
    hosts: Vec<ServedHost>,
    internal_prefix: Option<PathPrefix>,
    proxies: Option<TrustedProxies>,
}

impl Front {
    pub(super) fn read(file: &File, mistakes: &mut Mistakes) -> Option<Self> {
        let hosts = mistakes.sort_out(hosts(file));
        let internal_prefix = mistakes.sort_out(parsed(file.internal_prefix.as_ref()));
        let proxies = match &file.proxies {
            Some(proxies) => mistakes
                .sort_out(trusted(file, proxies.get_ref()))
                .map(Some),
            None => Some(None),
        };
        Some(Self {
            hosts: hosts?,
            internal_prefix: internal_prefix?,
            proxies: proxies?,
        })
    }

    pub(super) fn apply(self, mut builder: ResourceServerBuilder) -> ResourceServerBuilder {
        builder = builder.hosts(self.hosts);
        if let Some(prefix) = self.internal_prefix {
            builder = builder.internal_prefix(prefix);
        }
        if let Some(proxies) = self.proxies {
            builder = builder.trusted_proxies(proxies);
        }
        builder
    }
}

fn hosts(file: &File) -> Result<Vec<ServedHost>, Mistake> {
    let Some(hosts) = &file.hosts else {
        return Ok(Vec::new());
    };
    if file.public_url.is_some() {
        return Err(Mistake::at(
            hosts,
            "has no effect, since there is a public_url",
        ));
    }
    if hosts.get_ref().is_empty() {
        return Err(Mistake::at(hosts, "there has to be one, or no list"));
    }
    each(hosts)
}

fn trusted(file: &File, section: &Proxies) -> Result<TrustedProxies, Mistake> {
    let networks = section.networks.get_ref().iter().map(network);
    let networks = networks.collect::<Result<Vec<_>, _>>()?;
    if networks.is_empty() {
        return Err(Mistake::at(&section.networks, "there has to be one"));
    }
    let mut proxies = TrustedProxies::new(networks);
    if let Some(header) = certificate_header(section)? {
        proxies = proxies.certificate_header(header);
    }
    if let Some(url) = url(file, section)? {
        proxies = proxies.url(url);
    }
    Ok(proxies)
}

/// A network, or a single address.
fn network(text: &Spanned<String>) -> Result<IpNet, Mistake> {
    let network = text.get_ref().parse::<IpNet>();
    let network = network.or_else(|_| text.get_ref().parse::<IpAddr>().map(IpNet::from));
    match network {
        Ok(network) if network.prefix_len() > 0 => Ok(network),
        Ok(_) => Err(Mistake::at(text, "everybody would be trusted")),
        Err(_) => Err(Mistake::at(
            text,
            "neither a network, such as 10.1.2.0/24, nor an address",
        )),
    }
}

fn certificate_header(section: &Proxies) -> Result<Option<CertificateHeader>, Mistake> {
    let name = section.certificate_header.as_ref();
    let Some(form) = &section.certificate else {
        return match name {
            Some(name) => Err(Mistake::at(name, "has no effect without certificate")),
            None => Ok(None),
        };
    };
    let own_name = || {
        let name =
            name.ok_or_else(|| Mistake::at(form, "certificate_header has to name the header"))?;
        name.get_ref()
            .parse::<HeaderName>()
            .map_err(|error| Mistake::at(name, error))
    };
    let header = match form.get_ref() {
        CertificateForm::EscapedPem => {
            return own_name().map(CertificateHeader::escaped_pem).map(Some);
        }
        CertificateForm::Base64Der => {
            return own_name().map(CertificateHeader::base64_der).map(Some);
        }
        CertificateForm::Rfc9440 => CertificateHeader::rfc9440(),
        CertificateForm::Envoy => CertificateHeader::envoy(),
        CertificateForm::Traefik => CertificateHeader::traefik(),
        CertificateForm::AwsAlb => CertificateHeader::aws_alb(),
        CertificateForm::AwsAlbLeaf => CertificateHeader::aws_alb_leaf(),
    };
    match name {
        Some(name) => Err(Mistake::at(
            name,
            "has no effect, since that form has a name of its own",
        )),
        None => Ok(Some(header)),
    }
}

fn url(file: &File, section: &Proxies) -> Result<Option<ForwardedUrl>, Mistake> {
    let Some(url) = &section.url else {
        if let Some(hops) = &section.hops {
            return Err(Mistake::at(hops, "has no effect without url"));
        }
        return match &section.public_prefix {
            Some(prefix) => Err(Mistake::at(prefix, "has no effect without url")),
            None => Ok(None),
        };
    };
    if file.public_url.is_some() {
        return Err(Mistake::at(
            url,
            "has no effect, since there is a public_url",
        ));
    }
    let mut told = match url.get_ref() {
        UrlHeaders::Forwarded => ForwardedUrl::forwarded(),
        UrlHeaders::XForwarded => ForwardedUrl::x_forwarded(XForwarded::new()),
        UrlHeaders::XForwardedProto => ForwardedUrl::x_forwarded(XForwarded::new().without_host()),
        UrlHeaders::XForwardedWithPort => ForwardedUrl::x_forwarded(XForwarded::new().with_port()),
    };
    if let Some(hops) = &section.hops {
        let number = NonZeroUsize::new(*hops.get_ref());
        told = told.hops(number.ok_or_else(|| Mistake::at(hops, "has to be one at least"))?);
    }
    if let Some(prefix) = parsed(section.public_prefix.as_ref())? {
        told = told.public_prefix(prefix);
    }
    Ok(Some(told))
}

fn each<T: FromStr<Err: std::fmt::Display>>(texts: &Texts) -> Result<Vec<T>, Mistake> {
    let texts = texts.get_ref().iter();
    texts.map(|text| parse(text)).collect()
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(
    text: Option<&Spanned<String>>,
) -> Result<Option<T>, Mistake> {
    text.map(parse).transpose()
}

fn parse<T: FromStr<Err: std::fmt::Display>>(text: &Spanned<String>) -> Result<T, Mistake> {
    text.get_ref()
        .parse()
        .map_err(|error| Mistake::at(text, error))
}
