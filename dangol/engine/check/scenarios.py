"""Scenarios: the rule, its anchor and steps, and every line beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from dangol.diagnostics import Diagnostic, Line
from dangol.engine import ir
from dangol.engine.check import anchors, beside, conditions, instants, phrases, shorthand, targets
from dangol.engine.check.model import ScenarioText, Written
from dangol.engine.check.resolve import unsound
from dangol.engine.check.scope import Broken, Gathering, Names, Scope, text_of, unwrap
from dangol.grammar import ast

Read = TypeVar("Read")
TreeOf = TypeVar("TreeOf")


def read(text: ScenarioText, names: Names, report: list[Diagnostic]) -> ir.Scenario | None:
    """The scenario; None when a part of it has errors."""
    try:
        return _Reading(text, names, report).scenario()
    except Broken:
        return None


class _Reading:
    """One scenario being read: all its lines are, whatever is wrong with one of them."""

    def __init__(self, text: ScenarioText, names: Names, report: list[Diagnostic]) -> None:
        self.text = text
        self.names = names
        self.report = report
        self.parts = Gathering()
        self.splits: dict[str, ir.Split] = {}
        self.broken_splits = set(text.broken_splits)
        self.phase = self.line(text.phase, lambda tree, scope: beside.whole(tree, "phase", 1, scope)) or 1

    def scope(self, line: Line) -> Scope:
        return Scope(line, self.text.zone, self.names, self.report)

    def line(self, written: Written[TreeOf] | None, read: Callable[[TreeOf, Scope], Read]) -> Read | None:
        """What a line beside the rule says; None without one, or with errors."""
        if written is None:
            return None
        with self.parts.next():
            return read(written.tree, self.scope(written.line))
        return None

    def scenario(self) -> ir.Scenario:
        text = self.text
        self._read_splits()
        schedule = self.line(text.schedule, beside.schedule)
        anchor = self._who()
        steps = self._steps(schedule)
        used = self._used_splits()
        exits = tuple(e for e in (self.line(w, self._condition) for w in text.exits) if e is not None)
        setting = self._setting(anchor, used)
        kpis = (
            [self.line(w, lambda tree, scope: targets.kpi(tree, setting, scope)) for w in text.kpis] if setting else []
        )
        guardrails = (
            [self.line(w, lambda tree, scope: targets.guardrail(tree, setting, scope)) for w in text.guardrails]
            if setting
            else []
        )
        caps = [self.line(w, lambda tree, scope: beside.cap(tree, scope, text.channels)) for w in text.caps]
        found = replace(
            ir.Scenario(text.playbook, text.name, ir.Always(True), None, None, steps, exits),
            zone=text.zone,
            schedule=schedule,
            splits=used,
            kpis=tuple(k for k in kpis if k is not None),
            caps=tuple(c for c in caps if c is not None),
            quiet=self.line(text.quiet, beside.quiet),
            again=self.line(text.again, beside.again) or ir.Again(zone=text.zone),
            expires=self.line(text.expires, beside.expires),
            limit=self.line(text.limit, lambda tree, scope: beside.whole(tree, "limit", 1, scope)),
            priority=self.line(text.priority, lambda tree, scope: beside.whole(tree, "priority", None, scope)) or 0,
            holdout=self.line(text.holdout, beside.holdout),
            phase=self.phase,
            winner=self.line(text.winner, lambda tree, scope: targets.winner(tree, used, scope)),
            guardrails=tuple(g for g in guardrails if g is not None),
            on_deadline=self.line(text.on_deadline, lambda tree, scope: targets.on_deadline(tree, used, scope)),
        )
        self.parts.done()
        assert anchor is not None
        who, start = anchor
        return replace(found, who=who, anchor=start.events, anchor_from=start.source, still=start.still)

    # --- splits

    def _read_splits(self) -> None:
        for name, written in self.text.splits.items():
            scope = self.scope(written.line)
            try:
                self._fresh(name, scope)
                self.splits[name] = beside.split(name, written.tree, self.text.playbook, scope, self.phase)
            except Broken:
                self.broken_splits.add(name)

    def _fresh(self, name: str, scope: Scope) -> None:
        """E201 and E202 for the name of a split."""
        problem = unsound(name)
        if problem is not None:
            raise scope.error("E202", problem[0], None, problem[1])
        things = self.names.look_up(name)
        if things:
            message = f"`{name}` is already the name of {things[0].noun}: one name is one thing"
            raise scope.error("E201", message, None)

    def _arms(self) -> dict[str, ir.SplitArm]:
        return {name: ir.SplitArm(name, split.salt, split.arms) for name, split in self.splits.items()}

    def _used_splits(self) -> tuple[ir.Split, ...]:
        """The splits that the steps name, as messages or in `if`."""
        named: dict[str, None] = {}
        for step in self.text.rule.tree.steps:
            pending = [step.condition] if step.condition is not None else []
            while pending:
                node = pending.pop()
                if isinstance(node, ast.Name):
                    named[node.text] = None
                pending.extend(shorthand.children(node))
            named.update((s.message.name, None) for s in step.sends if isinstance(s.message, ast.SplitName))
        return tuple(split for name, split in self.splits.items() if name in named)

    def _setting(
        self, anchor: tuple[ir.Condition, anchors.Anchor] | None, used: tuple[ir.Split, ...]
    ) -> targets.Setting | None:
        """What targets may refer to; None when it cannot be known because the rule or a split is broken."""
        if anchor is None or self.broken_splits:
            return None
        control = any(arm == beside.CONTROL for split in used for arm, _ in split.arms)
        holdout = self.text.outer_holdout or self.text.holdout is not None
        return targets.Setting(anchor[1].events, control, holdout)

    # --- who

    def _who(self) -> tuple[ir.Condition, anchors.Anchor] | None:
        rule = self.text.rule
        scope = self.scope(rule.line)
        with self.parts.next():
            who = conditions.condition(rule.tree.who, scope)
            segments = {n: k.body for n, k in self.names.known.items() if k.kind == "segment"}
            anchor = anchors.find(who, segments, self.text.zone)  # type: ignore[arg-type]
            if len(anchor.phrases) > 1:
                self._no_after(scope)
            return who, anchor
        return None

    def _no_after(self, scope: Scope) -> None:
        """E309: `after` has nothing to count from when several event phrases could start an entry."""
        after = [s.timing for s in self.text.rule.tree.steps if s.timing is not None and s.timing.word == "after"]
        if not after:
            return
        who = unwrap(self.text.rule.tree.who)
        written = shorthand.members(who) if isinstance(who, ast.And) else [who]
        own = [text_of(m) for m in written if phrases.event_of(m, scope) is not None or isinstance(m, ast.Did)]
        message = "`after` counts from the event that starts an entry, and several phrases here could be it"
        hints = ("write the phrase that starts it in the rule itself",)
        if own:
            hints = (f"name all but one as a segment, as in `segments: {{other: {own[-1]}}}`, and use that name",)
        scope.note("E309", message, after[0], hints)
        self.parts.failed = True

    # --- steps

    def _condition(self, tree: ast.Expr, scope: Scope) -> ir.Condition:
        inner = replace(
            scope, entry=True, from_entry=True, splits=self._arms(), broken_splits=frozenset(self.broken_splits)
        )
        return conditions.condition(tree, inner)

    def _steps(self, schedule: ir.Schedule | None) -> tuple[ir.Step, ...]:
        scope = self.scope(self.text.rule.line)
        steps: list[ir.Step] = []
        stopped: ast.Step | None = None
        for tree in self.text.rule.tree.steps:
            if stopped is not None:
                scope.note("W302", "this is never reached: the step before always stops", tree)
                stopped = None
            with self.parts.next():
                steps.append(self._step(tree, scope))
            if tree.timing is not None and schedule is not None:
                self._warn_late(tree.timing, schedule, scope)
            stopped = tree if tree.stop is not None and tree.condition is None else None
        return tuple(steps)

    def _step(self, tree: ast.Step, scope: Scope) -> ir.Step:
        parts = Gathering()
        due, condition = None, None
        sends: list[ir.Send] = []
        with parts.next():
            due = _due(tree.timing, self.text.zone)
        with parts.next():
            condition = self._condition(tree.condition, scope) if tree.condition is not None else None
        for send in tree.sends:
            with parts.next():
                sends.append(self._send(send, scope))
        parts.done()
        return ir.Step(due, condition, tuple(sends))

    def _warn_late(self, timing: ast.Timing, schedule: ir.Schedule, scope: Scope) -> None:
        interval = beside.interval(schedule)
        if timing.word != "after" or timing.delay is None or interval is None:
            return
        if instants.nominal(timing.delay) < interval:
            message = "new entries are looked for less often than this, so it may go out late"
            scope.note("W301", message, timing, ("leave `schedule` out, or make it more frequent",))

    def _send(self, send: ast.Send, scope: Scope) -> ir.Send:
        beside.channel(send.channel, send, scope, self.text.channels)
        message = send.message
        if isinstance(message, ast.Inline):
            return ir.Send(send.channel, inline=message.text)
        if isinstance(message, ast.MessageName):
            self._message(message.name, send.channel, message, scope)
            return ir.Send(send.channel, message=message.name)
        if message.name in self.broken_splits:
            raise Broken
        if message.name not in self.splits:
            hints = scope.suggest(message.name, self.splits)
            raise scope.error("E303", f"`{message.name}` is not a split of this playbook", message, hints)
        parts = Gathering()
        for arm, _ in self.splits[message.name].arms:
            if arm != beside.CONTROL:
                with parts.next():
                    self._message(arm, send.channel, message, scope, f"arm `{arm}` of `{message.name}`")
        parts.done()
        return ir.Send(send.channel, split=message.name)

    def _message(self, name: str, channel: str, node: ast.Node, scope: Scope, what: str | None = None) -> None:
        messages = self.text.messages
        if name in self.text.broken_messages:
            raise Broken
        what = what or f"`{name}`"
        if name not in messages:
            hints = scope.suggest(name, messages)
            if not hints and name in self.splits:
                hints = (f"write `{channel} split {name}`",)
            hints = hints or ("write it under `messages:`, or put a text in quotes here",)
            raise scope.error("E302", f"{what} is not a message of this playbook", node, hints)
        if messages[name] and channel not in messages[name]:
            listed = ", ".join(sorted(messages[name]))
            raise scope.error("E304", f"{what} has no text for {channel}, only for {listed}", node)


def _due(timing: ast.Timing | None, zone: str) -> ir.Due | None:
    if timing is None:
        return None
    shift = instants.shift(timing.delay) if timing.delay is not None else None
    at = beside.minute_of_day(timing.at) if timing.at is not None else None
    return ir.Due(timing.word, shift, at, zone)
