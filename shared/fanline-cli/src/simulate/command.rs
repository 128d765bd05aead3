//! The command: seeds handed to threads, progress while they run, and a failure told in full.

use std::{
    io::IsTerminal,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::Args;
use fanline_testing::sim::Run;
use serde_json::json;
use tokio::{sync::mpsc, time::Instant};

use super::{
    scenario::{self, Scenario},
    tally::{Tally, grouped, show},
};
use crate::{Error, interrupt::Stop, output::say};

/// Between two lines of progress.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs workers, queues, dedup table and clock in a world that a seed decides, faults included, and checks that
/// nothing is lost and nothing done twice.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fanline simulate                              200 seeds of each scenario
  fanline simulate --from random --until-failure
  fanline simulate --scenario accounts --seed 17 --timeline --picture run.svg")]
pub struct Options {
    /// This scenario only; may be given several times. Default: all.
    #[arg(long, value_name = "NAME", value_parser = scenario::names())]
    scenario: Vec<String>,
    /// How many seeds.
    #[arg(long, default_value_t = 200, value_name = "N")]
    seeds: u64,
    /// The first seed: a number, or `random`.
    #[arg(long, default_value = "0", value_name = "SEED")]
    from: First,
    /// Only this seed.
    #[arg(long, conflicts_with_all = ["seeds", "from", "until_failure"], value_name = "SEED")]
    seed: Option<u64>,
    /// Go on with new seeds until one breaks a promise, or Ctrl-C.
    #[arg(long, conflicts_with = "seeds")]
    until_failure: bool,
    /// Show all that happened, with --seed and one scenario.
    #[arg(long, requires = "seed")]
    timeline: bool,
    /// Draw the failure, or with --seed the run, into this SVG file.
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// What happened to this event only, with --timeline or --picture.
    #[arg(long, requires = "seed", value_name = "ID")]
    event: Option<String>,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Where to begin.
#[derive(Clone, Copy, Debug)]
enum First {
    At(u64),
    Random,
}

impl std::str::FromStr for First {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "random" => Ok(Self::Random),
            number => number
                .parse()
                .map(Self::At)
                .map_err(|_| "expected a number or `random`".to_owned()),
        }
    }
}

/// Runs the seeds. The exit code is 1 if one breaks a promise.
///
/// # Errors
/// If the picture cannot be written.
pub async fn run(options: Options) -> Result<ExitCode, Error> {
    let scenarios = Arc::new(scenario::named(&options.scenario));
    if let Some(seed) = options.seed {
        return show_seed(&options, scenarios, seed).await;
    }
    let first = match options.from {
        First::At(seed) => seed,
        // Small enough to be typed.
        First::Random => u64::from(fastrand::u32(..)),
    };
    let seeds = if options.until_failure {
        u64::MAX - first
    } else {
        options.seeds
    };
    let started = Instant::now();
    let stop = Stop::on_interrupt();
    let tallies = run_all(
        Arc::clone(&scenarios),
        first..first.saturating_add(seeds),
        &stop,
    )
    .await;
    let failed = tallies.iter().position(|tally| !tally.failed.is_empty());
    let failure = match failed {
        None => None,
        Some(index) => {
            let seed = tallies[index]
                .failed
                .iter()
                .min()
                .copied()
                .unwrap_or_default();
            eprintln!(
                "{} breaks a promise at seed {seed}; making it smaller",
                scenarios[index].name
            );
            let all = Arc::clone(&scenarios);
            let found = tokio::task::spawn_blocking(move || all[index].find_failure(seed));
            found
                .await
                .ok()
                .flatten()
                .map(|failure| (scenarios[index].name, failure))
        }
    };
    let named: Vec<_> = scenarios
        .iter()
        .map(|scenario| scenario.name)
        .zip(tallies)
        .collect();
    let messages: u64 = named.iter().map(|(_, tally)| tally.messages).sum();
    let seconds = started.elapsed().as_secs_f64();
    if options.json {
        let failure = failure.as_ref().map(|(scenario, failure)| {
            json!({
                "scenario": scenario,
                "seed": failure.seed,
                "promise": failure.violation.property.promise(),
                "text": failure.violation.text,
                "event": failure.violation.event,
                "story": failure.story().to_string(),
            })
        });
        let scenarios: Vec<_> = named
            .iter()
            .map(|(name, tally)| tally.to_json(name))
            .collect();
        say(
            json!({"firstSeed": first, "seconds": seconds, "scenarios": scenarios, "failure": failure}),
        );
    } else {
        say(show(&named));
        let hours: f64 = named.iter().map(|(_, tally)| tally.hours()).sum();
        say(format!(
            "\n{} messages in {seconds:.1} s, {:.0} simulated hours a second; first seed {first}",
            grouped(messages),
            hours / seconds
        ));
        if let Some((scenario, failure)) = &failure {
            say(format!("\n{scenario}, {failure}"));
            say(format!(
                "again: cargo fanline simulate --scenario {scenario} --seed {}",
                failure.seed
            ));
        }
    }
    if let (Some(path), Some((_, failure))) = (&options.picture, &failure) {
        write(path, &failure.picture())?;
    }
    Ok(if failure.is_some() {
        ExitCode::FAILURE
    } else {
        stop.code()
    })
}

