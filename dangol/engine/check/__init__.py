"""Checking: syntax trees and a catalog in, typed IR or diagnostics out; no data is read.

    checked = check(catalog, definitions, scenarios)       # a whole project, every finding at once
    node, findings = check_expression(parse(line, "expression"), line, zone, checked)   # an ad-hoc line
    node, findings = check_condition(parse(line, "expression"), line, zone, checked)    # who matches an ad-hoc line
    checked = extend(checked, more_definitions)            # what such a line names besides
    answer, findings = check_beside(written, zone)         # a cap, quiet hours, a holdout of the project or playbook

A bad definition does not cascade: lines that use it are checked as far as they go, and nothing is said about it again.
"""

from __future__ import annotations

from dangol.engine.check.beside import BesideIR, check_beside
from dangol.engine.check.model import Checked, Definition, ScenarioText, Written
from dangol.engine.check.program import check, check_condition, check_expression, extend

__all__ = [
    "BesideIR",
    "Checked",
    "Definition",
    "ScenarioText",
    "Written",
    "check",
    "check_beside",
    "check_condition",
    "check_expression",
    "extend",
]
