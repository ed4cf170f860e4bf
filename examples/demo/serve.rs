//! `--serve`: the servers stay up, for a browser, `curl` or somebody's own client.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use tokio::signal;
use tower_fapi::{
    authorization_server::Lifetimes,
    client::{AuthorizationRequest, AuthorizationResponse, Client},
};

use crate::{
    Outcome,
    application::Application,
    books,
    browser::Browser,
    introduce, planner, print,
    world::{self, Plan, World},
};

/// Where the ports begin, if they are free.
const FIRST_PORT: u16 = 9443;

pub async fn serve() -> Outcome {
    let listener = world::listener(Some(FIRST_PORT + 3)).await?;
    let application = format!("http://{}", listener.local_addr()?);
    let redirect_uri = format!("{application}/callback");
    let mut lifetimes = Lifetimes::default();
    // Long enough to copy and paste at leisure.
    lifetimes.pushed_request = Duration::from_secs(599);
    lifetimes.access_token = Duration::from_hours(1);
    let world = World::start(&Plan {
        first_port: Some(FIRST_PORT),
        lifetimes,
        also_returns_to: Some(redirect_uri.clone()),
    })
    .await?;
    introduce(&world);

    let files = Files::write(&world, &token(&world, &books(&world)?).await?)?;
    let planner = planner(&world)?;
    let request = AuthorizationRequest::new(redirect_uri)?.scope("accounts")?;
    let application_server = Application::new(planner, request, format!("{}/accounts", world.api));
    let url = application_server.begin().await?;
    explain(&world, &files, &application, url.as_str());
    world.tap.print();

    let server = tokio::spawn(application_server.serve(listener));
    signal::ctrl_c().await?;
    print::line("\nThe servers end.");
    server.abort();
    world.stop().await;
    Ok(())
}

/// An access token of the client with a certificate, approved by Ada in the browser without a screen.
async fn token(world: &World, books: &Client) -> Outcome<String> {
    let request = AuthorizationRequest::new(world.cast.books.redirect_uri)?.scope("accounts")?;
    let pending = books.authorize(&request).await?;
    let mut browser = Browser::new(world.http(None)?);
    let back = browser.approve(pending.url(), &world.cast.ada).await?;
    let response = AuthorizationResponse::from_url(back.as_str())?;
    let tokens = books.complete(&pending, &response).await?;
    Ok(tokens.access_token().secret().to_owned())
}

fn explain(world: &World, files: &Files, application: &str, url: &str) {
    let World {
        issuer,
        mtls,
        api,
        cast,
        ..
    } = world;
    let heading = |text| print::line(format_args!("\n   {}", print::bold(text)));
    let command = |text: &str| print::line(format_args!("       {text}"));

    heading("In a browser");
    print::row(0, "open", application);
    print::row(0, "or, within ten minutes", url);
    let credentials = format!("{}   password: {}", cast.ada.username, cast.ada.password);
    print::row(0, "sign in as", credentials);
    let authority = files.0.join("ca.pem");
    let warning = format_args!("of an authority no browser knows: {}", authority.display());
    print::row(0, "the certificates are", warning);

    heading("With curl");
    command(&format!("cd {}", files.0.display()));
    comment("what anybody can see");
    command(&format!(
        "curl --cacert ca.pem {issuer}/.well-known/oauth-authorization-server"
    ));
    command(&format!("curl --cacert ca.pem -i {api}/accounts"));
    comment("a certificate-bound token of Ada's: with the certificate, and without it");
    let token = "-H \"Authorization: Bearer $(cat token)\"";
    command(&format!(
        "curl --cacert ca.pem --cert client.pem {token} {api}/accounts"
    ));
    command(&format!("curl --cacert ca.pem -i {token} {api}/accounts"));
    comment("an authorization request, pushed");
    command(&format!(
        "curl --cacert ca.pem --cert client.pem {mtls}/par -d response_type=code -d scope=accounts \\"
    ));
    let (client, redirect_uri) = (cast.books.id, cast.books.redirect_uri);
    command(&format!(
        "  -d client_id={client} -d redirect_uri={redirect_uri} -d code_challenge_method=S256 \\"
    ));
    // RFC 7636 Appendix B.
    command("  -d code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");

    heading("Ctrl-c ends the servers. Requests as they come:");
    print::line("");
}

fn comment(text: &str) {
    print::line(format_args!("       {}", print::dim(&format!("# {text}"))));
}

/// What `curl` needs, in a directory that nobody else can read and that goes when the demo ends.
struct Files(PathBuf);

impl Files {
    fn write(world: &World, token: &str) -> Outcome<Self> {
        let path = env::temp_dir().join(format!("tower-fapi-demo-{}", process::id()));
        create_private(&path)?;
        let files = Self(path);
        fs::write(files.0.join("ca.pem"), world.authority.pem())?;
        let certificate = &world.cast.books.certificate;
        fs::write(files.0.join("client.pem"), certificate.both())?;
        fs::write(files.0.join("token"), token)?;
        Ok(files)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            print::line(format_args!(
                "{} could not be removed: {error}",
                self.0.display()
            ));
        }
    }
}

/// Fails if there is something already, lest somebody else has put it there.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
