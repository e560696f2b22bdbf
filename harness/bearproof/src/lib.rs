//! The command line: reads arguments, runs one command, ends with its code. It must not do any of the work.
//! It is a library so that fuzz targets reach what it reads and writes, by [`properties`]; the program calls
//! [`run_program`] alone.

mod clock;
mod commands;
mod embedded;
mod hooks;
mod http_subject;
mod journal;
mod marked;
mod open_loop;
mod pace;
mod progress;
pub mod properties;
mod readme;
mod report;
mod server;
mod wire;

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bearproof_conform::results::Level;
use bearproof_conform::shard::Shard;
use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::target::Reaching;
use crate::commands::{
    Done, Failure, again, defects, diff, doctor, explain, feed, freeze, fuzz, lint, list, load, merge,
    profile, promote, run, schema, send, serve, show, sign,
};
use crate::pace::Pacing;
use crate::report::Style;

/// Proves that an API authenticates its requests the way its documentation says.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    /// Read the vectors from this folder instead of those built in.
    #[arg(long, global = true, value_name = "DIR")]
    vectors: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 as expected; 1 findings; 2 usage, or a file that can't be used or written; 3 unreachable or hanging; \
4 nothing judged, or too much inconclusive; 5 bug in bearproof; 130 interrupted.";

