//! Whom TLS connections trust: roots that are part of the program. To read a system's takes longer than most of a cold start.

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::MissingSetting;

/// The roots of Amazon Trust Services, under which AWS's endpoints are certified, as Mozilla has them.
const AWS: &[u8] = include_bytes!("roots/aws.pem");

type Certificates = Vec<CertificateDer<'static>>;

/// Those of AWS.
pub(crate) fn of_aws() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(AWS).flatten();
    // All five, as a test says.
    roots.add_parsable_certificates(certificates);
    roots
}

/// Mozilla's roots.
#[cfg(feature = "vendors")]
pub(crate) fn built_in() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

/// Those of the file that a variable names, as far as they can be used: a system's own may hold some that nobody can use.
pub(crate) fn in_file(variable: &'static str, path: &str) -> Result<RootCertStore, MissingSetting> {
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(certificates(variable, path)?) {
        (0, _) => Err(problem(variable, path, "none of it is a root")),
        _ => Ok(roots),
    }
}

fn certificates(variable: &'static str, path: &str) -> Result<Certificates, MissingSetting> {
    let pem = std::fs::read(path).map_err(|error| problem(variable, path, &error.to_string()))?;
    match CertificateDer::pem_slice_iter(&pem).collect::<Result<Certificates, _>>() {
        Ok(found) if found.is_empty() => {
            Err(problem(variable, path, "it holds no certificate in PEM"))
        }
        Ok(found) => Ok(found),
        Err(_) => Err(problem(variable, path, "it is not in PEM")),
    }
}

fn problem(variable: &'static str, path: &str, what: &str) -> MissingSetting {
    MissingSetting::new(variable, format!("the file {path} cannot be used: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/roots/aws.pem");

    #[test]
    fn the_roots_of_aws_are_mozillas() {
        let ours = certificates("AWS_CA_BUNDLE", FILE).expect("PEM");
        assert_eq!((ours.len(), of_aws().len()), (5, 5));
        for root in ours {
            assert!(webpki_root_certs::TLS_SERVER_ROOT_CERTS.contains(&root));
            RootCertStore::empty().add(root).expect("a root");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_its_variable() {
        let said = |path: &str| in_file("AWS_CA_BUNDLE", path).expect_err("of no use");
        let nowhere = said("/nowhere/roots.pem").to_string();
        let begins =
            "environment variable AWS_CA_BUNDLE: the file /nowhere/roots.pem cannot be used: ";
        assert!(nowhere.starts_with(begins), "{nowhere}");
        let other = said(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).to_string();
        assert!(other.ends_with("it holds no certificate in PEM"), "{other}");
    }

    #[test]
    fn a_file_of_roots_stands_for_the_built_in_ones() {
        let roots = in_file("SSL_CERT_FILE", FILE).expect("roots");
        assert_eq!(roots.len(), 5);
        assert!(built_in().len() > 100);
    }
}
