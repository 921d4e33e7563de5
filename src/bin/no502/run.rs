//! The commands: what each one reads, writes and answers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use no502::analyze::{Analysis, analyze};
use no502::finding::{Finding, Safety, Severity};
use no502::fix::{self, Plan};
use no502::project::Project;
use no502::report::{self, Format, Look};
use no502::rules::{count, find};
use no502::settings::Settings;
use no502::source::{SourceFile, Sources, Span};

use crate::allow;
use crate::args::{Check, Cli, Command, FailOn, Output, ProjectArgs, Shape};
use crate::baseline::Baseline;
use crate::changed::Changed;
use crate::clock;
use crate::config::{Config, NAME};
use crate::disk::{Buffers, Disk};
use crate::failure::{Failure, unknown_rule};
use crate::roots::Roots;
use crate::shell;
use crate::terminal::{self, variable};
pub(crate) use crate::verdict::Verdict;

/// Does what the command line asks.
pub(crate) fn run(cli: &Cli) -> Result<Verdict, Failure> {
    match &cli.command {
        Command::Check(args) => check(args, cli),
        Command::Chain(args) => crate::chain::chain(args, cli),
        Command::Triage(args) => crate::triage::triage(args, cli),
        Command::Explain { rule } => explain(rule, cli),
        Command::Rules { format } => rules(*format, cli),
        Command::Parse(args) => crate::parse::parse(args),
        Command::Init { path, baseline } => crate::baseline::init(path, *baseline),
        Command::Lsp => crate::lsp::serve(cli.verbose),
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man => shell::man(),
    }
}