#[derive(Subcommand)]
enum Command {
    /// Judge the reference (in process, HTTP and HTTPS) or a target, and write the reports.
    Run {
        /// The target's profile; without one the reference is started and judged.
        #[arg(long, value_name = "PROFILE")]
        target: Option<PathBuf>,
        /// Only this scheme: an id, or a folder with a scheme of your own.
        #[arg(long, value_name = "ID|DIR")]
        scheme: Option<String>,
        /// Only these: `scheme/family/name`, `scheme/family`, `scheme` or `family`.
        #[arg(long, value_name = "ID")]
        filter: Vec<String>,
        /// Only vectors up to this level.
        #[arg(long, value_enum)]
        level: Option<LevelName>,
        /// End with code 4 if anything is inconclusive.
        #[arg(long)]
        strict: bool,
        /// Run in the order of an earlier run; each report names its seed.
        #[arg(long)]
        seed: Option<u64>,
        /// Only this part: shard I of N, by a hash of each vector's id. Needs --seed, the same for all.
        #[arg(long, value_name = "I/N", requires = "seed", conflicts_with = "update")]
        shard: Option<Shard>,
        /// Write the results to `reports/reference.json` as the accepted ones of the reference.
        #[arg(long)]
        accept: bool,
        /// Add what deviates and is not known yet to the profile's file of known deviations.
        #[arg(long, requires = "target")]
        update: bool,
        /// Send nothing: say what would be sent, and what can't be judged.
        #[arg(long, requires = "target")]
        dry_run: bool,
        #[command(flatten, next_help_heading = "With --target")]
        reaching: Reaching,
        #[command(flatten, next_help_heading = "With --target")]
        pacing: Pacing,
        /// Write the reports here.
        #[arg(long, value_name = "DIR", default_value = "reports/latest")]
        out: PathBuf,
    },
    /// Send a target requests that are composed at random, and look for what it must not do.
    Fuzz {
        /// The target's profile.
        #[arg(long, value_name = "PROFILE")]
        target: PathBuf,
        /// Compose in the order of an earlier run.
        #[arg(long)]
        seed: Option<u64>,
        /// For how long, such as `60s` or `10m`.
        #[arg(long, value_name = "T", default_value = "60s", value_parser = duration)]
        time: Duration,
        #[command(flatten)]
        reaching: Reaching,
        #[command(flatten)]
        pacing: Pacing,
    },
    /// Ask a target at a steady rate, each request signed anew, and show how long its answers take. Ends with 1 if a
    /// request was not let in, with 4 if the rate was not reached.
    Load {
        /// The target's profile.
        #[arg(long, value_name = "PROFILE")]
        target: PathBuf,
        /// Requests a second, sent when they are due, whatever the answers take.
        #[arg(long, value_name = "R", value_parser = pace::rate)]
        rate: f64,
        /// For how long, such as `60s` or `10m`.
        #[arg(long, value_name = "T", default_value = "10s", value_parser = duration)]
        time: Duration,
        /// The caller.
        #[arg(long, default_value = "primary")]
        role: String,
        /// The endpoint; without it `read`, else the first that takes requests.
        #[arg(long, value_name = "ROLE")]
        endpoint: Option<String>,
        /// Ask this path without a credential by every tenth request, to tell what authentication takes.
        #[arg(long, value_name = "PATH", value_parser = origin_form)]
        open: Option<String>,
        /// At most so many requests on their way at once; those that are due wait, and their time runs.
        #[arg(long, value_name = "N", default_value_t = CONNECTIONS)]
        connections: NonZeroUsize,
        /// How to print.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        #[command(flatten)]
        reaching: Reaching,
    },
    /// Write a freshly signed request as a line of JSON for each line that is read, for load engines.
    Feed {
        /// The target's profile.
        #[arg(long, value_name = "PROFILE")]
        target: PathBuf,
        /// The caller.
        #[arg(long, default_value = "primary")]
        role: String,
        /// The endpoint; without it `read`, else the first that takes requests.
        #[arg(long, value_name = "ROLE")]
        endpoint: Option<String>,
        #[command(flatten)]
        reaching: Reaching,
    },
    /// Make a minimized input and a vector with its story of what a fuzz target found.
    Promote {
        /// The input, in a folder that is named after its target, as fuzzers put it.
        file: PathBuf,
    },
    /// Serve the reference on loopback until interrupted.
    Serve {
        /// Only this scheme: an id, or a folder with a scheme of your own.
        #[arg(long, value_name = "ID|DIR")]
        scheme: Option<String>,
        /// First port; each scheme takes four: http, https, plain http, control.
        #[arg(long)]
        port: Option<u16>,
        /// Write the certificate authority here (PEM).
        #[arg(long, value_name = "FILE")]
        ca_out: Option<PathBuf>,
        /// Write a ready profile for each scheme here.
        #[arg(long, value_name = "DIR")]
        profiles: Option<PathBuf>,
        /// Add the reason code to each answer (`X-Bearproof-Reason`).
        #[arg(long)]
        explain: bool,
        /// Serve a server that gets one thing wrong: `SCHEME/WHERE/WHAT`, as `defects` names it.
        #[arg(long, value_name = "ID")]
        defect: Option<String>,
    },
    /// Name the vectors.
    List {
        /// Only this scheme.
        #[arg(long, value_name = "ID|DIR")]
        scheme: Option<String>,
        /// How to print.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Print a vector, or the checks of a scheme in their order.
    Show {
        /// A vector's id, a scheme's id, or a folder with a scheme.
        what: String,
    },
    /// Write the frozen vectors from their recipes.
    Freeze {
        /// Only compare.
        #[arg(long)]
        check: bool,
    },
    /// Run the vectors against every known weakness, and print what notices which.
    Defects {
        /// Only this scheme: an id, or a folder with a scheme of your own.
        #[arg(long, value_name = "ID|DIR")]
        scheme: Option<String>,
        /// How to print.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// Write `catches.json` beside the vectors: what each of them catches.
        #[arg(long)]
        accept: bool,
    },
    /// Print a signed request, right or with a named mistake.
    Sign {
        /// The scheme: an id, or a folder with a scheme of your own.
        #[arg(long, value_name = "ID|DIR")]
        scheme: Option<String>,
        /// Sign with the credentials and endpoints of this profile instead of the published ones.
        #[arg(long, value_name = "PROFILE")]
        target: Option<PathBuf>,
        /// The caller.
        #[arg(long, default_value = "primary")]
        role: String,
        /// The endpoint; without it the first at which the mistake makes a difference.
        #[arg(long, value_name = "ROLE")]
        endpoint: Option<String>,
        /// Make this mistake; an unknown one names its neighbours.
        #[arg(long, value_name = "ID", conflicts_with = "vector")]
        mutate: Option<String>,
        /// Make the request that this vector sends.
        #[arg(long, value_name = "ID", conflicts_with_all = ["role", "endpoint"])]
        vector: Option<String>,
        /// Write it here instead of printing it; only the owner can read the file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// How to print; the request has its secrets, the trace has none.
        #[arg(long, value_enum, default_value = "http")]
        format: SignedFormat,
    },
    /// Send the bytes of a file to a target as they are, and print the answer.
    Send {
        /// The target's profile.
        #[arg(long, value_name = "PROFILE")]
        target: PathBuf,
        /// A raw HTTP/1.1 request, as `sign --out` writes it.
        file: PathBuf,
        #[command(flatten)]
        reaching: Reaching,
    },
    /// Read a request (raw HTTP/1.1, a curl command or a HAR) and say why it is refused.
    Explain {
        /// The scheme: an id, or a folder with a scheme of your own.
        #[arg(long, value_name = "ID|DIR")]
        scheme: Option<String>,
        /// Compare with the credentials and endpoints of this profile instead of the published ones.
        #[arg(long, value_name = "PROFILE")]
        target: Option<PathBuf>,
        /// Look at it as at this time, in seconds since 1970 UTC, instead of now.
        #[arg(long, value_name = "SECONDS")]
        now: Option<u64>,
    },
    /// Say in a few requests whether a target can be judged, and what is missing.
    Doctor {
        /// The target's profile.
        profile: PathBuf,
        #[command(flatten)]
        reaching: Reaching,
    },
    /// Make a profile.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Make the reports again from results or from the journal of a run; of several, one matrix of servers.
    Report {
        /// `results.json` of a run, or the `journal.jsonl` of one that did not come to its end.
        #[arg(required = true, value_name = "RESULTS")]
        files: Vec<PathBuf>,
        /// End with code 4 if anything is inconclusive.
        #[arg(long)]
        strict: bool,
        /// Write the reports here.
        #[arg(long, value_name = "DIR", default_value = "reports/latest")]
        out: PathBuf,
    },
    /// Merge the results of all shards into those of one run, and write the reports.
    Merge {
        /// The results of each shard.
        #[arg(required = true, value_name = "RESULTS")]
        files: Vec<PathBuf>,
        /// End with code 4 if anything is inconclusive.
        #[arg(long)]
        strict: bool,
        /// Write the reports here.
        #[arg(long, value_name = "DIR", default_value = "reports/latest")]
        out: PathBuf,
    },
    /// Print what changed between two results; code 1 if anything did.
    Diff {
        /// Results of before.
        old: PathBuf,
        /// Results of after.
        new: PathBuf,
    },
    /// Print what the suite lacks.
    Lint,
    /// Write the JSON schemas of vectors and results.
    Schema {
        /// Only compare.
        #[arg(long)]
        check: bool,
    },
}

#[derive(Subcommand)]
enum ProfileCommand {
    /// Print a commented profile to fill in.
    New {
        /// The scheme that the target speaks: an id, or a folder with a scheme of your own.
        #[arg(long, value_name = "ID|DIR")]
        scheme: String,
        /// Write it here; a file that exists is left alone.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum SignedFormat {
    Http,
    Curl,
    Json,
    Trace,
}

#[derive(Clone, Copy, ValueEnum)]
enum LevelName {
    Must,
    Should,
    May,
}

/// Does what the command line says, and gives the exit code that the README lists.
pub fn run_program() -> ExitCode {
    let cli = Cli::parse();
    // A panic is a bug of ours and has a code of its own.
    let ended = std::panic::catch_unwind(|| execute(cli))
        .unwrap_or_else(|_| Err(Failure::bug("it stopped where it must not; please report the lines above")));
    let (output, code) = match ended {
        Ok(Done { output, code }) => (output, code),
        Err(Failure { code, message }) => {
            let _ = writeln!(std::io::stderr(), "error: {message}");
            return ExitCode::from(code);
        }
    };
    // A reader that went away (`| head`) is no error of ours.
    let _ = std::io::stdout().write_all(&output);
    ExitCode::from(code)
}

fn execute(cli: Cli) -> Result<Done, Failure> {
    let vectors = cli.vectors;
    match cli.command {
        Command::Run {
            target,
            scheme,
            filter,
            level,
            strict,
            seed,
            shard,
            accept,
            update,
            dry_run,
            reaching,
            pacing,
            out,
        } => run::execute(&run::Options {
            vectors,
            target,
            scheme,
            filter,
            level: level.map(|l| match l {
                LevelName::Must => Level::Must,
                LevelName::Should => Level::Should,
                LevelName::May => Level::May,
            }),
            strict,
            seed,
            shard,
            accept,
            update,
            dry_run,
            reaching,
            pacing,
            out,
            style: style(),
        }),
        Command::Fuzz { target, seed, time, reaching, pacing } => {
            fuzz::fuzz(&fuzz::Options { vectors, target, seed, time, reaching, pacing })
        }
        Command::Load { target, rate, time, role, endpoint, open, connections, format, reaching } => {
            let (connections, json) = (connections.get(), matches!(format, Format::Json));
            load::load(&load::Options {
                vectors,
                target,
                rate,
                time,
                role,
                endpoint,
                open,
                connections,
                json,
                reaching,
            })
        }
        Command::Feed { target, role, endpoint, reaching } => {
            feed::feed(&feed::Options { vectors, target, role, endpoint, reaching })
        }
        Command::Promote { file } => promote::promote(&file),
        Command::Serve { scheme, port, ca_out, profiles, explain, defect } => {
            serve::serve(&serve::Options { vectors, scheme, port, ca_out, profiles, explain, defect })
        }
        Command::List { scheme, format } => {
            list::list(vectors.as_deref(), scheme.as_deref(), matches!(format, Format::Json))
        }
        Command::Show { what } => show::show(vectors.as_deref(), &what),
        Command::Freeze { check } => freeze::freeze(vectors.as_deref(), check),
        Command::Defects { scheme, format, accept } => {
            let json = matches!(format, Format::Json);
            defects::defects(&defects::Options { vectors, scheme, json, accept })
        }
        Command::Sign { scheme, target, role, endpoint, mutate, vector, out, format } => {
            let form = match format {
                SignedFormat::Http => sign::Form::Http,
                SignedFormat::Curl => sign::Form::Curl,
                SignedFormat::Json => sign::Form::Json,
                SignedFormat::Trace => sign::Form::Trace,
            };
            sign::sign(&sign::Options { vectors, scheme, target, role, endpoint, mutate, vector, form, out })
        }
        Command::Send { target, file, reaching } => {
            send::send(&send::Options { vectors, target, file, reaching })
        }
        Command::Explain { scheme, target, now } => {
            explain::execute(&explain::Options { vectors, scheme, target, now })
        }
        Command::Doctor { profile, reaching } => {
            doctor::doctor(&doctor::Options { vectors, profile, reaching })
        }
        Command::Profile(ProfileCommand::New { scheme, out }) => {
            profile::new(&profile::Options { vectors, scheme, out })
        }
        Command::Report { files, strict, out } => again::report(&files, &out, strict, style()),
        Command::Merge { files, strict, out } => merge::merge(&files, &out, strict, style()),
        Command::Diff { old, new } => diff::diff(&old, &new, style()),
        Command::Lint => lint::lint(vectors.as_deref()),
        Command::Schema { check } => schema::schema(vectors.as_deref(), check),
    }
}

/// Connections of `load` unless the user says otherwise.
const CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// The origin form of a request target (RFC 9112 section 3.2.1).
fn origin_form(text: &str) -> Result<String, String> {
    let good = text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
    good.then(|| text.into()).ok_or_else(|| "write a path such as `/health`".into())
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds = bearproof_scheme::time::parse_duration(text);
    seconds.map(Duration::from_secs).ok_or_else(|| "write for example `60s` or `10m`".into())
}

/// Colour on a terminal that wants it.
fn style() -> Style {
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    Style { color, width: 100 }
}
