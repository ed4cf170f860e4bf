//! Servers in turn, several rounds; or one that is there.

use crate::{
    Outcome,
    arguments::Arguments,
    entrant::{Entrant, publish_keys},
    folder::Folder,
    measure::Way,
    report::{self, Series},
};

pub fn compare(arguments: &Arguments) -> Outcome {
    arguments.check()?;
    let entrants = Entrant::all(arguments)?;
    let folder = Folder::of_run(arguments)?;
    let issuer = if entrants.iter().any(Entrant::fetches_keys) {
        Some(publish_keys(arguments, &folder)?)
    } else {
        None
    };
    let jwks_uri = issuer.as_ref().map_or("", |(_, uri)| uri);
    let mut series: Vec<_> = entrants
        .iter()
        .map(|entrant| Series::new(&entrant.label))
        .collect();
    let mut faults = 0;
    for round in 1..=arguments.at_least_one("rounds", 3)? {
        println!("\nround {round}");
        report::heading();
        for (entrant, series) in entrants.iter().zip(&mut series) {
            let label = &entrant.label;
            let fault = match entrant.run(arguments, &folder, jwks_uri) {
                Err(error) => Some(error.to_string()),
                Ok((way, sent, measured)) => {
                    report::row(label, &measured);
                    if round == 1 && measured.fault().is_none() {
                        report::note(&format!("sent: {sent}"));
                    }
                    let described = way.describe(arguments)?;
                    report::append(arguments, label, round, described, &measured)?;
                    let fault = measured.fault();
                    series.push(measured);
                    fault
                }
            };
            if let Some(fault) = fault {
                report::failure(label, &fault);
                series.skip(round);
                faults += 1;
            }
        }
    }
    report::ratios(&series);
    match faults {
        0 => Ok(()),
        faults => Err(format!("{faults} run(s) yielded no figures, see above").into()),
    }
}

/// One run against a server that is there.
pub fn drive_one(arguments: &Arguments) -> Outcome {
    arguments.check()?;
    let url = arguments
        .text("url")
        .ok_or("--url is missing: where should requests go?")?;
    let pid = arguments.number("server-pid", 0)?;
    let pid = u32::try_from(pid).ok().filter(|pid| *pid != 0);
    let folder = if arguments.given("folder") {
        Some(Folder::of(arguments)?)
    } else {
        None
    };
    let way = Way {
        url: url.to_owned(),
        htu: arguments.text("htu").unwrap_or(url).to_owned(),
        binding: arguments.binding()?,
        http2: arguments.http2()?,
        clients: arguments.at_least_one("clients", 1)?,
        reuse: arguments.given("reuse"),
        pid,
    };
    let (sent, measured) = way.measure(arguments, folder.as_ref())?;
    if measured.fault().is_none() {
        report::heading();
    }
    report::row("driven", &measured);
    report::note(&format!("sent: {sent}"));
    report::append(arguments, url, 1, way.describe(arguments)?, &measured)?;
    match measured.fault() {
        None => Ok(()),
        Some(fault) => Err(fault.into()),
    }
}