/// Says something to the person, beside the output.
pub(crate) fn say(text: impl std::fmt::Display) {
    // Nobody reads standard error any more: there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

fn check(args: &Check, cli: &Cli) -> Result<Verdict, Failure> {
    if args.watch {
        return crate::watch::watch(args, || checked(args, cli), cli.quiet);
    }
    checked(args, cli)
}

/// One run.
fn checked(args: &Check, cli: &Cli) -> Result<Verdict, Failure> {
    let mut run = asked(args)?;
    if args.statistics {
        to_stdout(|out| report::statistics::write(&run.analysis, out))?;
        return Ok(run.answer(args));
    }
    if let Some(reason) = &args.add_allow {
        if args.diff {
            allow::show(&run, reason, cli)?;
            return Ok(run.answer(args));
        }
        allow::write(&run, reason)?;
        run = Run::load(&args.paths, &args.project)?;
        run.focus();
    }
    if args.diff {
        let plan = run.plan(args.fix.unwrap_or(Safety::Safe));
        let look = run.look(cli, true);
        to_stdout(|out| report::diff::write(&run.analysis, &plan, &look, out))?;
        return Ok(run.answer(args));
    }
    if let Some(most) = args.fix {
        run = run.fixed(most, args)?;
    }
    let outputs = one_per_place(&args.format, Format::Pretty)?;
    for output in &outputs {
        write_to(output, |out| {
            let look = run.look(cli, output.path.is_none());
            report::write(output.format, &run.analysis, &look, out)
        })?;
    }
    tell(&run, cli.quiet);
    Ok(run.answer(args))
}

/// The run over what `check` was asked to look at.
fn asked(args: &Check) -> Result<Run, Failure> {
    if args.changed.as_deref() == Some(Path::new("-")) && args.stdin_filename.is_some() {
        return Err(
            Failure::new("standard input cannot be a diff and a file at once")
                .help("give --changed the diff in a file"),
        );
    }
    let mut run = match &args.stdin_filename {
        Some(name) => Run::load_buffer(name, &args.project)?,
        None => Run::load(&args.paths, &args.project)?,
    };
    if args.prune_baseline {
        run.prune_baseline()?;
    }
    run.focus();
    if let Some(diff) = &args.changed {
        run.keep_changed(&Changed::read(diff)?);
    }
    Ok(run)
}

/// Says that all is well, or that there was nothing to look at.
fn tell(run: &Run, quiet: bool) {
    let analysis = &run.analysis;
    let configs = run.configs();
    let nothing = configs == 0 && analysis.gaps.is_empty();
    if nothing && run.roots.files.is_empty() {
        say("no502: nothing to read here: no nginx, HAProxy or compose file");
    } else if !nothing
        && !quiet
        && analysis.findings.is_empty()
        && analysis.gaps.is_empty()
        && !run.failed
    {
        let news = match analysis.baselined.len() {
            0 => "nothing to report".to_owned(),
            accepted => format!("nothing new to report, {accepted} in the baseline"),
        };
        let (files, links) = (count(configs, "file"), analysis.model.links.len());
        say(format_args!(
            "no502: {files}, {}, {news}",
            count(links, "link")
        ));
    }
}

fn explain(id: &str, cli: &Cli) -> Result<Verdict, Failure> {
    let rule = find(id).ok_or_else(|| unknown_rule(id))?;
    let look = terminal::look(cli, true, String::new());
    to_stdout(|out| report::explain::page(rule.page, &look, out))
}

fn rules(shape: Shape, cli: &Cli) -> Result<Verdict, Failure> {
    let rows = report::explain::rows();
    let look = terminal::look(cli, true, String::new());
    to_stdout(|out| match shape {
        Shape::Text => report::explain::catalogue(&rows, &look, out),
        Shape::Json => report::explain::catalogue_json(&rows, out),
    })
}

/// Fixes that go on for longer undo each other.
const MOST_ROUNDS: usize = 10;

/// A project that was read and judged.
pub(crate) struct Run {
    pub(crate) roots: Roots,
    pub(crate) disk: Disk,
    pub(crate) config: Config,
    settings: Settings,
    baseline: Option<Baseline>,
    /// What came out.
    pub(crate) analysis: Analysis,
    failed: bool,
}

impl Run {
    /// Reads and judges what some paths stand for.
    pub(crate) fn load(paths: &[PathBuf], args: &ProjectArgs) -> Result<Self, Failure> {
        let roots = Roots::of(paths).map_err(first_of)?;
        let baseline = Baseline::load(args.baseline.as_deref(), &roots.root)?;
        Self::judge(roots, args, baseline, Buffers::default())
    }

    /// Reads and judges the project of a file whose text is on standard input. The file itself need not be there yet.
    fn load_buffer(name: &Path, args: &ProjectArgs) -> Result<Self, Failure> {
        let (roots, file) = Roots::of_buffer(name)?;
        let mut text = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut text);
        read.map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
        let baseline = Baseline::load(args.baseline.as_deref(), &roots.root)?;
        let mut buffers = Buffers::default();
        buffers.insert(file, text);
        Self::judge(roots, args, baseline, buffers)
    }

    /// The same as if nothing had ever been accepted.
    pub(crate) fn load_without_baseline(
        paths: &[PathBuf],
        args: &ProjectArgs,
    ) -> Result<Self, Failure> {
        let roots = Roots::of(paths).map_err(first_of)?;
        Self::judge(roots, args, None, Buffers::default())
    }

    /// Reads and judges what lies below a root, with files as an editor has them.
    pub(crate) fn judge(
        roots: Roots,
        args: &ProjectArgs,
        baseline: Option<Baseline>,
        buffers: Buffers,
    ) -> Result<Self, Failure> {
        roots.failures.iter().for_each(say);
        let config = Config::load(args.config.as_deref(), &roots, &buffers)?;
        let mut settings = config.settings(args, &roots.root)?;
        settings.baseline = baseline
            .as_ref()
            .map_or_else(Vec::new, Baseline::fingerprints);
        let disk = Disk::new(
            roots.root.clone(),
            roots.scopes.clone(),
            roots.files.clone(),
        )
        .ignoring(!args.no_ignore)
        .deep(roots.deep)
        .with(buffers)
        .at(clock::now(
            args.now,
            variable("SOURCE_DATE_EPOCH").as_deref(),
        )?);
        let mut project = Project::load(&disk, &settings);
        place_config(&config, &roots.root, &mut settings, &mut project.sources);
        let analysis = analyze(&disk, project, &settings);
        let failed = !roots.failures.is_empty();
        Ok(Self {
            roots,
            disk,
            config,
            settings,
            baseline,
            analysis,
            failed,
        })
    }

    /// Takes out of the baseline what is gone.
    fn prune_baseline(&mut self) -> Result<(), Failure> {
        if !self.roots.focus.is_empty() {
            return Err(
                Failure::new("only a run over the whole project knows what is gone")
                    .help("give the folder of the project, and nothing else"),
            );
        }
        match self.baseline.take() {
            Some(baseline) => baseline.prune(&self.analysis, &self.settings),
            None => Err(Failure::new("there is no baseline")
                .help("`no502 init --baseline` writes one, with today's findings")),
        }
    }

    /// Keeps what has a label in a path that was named; says which named file nothing was read from.
    pub(crate) fn focus(&mut self) {
        let (roots, sources) = (&self.roots, &self.analysis.project.sources);
        for file in roots
            .named_files()
            .iter()
            .filter(|file| sources.by_path(file).is_none())
        {
            say(format_args!(
                "no502: `{file}` was not read: it is no config that no502 knows"
            ));
        }
        let wanted = |finding: &Finding| {
            let mut labels = finding.labels();
            labels.any(|label| roots.wants(&sources.get(label.span.file).path))
        };
        self.analysis.findings.retain(wanted);
        self.analysis.silenced.retain(wanted);
        self.analysis.baselined.retain(wanted);
    }

    /// Keeps what has a label on a line that a diff adds.
    fn keep_changed(&mut self, changed: &Changed) {
        let (sources, prefix) = (&self.analysis.project.sources, self.roots.prefix());
        let touched = |finding: &Finding| changed.touches(finding, sources, &prefix);
        self.analysis.findings.retain(touched);
        self.analysis.silenced.retain(touched);
        self.analysis.baselined.retain(touched);
    }

    /// What the fixes of the findings come to.
    fn plan(&self, most: Safety) -> Plan {
        fix::plan(
            &self.analysis.project.sources,
            &self.analysis.findings,
            most,
        )
    }

    /// The same run over the files as its fixes leave them. A fix may make room for another one that touched the same
    /// place, so that it goes on until nothing changes.
    fn fixed(mut self, most: Safety, args: &Check) -> Result<Self, Failure> {
        let (mut fixes, mut files) = (0, BTreeSet::new());
        for _ in 0..MOST_ROUNDS {
            let plan = self.plan(most);
            if plan.fixes == 0 {
                break;
            }
            fixes += plan.fixes;
            for change in &plan.changes {
                let file = self.analysis.project.sources.get(change.file);
                self.disk.replace(&file.path, &file.text, &change.text)?;
                files.insert(file.path.clone());
            }
            self = Self::load(&args.paths, &args.project)?;
            self.focus();
        }
        if fixes > 0 {
            let (fixes, files) = (count(fixes, "fix"), count(files.len(), "file"));
            say(format_args!("no502: {fixes} in {files}"));
        }
        Ok(self)
    }

    /// What `check` answers.
    fn answer(&self, args: &Check) -> Verdict {
        let limit = args.fail_on.or(self.config.fail_on());
        let limit = limit.unwrap_or(FailOn::Severity(Severity::Warning));
        self.verdict(limit, args.strict)
    }

    /// What an audit answers. Of the findings those count whose rule marks a way that is left.
    pub(crate) fn audited(&mut self, limit: Option<FailOn>) -> Verdict {
        let ways = self.analysis.model.chains.iter();
        let marked: BTreeSet<&str> = ways.flat_map(|way| &way.verdicts).map(|v| v.rule).collect();
        self.analysis
            .findings
            .retain(|finding| marked.contains(finding.rule));
        self.asked(limit)
    }

    /// What triage answers: of the findings those count that explain a line of a log.
    pub(crate) fn explained(
        &mut self,
        findings: &BTreeSet<usize>,
        limit: Option<FailOn>,
    ) -> Verdict {
        let mut at = 0..;
        self.analysis
            .findings
            .retain(|_| at.next().is_some_and(|at| findings.contains(&at)));
        self.asked(limit)
    }

    /// What is answered where nothing fails unless it is asked for.
    fn asked(&self, limit: Option<FailOn>) -> Verdict {
        match limit {
            Some(limit) => self.verdict(limit, false),
            None if self.failed => Verdict::Failed,
            None => Verdict::Clean,
        }
    }

    /// How many files were read that are no settings of ours.
    pub(crate) fn configs(&self) -> usize {
        let files = self.analysis.project.sources.iter();
        files.filter(|(_, file)| !is_settings(&file.path)).count()
    }

    /// What the exit code says, given the severity from which on a run fails.
    fn verdict(&self, limit: FailOn, strict: bool) -> Verdict {
        let failing = |finding: &Finding| match limit {
            FailOn::Never => false,
            FailOn::Severity(limit) => finding.severity >= limit,
        };
        if self.failed {
            Verdict::Failed
        } else if self.analysis.findings.iter().any(failing) {
            Verdict::Findings
        } else if (strict || self.config.strict()) && !self.analysis.gaps.is_empty() {
            Verdict::Gaps
        } else {
            Verdict::Clean
        }
    }

    /// How a report of this project is dressed.
    pub(crate) fn look(&self, cli: &Cli, to_stdout: bool) -> Look {
        terminal::look(cli, to_stdout, self.roots.prefix())
    }
}