/// Hands seeds to as many threads as there are processors; ends early at a failure or when asked to.
async fn run_all(
    scenarios: Arc<Vec<Scenario>>,
    seeds: std::ops::Range<u64>,
    stop: &Stop,
) -> Vec<Tally> {
    let is_over = Arc::new(AtomicBool::new(false));
    let (sender, mut runs) = mpsc::channel::<(usize, u64, Run)>(64);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    for thread in 0..threads {
        let (scenarios, sender, is_over) =
            (Arc::clone(&scenarios), sender.clone(), Arc::clone(&is_over));
        let mine = (seeds.start + thread..seeds.end).step_by(threads as usize);
        let first = seeds.start;
        // A thread of its own: each run is a runtime.
        std::thread::spawn(move || {
            for seed in mine {
                for (index, scenario) in scenarios.iter().enumerate() {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    if (seed - first).is_multiple_of(scenario.share)
                        && sender
                            .blocking_send((index, seed, scenario.run(seed)))
                            .is_err()
                    {
                        return;
                    }
                }
            }
        });
    }
    drop(sender);
    let mut tallies = vec![Tally::default(); scenarios.len()];
    let shows = std::io::stderr().is_terminal();
    let (started, mut shown) = (Instant::now(), Instant::now());
    loop {
        let next = tokio::select! {
            next = runs.recv() => next,
            () = stop.asked() => None,
        };
        let Some((index, seed, run)) = next else {
            break;
        };
        tallies[index].add(seed, &run);
        if !tallies[index].failed.is_empty() {
            break;
        }
        if shows && shown.elapsed() > PAUSE {
            shown = Instant::now();
            progress(&tallies, started.elapsed());
        }
    }
    is_over.store(true, Ordering::Relaxed);
    if shows {
        eprint!("\r\x1b[K");
    }
    tallies
}

fn progress(tallies: &[Tally], elapsed: Duration) {
    let seeds: u64 = tallies.iter().map(|tally| tally.seeds).sum();
    let messages: u64 = tallies.iter().map(|tally| tally.messages).sum();
    let hours: f64 = tallies.iter().map(Tally::hours).sum();
    let speed = hours / elapsed.as_secs_f64().max(0.001);
    eprint!(
        "\r\x1b[K{} runs, {} messages, {speed:.0} simulated hours a second",
        grouped(seeds),
        grouped(messages)
    );
}

/// One seed, looked at closely.
async fn show_seed(
    options: &Options,
    scenarios: Arc<Vec<Scenario>>,
    seed: u64,
) -> Result<ExitCode, Error> {
    if (options.timeline || options.picture.is_some()) && scenarios.len() > 1 {
        let problem = "a timeline or a picture is of one scenario; choose it: --scenario NAME";
        return Err(Error::new(problem));
    }
    let mut tallies = Vec::new();
    let mut has_failed = false;
    for index in 0..scenarios.len() {
        let all = Arc::clone(&scenarios);
        let work = tokio::task::spawn_blocking(move || {
            let failure = all[index].find_failure(seed);
            (all[index].run_with_timeline(seed), failure)
        });
        let (run, failure) = work
            .await
            .map_err(|error| Error::new(format!("the run ended early: {error}")))?;
        let timeline = match (&options.event, &failure) {
            (Some(event), _) => run.timeline.about(event),
            (None, Some(failure)) => failure.story(),
            (None, None) => run.timeline.clone(),
        };
        if timeline.steps().is_empty()
            && let Some(event) = &options.event
        {
            let problem = format!(
                "nothing happened to an event {event} in this run; --timeline alone shows all ids"
            );
            return Err(Error::new(problem));
        }
        if let Some(path) = &options.picture {
            write(path, &timeline.to_svg())?;
        }
        if options.timeline && !options.json {
            say(&timeline);
        }
        if let Some(failure) = &failure {
            has_failed = true;
            say(format!("{}, {failure}", scenarios[index].name));
        }
        let mut tally = Tally::default();
        tally.add(seed, &run);
        tallies.push((scenarios[index].name, tally));
    }
    match options.json {
        true => say(json!(
            tallies
                .iter()
                .map(|(name, tally)| tally.to_json(name))
                .collect::<Vec<_>>()
        )),
        false => say(show(&tallies)),
    }
    Ok(if has_failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn write(path: &std::path::Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text)
        .map_err(|error| Error::new(format!("cannot write {}: {error}", path.display())))?;
    eprintln!("picture: {}", path.display());
    Ok(())
}
