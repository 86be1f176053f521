//! TLS towards the broker, as the options say (`spec/rpc.md` §8).
//!
//! Without an authority nothing is checked, as in the original: the connection is encrypted, and
//! nobody knows to whom. With one, the certificate has to be of it, and its name is compared where
//! the option wants that and one host is configured. Read anew for each connection, so that renewed files
//! are used.

use std::io;
use std::sync::Arc;

use lapin::tcp::RustlsConnector;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use crate::options::RabbitOptions;

/// What secures a connection to one of so many hosts.
///
/// # Errors
///
/// A file cannot be read, or holds something else.
pub(super) fn connector(options: &RabbitOptions, hosts: usize) -> io::Result<RustlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = versions(&options.ssl_version)?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?;
    let (provider, check) = if options.ssl_ca_file.is_empty() {
        (provider, Check::Nothing)
    } else {
        let trusted = certificates(&options.ssl_ca_file)?;
        let roots = Arc::new(roots(&options.ssl_ca_file, &trusted)?);
        let of_authority =
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let of_authority = of_authority.build().map_err(io::Error::other)?;
        let by_name = options.ssl_enforce_hostname_verification && hosts == 1;
        (provider, Check::Authority { of_authority, trusted, by_name })
    };
    let verifier = Arc::new(Verifier { provider, check });
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let config = if options.ssl_cert_file.is_empty() {
        builder.with_no_client_auth()
    } else {
        let (chain, key) = identity(options)?;
        builder.with_client_auth_cert(chain, key).map_err(|error| {
            io::Error::other(format!("{} and its key: {error}", options.ssl_cert_file))
        })?
    };
    Ok(config.into())
}

/// The oldest version that is allowed. What is below 1.2 is refused, and not replaced by something else.
fn versions(oldest: &str) -> io::Result<&'static [&'static SupportedProtocolVersion]> {
    const MODERN: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
    match oldest.to_ascii_lowercase().as_str() {
        "" | "tlsv1_2" | "sslv23" => Ok(rustls::ALL_VERSIONS),
        "tlsv1_3" => Ok(MODERN),
        _ => Err(io::Error::other(format!("ssl_version {oldest} is not supported"))),
    }
}

fn roots(path: &str, trusted: &[CertificateDer<'static>]) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).map_err(|error| named(path, &error))?;
    }
    Ok(roots)
}

fn certificates(path: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let all: Vec<_> = read.map_err(|error| named(path, &error))?;
    if all.is_empty() { Err(named(path, &"no certificate in it")) } else { Ok(all) }
}

/// The certificate that is shown, with its key, which may be in the same file.
fn identity(
    options: &RabbitOptions,
) -> io::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let path = [&options.ssl_key_file, &options.ssl_cert_file];
    let path = path.into_iter().find(|path| !path.is_empty()).map_or("", String::as_str);
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| named(path, &error))?;
    Ok((certificates(&options.ssl_cert_file)?, key))
}

fn named(path: &str, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{path}: {error}"))
}

/// How much of a broker's certificate is checked.
#[derive(Debug)]
enum Check {
    Nothing,
    Authority {
        of_authority: Arc<WebPkiServerVerifier>,
        /// Its certificates as they are.
        trusted: Vec<CertificateDer<'static>>,
        by_name: bool,
    },
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    check: Check,
}

/// Whether a server has shown the certificate of an authority as its own.
fn is_authority(error: &rustls::OtherError) -> bool {
    error.to_string().contains("CaUsedAsEndEntity")
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Check::Authority { of_authority, trusted, by_name } = &self.check else {
            return Ok(ServerCertVerified::assertion());
        };
        match of_authority.verify_server_cert(certificate, others, name, ocsp, now) {
            // The name is the last thing that is looked at: everything else is in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !by_name => Ok(ServerCertVerified::assertion()),
            // A broker's own certificate in the file of authorities is trusted as everywhere else, although it
            // calls itself an authority. That is found out after its time has been looked at, and before its name.
            Err(Error::InvalidCertificate(CertificateError::Other(error)))
                if is_authority(&error) =>
            {
                if !trusted.contains(certificate) {
                    let what = "a certificate that is signed by itself, or an authority's, and not in ssl_ca_file";
                    return Err(Error::General(what.to_owned()));
                }
                if *by_name {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