/// All failures but the last are said; the last is the answer.
pub(crate) fn first_of(mut failures: Vec<Failure>) -> Failure {
    let last = failures
        .pop()
        .unwrap_or_else(|| Failure::new("the paths have no folder in common"));
    failures.iter().for_each(say);
    last
}

/// Puts `no502.toml` among the sources if anything in it can be pointed at: an `[[allow]]` that matches nothing, an edge.
/// An allow of a file that lies above the root has no path below it, and is not shown.
fn place_config(config: &Config, root: &Path, settings: &mut Settings, sources: &mut Sources) {
    let Some(path) = config.path_from(root) else {
        return;
    };
    let in_root = path == NAME;
    if !config.is_shown() && (settings.allow.is_empty() || !in_root) {
        return;
    }
    let file = sources.add(SourceFile::new(path, config.text().as_bytes().to_vec()));
    settings.edges = config.edges(file);
    if in_root {
        for (allow, range) in settings.allow.iter_mut().zip(config.allow_spans()) {
            allow.span = Some(Span::new(file, range.start, range.end));
        }
    }
}

/// Whether a path is that of `no502.toml`, in the root or above it.
fn is_settings(path: &str) -> bool {
    path == NAME || path.starts_with('<')
}

/// The outputs that were asked for; two that would write over each other are a mistake.
pub(crate) fn one_per_place<F: Copy>(
    asked: &[Output<F>],
    default: F,
) -> Result<Vec<Output<F>>, Failure> {
    if asked.is_empty() {
        return Ok(vec![Output {
            format: default,
            path: None,
        }]);
    }
    let mut places = BTreeSet::new();
    for output in asked {
        if !places.insert(&output.path) {
            return Err(
                Failure::new("two formats would be written to the same place")
                    .help("give all but one a file: --format pretty --format sarif=no502.sarif"),
            );
        }
    }
    Ok(asked.to_vec())
}

/// Writes to the place of an output.
pub(crate) fn write_to<F>(
    output: &Output<F>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let Some(path) = &output.path else {
        return to_stdout(|out| write(out)).map(drop);
    };
    let written = File::create(path).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()
    });
    written
        .map_err(|error| Failure::new(format!("`{}` cannot be written: {error}", path.display())))
}

/// Writes to standard output. A reader who has seen enough, such as `head`, closes the pipe: that is no failure.
pub(crate) fn to_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Verdict, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(format!(
            "standard output cannot be written: {error}"
        ))),
        _ => Ok(Verdict::Clean),
    }
}
