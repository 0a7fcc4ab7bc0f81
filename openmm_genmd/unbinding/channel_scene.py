"""Channels in three dimensions, on a page that opens offline: `scene`, `viewer_html`."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.secondary_structure import secondary_structure
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.channels import Channel
from openmm_genmd.unbinding.found_path import FoundPath
from openmm_genmd.unbinding.ligand_paths import on_receptor

Array = NDArray[np.float64]

_PM_PER_NM = 1000.0
_MOST_FRAMES = 60
_SHAPES = {"H": "h", "G": "h", "I": "h", "E": "s", "B": "s"}

CONTENT_SECURITY_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:\">"
)
"""For the head of the page: with it a browser fetches nothing, whatever a script asks for."""


def scene(
    bound: BoundComplex,
    paths: Sequence[FoundPath],
    channels: Sequence[Channel],
    colors: Sequence[str],
) -> dict[str, Any]:
    """Heavy atoms, tubes of the ligand's centre, and a path of each channel, for ``channels.js``.

    Positions are in the frame of the bound structure's receptor, about its centre, in pm as 16-bit
    numbers. Long paths are thinned to 60 frames.

    Parameters
    ----------
    bound
        The complex.
    paths
        All paths that the channels name.
    channels
        From `find_channels`.
    colors
        One for each channel.
    """
    heavy = np.sort(np.concatenate([bound.receptor_heavy, bound.ligand_heavy]))
    middle = bound.positions_nm[bound.receptor_heavy].mean(axis=0)
    codes = secondary_structure(bound.topology, bound.positions_nm, bound.receptor)
    by_number = {path.number: path for path in paths}
    return {
        "protein": bool(codes),
        **_atoms(bound, heavy, codes),
        "start": _packed(bound.positions_nm[heavy] - middle),
        "channels": [
            {
                "name": channel.name,
                "color": color,
                "tubes": [_tube(by_number[n], bound, middle) for n in channel.paths],
                "mean": _packed(channel.mean_path_nm - middle),
                "residues": list(channel.residue_indices),
                "movie": _movie(by_number[channel.representative], bound, heavy, middle),
            }
            for channel, color in zip(channels, colors, strict=True)
        ],
    }


def viewer_html(content: dict[str, Any]) -> str:
    """The viewer with its scene as HTML, to be put on a page once.

    Parameters
    ----------
    content
        From `scene`. Texts in it may hold any character.
    """
    # "<" cannot end the element, and no text of the scene is ever read as HTML.
    text = json.dumps(content, allow_nan=False).replace("<", "\\u003c")
    return (
        f"{_STYLE}{_CONTROLS}"
        f'<script type="application/json" id="scene">{text}</script>'
        f"<script>/*!\n{_bundled('3Dmol-LICENSE.txt')}\n*/\n{_bundled('3Dmol-min.js')}</script>"
        f"<script>{_bundled('channels.js')}</script>"
    )


@cache
def _bundled(name: str) -> str:
    return (files("openmm_genmd.unbinding") / "viewer" / name).read_text(encoding="utf-8")


def _atoms(bound: BoundComplex, heavy: NDArray[np.intp], codes: dict[int, str]) -> dict[str, Any]:
    atoms = list(bound.topology.atoms())
    places = {int(particle): k for k, particle in enumerate(heavy)}
    ligand = set(bound.ligand.tolist())
    bonds = [(places.get(a.index), places.get(b.index)) for a, b in bound.topology.bonds()]
    return {
        "atoms": {
            "element": [atoms[k].element.symbol for k in heavy],
            "name": [atoms[k].name for k in heavy],
            "residue": [atoms[k].residue.index for k in heavy],
            "ligand": [int(int(k) in ligand) for k in heavy],
        },
        "bonds": [pair for pair in bonds if None not in pair],
        "residues": [
            # Numbers of residues must be numbers for the viewer: their places in the Topology.
            [r.name, r.index + 1, r.chain.id, _shape(codes, r.index)]
            for r in bound.topology.residues()
        ],
    }


def _shape(codes: dict[int, str], residue: int) -> str:
    return _SHAPES.get(codes[residue], "c") if residue in codes else ""


def _thinned(path: FoundPath) -> NDArray[np.intp]:
    n = len(path.frames_nm)
    return np.unique(np.linspace(0, n - 1, min(n, _MOST_FRAMES)).round().astype(np.intp))


def _tube(path: FoundPath, bound: BoundComplex, middle_nm: Array) -> str:
    frames = on_receptor(path.frames_nm[_thinned(path)], bound)
    return _packed(frames[:, bound.ligand_heavy].mean(axis=1) - middle_nm)


def _movie(
    path: FoundPath, bound: BoundComplex, heavy: NDArray[np.intp], middle_nm: Array
) -> dict[str, Any]:
    places = _thinned(path)
    frames = on_receptor(path.frames_nm[places], bound)[:, heavy]
    return {
        "number": path.number,
        "frames": places.tolist(),
        "of": len(path.frames_nm),
        "work": path.work_at(path.progress[places]).round(2).tolist(),
        "coordinates": _packed(frames - middle_nm),
    }


def _packed(positions_nm: Array) -> str:
    limit = np.iinfo(np.int16).max
    pm = np.clip(np.round(_PM_PER_NM * positions_nm), -limit, limit).astype("<i2")
    return base64.b64encode(pm.tobytes()).decode("ascii")


_STYLE = """<style>
.viewer { border: 1px solid #d7dce2; } #viewer { position: relative; height: 30rem; }
#controls { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; align-items: center; }
#controls { margin: .6rem 0; }
#boxes label { margin-right: 1.2rem; white-space: nowrap; } #frame { flex: 1; min-width: 12rem; }
.swatch { display: inline-block; width: 1rem; height: .7rem; margin: 0 .4rem; }
</style>"""

_CONTROLS = """
<div class="viewer"><div id="viewer"></div></div>
<div id="controls"><div id="boxes"></div>
<label>movie <select id="movie"></select></label>
<button id="play" type="button">Play</button>
<input id="frame" type="range" min="0" value="0" aria-label="frame of the path">
<output id="state"></output></div>"""
