"""The Python API: a project, its members and its plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose, did_you_mean
from dangol.engine import ir
from dangol.engine.needs import Needs, needs_of
from dangol.engine.reading import Lang, reader
from dangol.library import is_library
from dangol.playbook import adhoc
from dangol.playbook.adhoc import At, instant_from
from dangol.playbook.project import Project as Files
from dangol.playbook.project import load_project

if TYPE_CHECKING:
    import pandas as pd

    from dangol.engine.backends.vector import Evaluation
    from dangol.engine.explanation import Explanation
    from dangol.playbook.smart.finding import Lint
    from dangol.runner.backtest import Backtest
    from dangol.runner.experiments.results import Results
    from dangol.runner.ledger import Ledger, Won
    from dangol.runner.model import Plan
    from dangol.runner.tick import Report
    from dangol.runner.versions import Earlier

from dangol.data import Answer, Data, Progress, query


def load(directory: str | Path = ".", *, progress: Progress | None = None) -> Project:
    """The project in a directory. Raises DangolError with every error of its files."""
    files = load_project(Path(directory))
    files.raise_errors()
    return Project(files, progress)


@dataclass(frozen=True)
class Project:
    """A project that is free of errors. Instants: see `At`; a local one is in the project's zone."""

    files: Files
    progress: Progress | None = None

    @cached_property
    def data(self) -> Data:
        """The project's sources, ready for evaluation."""
        files = self.files
        wider = None if files.looked_at_data else lambda: load_project(files.root, whole=True)
        return Data(
            files.sources, files.catalog, files.checked, files.zone, files.state_directory, self.progress,
            unready=files.data_diagnostics, wider=wider, past=self._past,
        )  # fmt: skip

    def members(self, name: str, at: At = None) -> pd.DataFrame:
        """The members of a segment (or of any condition in the language): a frame with the column `id`, sorted."""
        import pandas as pd

        return pd.DataFrame({"id": pd.Series(list(self.query(name, at).ids), dtype="str")})

    def values(self, name: str, at: At = None) -> pd.Series[Any]:
        """A trait's value per customer: indexed by id, sorted; missing values are None (NaN for numbers)."""
        import pandas as pd

        from dangol.runner.values import plain

        if is_library(name):
            self.data.node(Line.of(name))
        program = self.data.asked.program
        trait = program.traits.get(name)
        if trait is None:
            hints = did_you_mean(name, program.traits)
            raise DangolError(diagnose("E201", f"`{name}` is not a trait", Line.of(name), hints=hints))
        evaluation = self.data.evaluate(needs_of([trait], program), instant_from(at, self.files.zone))
        codes = evaluation.universe().nonzero()[0]
        found = plain(evaluation.values(ir.TraitRef(name, trait.type)), codes, self.files.zone)
        ids = [evaluation.state.ids[code] for code in codes.tolist()]
        return pd.Series(found, index=pd.Index(ids, name="id"), name=name).sort_index()

    def query(self, expression: str, at: At = None) -> Answer:
        """Who matches a line."""
        return self.data.query(expression, at)

    def check_data(self) -> tuple[Diagnostic, ...]:
        """What differs between dangol.yaml and the tables, and what of the tables is left out."""
        from dangol.engine.state import discover
        from dangol.playbook.compare import compare, outsiders

        self.data.raise_unready()
        catalog, notes = discover(self.data.sources, self.data.directory)
        everything = Needs(events={name: set() for name in catalog.events})
        count, customers = outsiders(self.data.evaluate(everything, instant_from(None, self.files.zone)).state)
        differences = compare(self.files.config, catalog) if self.files.config is not None else ()
        found = [*notes, *differences, *self.data.notes]
        if count:
            message = f"{count:,} events of {customers:,} customers who are not in the customers table count for nobody"
            found.append(diagnose("W406", message, Line.of("", "dangol.yaml"), severity="warning"))
        return tuple(found)

    def find(self, what: str) -> ir.Node | ir.Scenario:
        """The segment, trait or scenario (`playbook/scenario`) of that name, else the line as an expression or a whole
        scenario."""
        program = self.files.checked.program
        for scenario in program.scenarios:
            if what in (f"{scenario.playbook}/{scenario.name}", scenario.name):
                return scenario
        if (tree := adhoc.scenario_tree(Line.of(what))) is not None:
            return self.data.scenario(Line.of(what), tree, self.files)
        for file in self.files.playbooks:
            if file.name == what and what not in self.files.checked.types:
                hints = tuple(f"{what}/{one.name}" for one in program.scenarios if one.playbook == what)
                raise DangolError(
                    diagnose("E510", "this is a playbook; name a scenario of it", Line.of(what), hints=hints)
                )
        node = self.data.node(Line.of(what))[0] if what not in self.files.checked.types else None
        program = self.data.asked.program
        return program.segments.get(what) or program.traits.get(what) or cast(ir.Node, node)

    def features(self, at: At = None) -> list[str]:
        """The feature plan of all scenarios: each distinct aggregate of events that they need, once."""
        program = self.files.checked.program
        evaluation = self.data.evaluate(needs_of(program.scenarios, program), instant_from(at, self.files.zone))
        evaluation.prepare([scenario.who for scenario in program.scenarios])
        return evaluation.plan.lines()

    def explain(self, what: str, customer: str, at: At = None, lang: Lang = "en") -> Explanation:
        """Why this customer is in or out, or what the value comes from. A scenario is explained by its WHO."""
        from dangol.engine.explanation import explain, explanation_needs

        found = self.find(what)
        node = found.who if isinstance(found, ir.Scenario) else found
        needs = explanation_needs([node], self.data.asked.program, self.data.catalog)
        evaluation = self.data.evaluate(needs, instant_from(at, self.files.zone))
        return explain(node, customer, evaluation, reader(lang, self.files.zone))

    def plan(
        self, at: At = None, *, only: Iterable[str] = (), show_personal: bool = False, migrate: bool = False
    ) -> Plan:
        """The dry run, given what the ledger knows of earlier runs. `only`: playbooks or `playbook/scenario`.

        migrate: as if entries under earlier texts moved to today's; `Plan.migration` has who would move where.
        """
        from dangol.runner.experiments.balance import imbalances
        from dangol.runner.rehearse import rehearse

        instant = instant_from(at, self.files.zone)
        with self._past() as past:
            plan = rehearse(
                self.files, self.data.evaluate, instant, frozenset(only), show_personal, past=past, migrate=migrate
            )
            return replace(plan, diagnostics=(*plan.diagnostics, *imbalances(self.files, plan, past)))

    def lint(self, at: At = None, plan: Plan | None = None, *, thorough: bool = True) -> tuple[Lint, ...]:
        """What the SMART rules say of every target with the data. plan: only of its scenarios that are not started.

        thorough: past customers are drawn 200 times over, too.
        """
        from dangol.runner.smart.lint import Asked, lint
        from dangol.runner.smart.start import is_started

        rehearsed = plan or self.plan(at)
        with self._past() as past:
            fresh = Asked(thorough, lambda scenario: plan is None or not is_started(scenario, past))
            return lint(self.files, self.data.evaluate, rehearsed, fresh)

    def told(self, targets: Iterable[Lint]) -> tuple[Diagnostic, ...]:
        """What data say of targets, at their lines."""
        from dangol.runner.smart.lint import diagnostics

        return tuple(diagnostics(self.files, tuple(targets), data_only=True))

    def earlier(self, scenario: ir.Scenario) -> Earlier:
        """The earlier texts of a scenario that customers are in."""
        from dangol.runner.versions import earlier_of

        with self._past() as past:
            return earlier_of(self.files, scenario, past)

    @contextmanager
    def _past(self) -> Iterator[Ledger | None]:
        """The project's ledger, if there is one yet."""
        written = self.files.config.ledger if self.files.config is not None else None
        if written is None and not (self.files.state_directory / "ledger.db").exists():
            yield None
            return
        with self.ledger() as ledger:
            yield ledger

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The project's ledger, open."""
        from dangol.runner.ledger import ledger_at
        from dangol.runner.station import ledger_location

        with ledger_at(ledger_location(self.files)) as ledger:
            yield ledger

    def backtest(self, start: At = None, end: At = None, *, minutes: int = 60, keep: Path | None = None) -> Backtest:
        """What runs from start (None: 30 days before the end) to end would have sent, one every so many minutes.

        keep: where the simulated ledger is left (None: nowhere). Raises DangolError when start lies behind end.
        """
        from dangol.runner.backtest import backtest

        last = instant_from(end, self.files.zone)
        first = last - MONTH if start is None else instant_from(start, self.files.zone)
        if first > last:
            raise DangolError(diagnose("E511", "the first run lies behind the last", Line.of(str(start), "--from")))

        def evaluate(ledger: Ledger) -> Callable[[Needs, int], Evaluation]:
            return replace(self.data, past=lambda: nullcontext(ledger)).evaluate

        return backtest(self.files, evaluate, first, last, minutes * MINUTE, ledger=keep, told=self.progress)

    def results(self, at: At = None, *, only: Iterable[str] = ()) -> Results:
        """What experiments have shown up to an instant. `only`: playbooks or `playbook/scenario`."""
        from dangol.runner.experiments.results import results

        with self._past() as past:
            return results(self.files, self.data.evaluate, past, instant_from(at, self.files.zone), frozenset(only))

    def decisions(self, name: str) -> tuple[Won, ...]:
        """What was decided about the arms of a scenario (`playbook/scenario`), the earliest first."""
        from dangol.runner.experiments.winner import decisions

        with self._past() as past:
            return tuple(decisions(self.files, past, name))

    def choose_arm(self, name: str, arm: str | None, reason: str = "", at: At = None) -> Won:
        """Everyone new of a scenario (`playbook/scenario`) gets this arm, by hand; None takes back what was decided.

        Raises DangolError where there is nothing to decide about, and while a run is under way.
        """
        from dangol.runner.experiments.winner import choose, revert

        instant = instant_from(at, self.files.zone)
        with self.ledger() as ledger, ledger.run_lock():
            if arm is None:
                return revert(self.files, ledger, name, reason, instant)
            return choose(self.files, ledger, name, arm, reason, instant)

    def look(self, at: At = None, *, only: Iterable[str] = ()) -> tuple[Results, list[str]]:
        """The results, and the targets whose earlier looks counted otherwise. A look without `at` is written down."""
        from dangol.runner.experiments.looks import record

        found = self.results(at, only=only)
        if at is not None:
            return found, []
        with self._past() as past:
            return found, record(past, found) if past is not None else []

    def run(self, at: At = None, *, confirmed: bool = False, migrate: bool = False, wait: float = 0.0) -> Report:
        """One tick: sends what is due. Raises DangolError before anything is sent when something stands against it.

        A given instant is the clock's too: what goes out then went out then.
        """
        from dangol.runner.station import open_station
        from dangol.runner.tick import clock_at, real_now, tick

        instant = instant_from(at, self.files.zone)
        with open_station(self.files) as station:
            return tick(
                self.files, self.data.evaluate, station.ledger, station.channels, instant,
                now=real_now if at is None else clock_at(instant), confirmed=confirmed, migrate=migrate, wait=wait,
            )  # fmt: skip


MINUTE = 60_000_000
MONTH = 30 * 24 * 60 * MINUTE


__all__ = ["Answer", "At", "Data", "Progress", "Project", "instant_from", "load", "query"]
