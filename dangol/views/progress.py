"""A progress bar on a terminal, while data are read."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


def bar() -> Callable[[str, float], None]:
    """A function to be told what is being read, and which share of it (0 to 1) is done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}

    def told(label: str, share: float) -> None:
        if not tasks:
            progress.start()
        if label not in tasks:
            tasks[label] = progress.add_task(label, total=1.0)
        progress.update(tasks[label], completed=share)
        if all(task.finished for task in progress.tasks):
            progress.stop()
            for task in tasks.values():
                progress.remove_task(task)
            tasks.clear()

    return told
