"""The comparison on a peptide for people: tables and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peptide_hybrid_results import METHODS
from rich.table import Table

ENOUGH = 50
"""Effective samples of a reference above which its variance is known to 20 %."""


def tables(found: dict[str, Any]) -> list[Any]:
    """Effective samples, populations, and what to make of them."""
    return [_rates(found), _populations(found), "\n".join(_verdicts(found))]


def _rates(found: dict[str, Any]) -> Table:
    settings = found["settings"]
    table = Table(
        title=f"{settings['sequence']}, {settings['minutes']:g} minutes, grade {found['grade']}"
    )
    for heading in ("", *METHODS):
        table.add_column(heading)
    errors, never = found["ess_per_minute_error"], found["never_crossed"]
    table.add_row(
        "ESS of TIC-0 per minute",
        *(_pair([found["ess_per_minute"][m], errors[m]], "≤ " * bool(never[m])) for m in METHODS),
    )
    ratios = [_pair(found["ratios"][m], "≥ " * bool(never[m])) for m in METHODS[1:]]
    table.add_row("hybrid is better by", "", *ratios)
    least = found["ratios_at_least"]
    table.add_row("at least, by one error", "", *(format(least[m], ".3g") for m in METHODS[1:]))
    for heading, key in (("crossings", "crossings"), ("ESS of chains", "effective_samples")):
        of = [[format(chain[key], ".3g") for chain in found["chains"][m]] for m in METHODS]
        table.add_row(heading, *(", ".join(each) for each in of))
    accepted = [format(each["acceptance"], ".3f") for each in found["leaps"].values()]
    table.add_row("acceptance", *accepted, "", "")
    return table


def _populations(found: dict[str, Any]) -> Table:
    table = Table(title="Populations and means, with standard errors")
    columns = ("reference", *METHODS)
    for heading in ("", *columns):
        table.add_column(heading)
    for name in found["populations"]["reference"]:
        pairs = [found["populations"][column][name] for column in columns]
        table.add_row(name, *(f"{value:.3f} ± {error:.3f}" for value, error in pairs))
    return table


def _verdicts(found: dict[str, Any]) -> list[str]:
    lines = []
    for method, goals in found["goals"].items():
        said = ", ".join(f"{goal:g}x {'met' if met else 'not met'}" for goal, met in goals)
        lines.append(f"against {method}: {said}")
    known = found["tic"]["reference_effective_samples"]
    lines.append(f"the reference has {known:.0f} effective samples of TIC-0")
    if known < ENOUGH:
        lines.append("  too few: the variance behind all ESS is uncertain, though not their ratios")
    for method, each in found["against_reference"].items():
        worst = f"{each['largest_score']:.1f} standard errors in {each['largest_score_of']}"
        lines.append(f"{method} and the reference: at most {worst}")
    for each in found["leaps"]["hybrid"]["rejections"][:2]:
        lines.append(f"rejected {each['share']:.0%}, {each['reason']}: {each['remedy']}")
    lines.append("converged" if found["converged"] else "not converged:")
    return lines + [f"  {name}: {reason}" for name, reason in found["not_converged"].items()]


def _pair(pair: list[float], sign: str = "") -> str:
    return f"{sign}{pair[0]:.3g} ± {pair[1]:.2g}"


def draw(found: dict[str, Any], file: Path) -> None:
    """Write a figure: effective samples per minute, and populations of all methods."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), width_ratios=(1, 2))
    rates = [found["ess_per_minute"][m] for m in METHODS]
    left.bar(METHODS, rates, yerr=[found["ess_per_minute_error"][m] for m in METHODS], capsize=3)
    left.set_yscale("log")
    left.set_ylabel("effective samples of TIC-0 per minute")
    names = list(found["populations"]["reference"])
    for shift, method in enumerate(("reference", *METHODS)):
        pairs = [found["populations"][method][name] for name in names]
        places = [n + 0.15 * (shift - 2) for n in range(len(names))]
        values, errors = zip(*pairs, strict=True)
        right.errorbar(places, values, yerr=errors, fmt="o", markersize=3, label=method)
    right.set_xticks(range(len(names)), names, rotation=60, ha="right")
    right.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.suptitle(f"{found['settings']['sequence']}, grade {found['grade']}")
    figure.tight_layout()
    figure.savefig(file, dpi=150)
    plt.close(figure)
